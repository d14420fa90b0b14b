/** Messages of file operations: what can't be read, what is never written over. */
import { environment, user } from '../diagnostics.ts';

/** A failed file operation, by its errno.
 *  @param near  what may have been meant by a path that isn't there */
export function fileProblem(path: string, action: 'read' | 'write', cause: unknown, near?: string) {
  const errno = (cause as { code?: string } | null)?.code ?? '';
  if (errno === 'ENOENT' && action === 'read')
    return user(
      'FILE_NOT_FOUND',
      `There is no file ${path}.`,
      near ? `Did you mean ${near}?` : 'Check the path.',
      cause,
    );
  if (errno === 'ENOENT' || errno === 'ENOTDIR')
    return user('FOLDER_NOT_FOUND', `The folder of ${path} does not exist.`, 'Create it first.', cause);
  if (errno === 'EISDIR')
    return user(
      'FILE_IS_FOLDER',
      `${path} is a folder; a file was expected.`,
      'Name the file inside it.',
      cause,
    );
  if (errno === 'EACCES' || errno === 'EPERM' || errno === 'EROFS')
    return environment(
      'FILE_PERMISSION',
      `No permission to ${action} ${path} (${errno}).`,
      `Change the permissions, or choose another place.`,
      cause,
    );
  if (errno === 'ENOSPC' || errno === 'EDQUOT')
    return environment(
      'DISK_FULL',
      `The disk is full: ${path} could not be written; what was begun has been removed.`,
      'Free some space, or write to another disk.',
      cause,
    );
  return environment(
    action === 'read' ? 'FILE_UNREADABLE' : 'FILE_UNWRITABLE',
    `Could not ${action} ${path} (${errno || String(cause)}).`,
    undefined,
    cause,
  );
}

export function outputLost(cause: unknown) {
  const { code = '' } = (cause ?? {}) as { code?: string };
  const isFull = code === 'ENOSPC' || code === 'EDQUOT';
  return environment(
    isFull ? 'DISK_FULL' : 'OUTPUT_UNWRITABLE',
    `What the command prints could not be written to standard output (${code || String(cause)}).`,
    isFull ? 'Free some space, or send it to another disk.' : undefined,
    cause,
  );
}

export const npyMalformed = (name: string, what: string) =>
  user(
    'NPY_MALFORMED',
    `${name} is not a valid NumPy file: ${what}.`,
    'Write it with numpy.save or numpy.savez.',
  );

export const npyDtype = (name: string, descr: string, known: string) =>
  user(
    'NPY_DTYPE',
    `${name} holds elements of type ${descr}; supported types are ${known}.`,
    'Convert it first: numpy.save(path, array.astype("float32")).',
  );

export const outputExists = (path: string, what: string) =>
  user(
    'OUTPUT_EXISTS',
    `${path} is ${what}; it stays as it is.`,
    'Choose another name with -o, or pass --force to replace it.',
  );

const isFull = (cause: unknown) =>
  ['ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException)?.code ?? '');

export const outputUnwritable = (path: string, reason: string, cause?: unknown) =>
  environment(
    'OUTPUT_UNWRITABLE',
    `${path} can't be written: ${reason}. Nothing was changed.`,
    isFull(cause)
      ? 'Free space, or write elsewhere with -o.'
      : 'Check permissions, or write elsewhere with -o.',
    cause,
  );

export const outputFolderMissing = (path: string, folder: string) =>
  user('FOLDER_NOT_FOUND', `${path} can't be written: there is no folder ${folder}.`, 'Create it first.');

export const outputIsInput = (path: string) =>
  user(
    'OUTPUT_IS_INPUT',
    `${path} is read to make the result; what is read is never written over.`,
    'Choose another name with -o.',
  );

export const configInvalid = (file: string, what: string, cause?: unknown, hint?: string) =>
  user(
    'CONFIG_INVALID',
    `${file}: ${what}`,
    hint ?? 'It holds the options of compress as an object: { "int8": true, "data": "photos/" }.',
    cause,
  );
