/** What fails on this machine's disk, apart from what fails elsewhere. */
import { failureReason } from '../../ship/emit/write.ts';
import { outputUnwritable } from '../../support/diagnostics/files.ts';

/** What a disk of this machine says when it takes no more. */
const ownDisk: ReadonlySet<string> = new Set([
  'ENOSPC',
  'EDQUOT',
  'EROFS',
  'EACCES',
  'EPERM',
  'EISDIR',
  'ENOTDIR',
]);

/** A copy from a store that this machine could not write; null where it was something else. */
export const unwritten = (file: string, cause: unknown): Error | null =>
  ownDisk.has((cause as NodeJS.ErrnoException).code ?? '')
    ? outputUnwritable(file, failureReason(cause), cause)
    : null;
