/** Writes a set of files all or not at all: made in a hidden folder first, moved when all are complete.
 *  A file that is there already is only replaced when edgepress made it, or when told to. */
import fs from 'node:fs';
import path from 'node:path';
import {
  outputExists,
  outputFolderMissing,
  outputIsInput,
  outputUnwritable,
} from '../../support/diagnostics/files.ts';
import { asideIn, makeHiddenFolder, removeHiddenFolder } from '../../support/hidden-folder.ts';
import { leftBehind } from '../../support/left-behind.ts';

/** What a file of ours carries at its begin or end, by the kind of file: a person's own file may well mention us. */
const marks: readonly { readonly ending: RegExp; readonly mark: RegExp }[] = [
  // The metadata entry "edgepress" in protobuf: field 1, 9 bytes long, then field 2.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: bytes of a binary file
  { ending: /\.onnx$/i, mark: /\n\x09edgepress\x12/ },
  // The same entry in the text's header, of which each line begins with two spaces.
  {
    ending: /\.onnx\.?txt$/i,
    mark: /^<\n(?: {2}[^\n]*\n)*? {2}metadata_props: \[[^\n]*"edgepress": "made with recipe /,
  },
  // A report, or a TensorFlow.js model.
  {
    ending: /\.json$/i,
    mark: /"schema":\s*"edgepress\/(bundle-|sweep-)?report@|^\{"format":"graph-model","(converted|generated)By":"edgepress /,
  },
  // The name of an entry of metadata, a text with its length in front, behind the mark of the format.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: bytes of a binary file
  { ending: /\.tflite$/i, mark: /^[\s\S]{4}TFL3[\s\S]*\x09\0\0\0edgepress\0/ },
  // Among the metadata, near the begin of an .ort file.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: bytes of a binary file
  { ending: /\.ort$/i, mark: /\x09\0\0\0edgepress\0/ },
  { ending: /\.required_operators_and_types\.config$/i, mark: /^# made by edgepress\n/ },
  // The comment of an array, in the list of contents that ends an archive.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: bytes of a binary file
  { ending: /\.npz$/i, mark: /PK\x01\x02[\s\S]*made by edgepress/ },
  { ending: /\.html$/i, mark: /<meta name="generator" content="edgepress / },
  { ending: /\.xml$/i, mark: /<!-- made by edgepress -->/ },
  { ending: /\.md$/i, mark: /^### [\s\S]*("edgepress": 1,|<!-- made by edgepress -->)/ },
];
/** For outputs that are named otherwise, a model as a rule. */
const modelMark = marks[0]!.mark;

/** Whether a file may be replaced unasked: it does not exist, is empty, or carries our mark. */
export function isOurs(file: string): boolean {
  const stat = fs.statSync(file, { throwIfNoEntry: false });
  if (!stat) return true;
  if (!stat.isFile()) return false;
  if (stat.size === 0) return true;
  const mark = marks.find(({ ending }) => ending.test(file))?.mark ?? modelMark;
  const fd = fs.openSync(file, 'r');
  try {
    const length = Math.min(stat.size, 65536);
    const part = Buffer.alloc(length);
    return [0, stat.size - length].some((position) => {
      fs.readSync(fd, part, 0, length, position);
      return mark.test(part.toString('latin1'));
    });
  } finally {
    fs.closeSync(fd);
  }
}

/** Before any work: whether these files could be written, all in the folder of the first.
 *  @throws OUTPUT_EXISTS for the first path that holds something else than our own output; FOLDER_NOT_FOUND;
 *    OUTPUT_UNWRITABLE when the folder does not let us */
export function checkOutputs(paths: readonly string[], force: boolean): void {
  for (const p of paths) {
    const folder = path.dirname(p);
    const stat = guarded(p, () => fs.statSync(folder, { throwIfNoEntry: false }));
    if (!stat) throw outputFolderMissing(p, folder);
    if (!stat.isDirectory()) throw outputUnwritable(p, `${folder} is a file`);
    guarded(p, () => tryToWrite(p));
    if (fs.statSync(p, { throwIfNoEntry: false })?.isDirectory()) throw outputExists(p, 'a folder');
    if (!force && !guarded(p, () => isOurs(p))) throw outputExists(p, 'a file that edgepress did not make');
  }
}

/** Some places only say no when something is written there. */
function tryToWrite(file: string): void {
  fs.accessSync(path.dirname(file), fs.constants.W_OK);
  removeHiddenFolder(makeHiddenFolder(file));
}

/** Outputs may replace what edgepress made, but never what is read to make them.
 *  @param inputs  paths of all that is read: model, data; those that aren't there are passed over
 *  @throws OUTPUT_IS_INPUT, whatever `force`, and what checkOutputs throws */
export function checkTargets(inputs: readonly string[], outputs: readonly string[], force: boolean): void {
  const read = new Set(inputs.filter((f) => fs.existsSync(f)).map((f) => fs.realpathSync(f)));
  for (const p of outputs) if (fs.existsSync(p) && read.has(fs.realpathSync(p))) throw outputIsInput(p);
  checkOutputs(outputs, force);
}

/** A hidden folder beside the output, where files are made under their final names. */
interface Stage {
  readonly folder: string;
  /** Where the file that will end up at `path` is made. */
  pathOf(path: string): string;
  write(path: string, content: Uint8Array | string): void;
  /** Moves everything to its place. @returns the final paths */
  commit(): string[];
  /** Removes what is left; harmless after commit. */
  discard(): void;
}

/** Makes a folder, and those it lies in. @throws OUTPUT_UNWRITABLE */
export const makeFolder = (folder: string): void => {
  guarded(folder, () => fs.mkdirSync(folder, { recursive: true }));
};

/** Makes a folder for what `work` writes into it; where that fails, it goes again as far as nothing lies in it.
 *  @throws OUTPUT_UNWRITABLE, what `work` throws */
export async function inMadeFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const first = guarded(folder, () => fs.mkdirSync(folder, { recursive: true }));
  try {
    return await work();
  } catch (error) {
    if (first) removeEmpty(path.resolve(folder), path.dirname(path.resolve(first)));
    throw error;
  }
}

/** Removes a folder and those it lies in, up to `end`, while they are empty. */
function removeEmpty(folder: string, end: string): void {
  if (folder === end || fs.readdirSync(folder).length > 0) return;
  fs.rmdirSync(folder);
  removeEmpty(path.dirname(folder), end);
}

/** @param output  path of the main file; all others go into the same folder
 *  @throws OUTPUT_UNWRITABLE (disk full, no permission); then nothing was changed */
export function createStage(output: string): Stage {
  const target = path.dirname(path.resolve(output));
  const folder = guarded(output, () => makeHiddenFolder(path.join(target, path.basename(output))));
  const pathOf = (file: string) => path.join(folder, path.basename(file));
  leftBehind.tell(folder);
  const discard = () => removeHiddenFolder(folder);
  // A second Ctrl-C ends the process without unwinding.
  process.once('exit', discard);
  return {
    folder,
    pathOf,
    write: (file, content) => guarded(file, () => fs.writeFileSync(pathOf(file), content)),
    commit() {
      // From here on it holds what is replaced, and goes by itself.
      leftBehind.tell(null);
      const names = fs.readdirSync(folder);
      moveAll(movesOf(folder, target));
      discard();
      return names.map((name) => path.join(path.dirname(output), name));
    },
    discard() {
      process.off('exit', discard);
      discard();
      leftBehind.tell(null);
    },
  };
}

/** Text files wherever each is to lie, all of them or none. @throws OUTPUT_UNWRITABLE; then nothing was changed */
export function writeTogether(
  files: readonly { readonly path: string; readonly content: string | Uint8Array }[],
): void {
  const stages = new Map<string, Stage>();
  try {
    for (const file of files) {
      const target = path.dirname(path.resolve(file.path));
      const stage = stages.get(target) ?? createStage(file.path);
      stages.set(target, stage);
      stage.write(file.path, file.content);
    }
    moveAll([...stages].flatMap(([target, { folder }]) => movesOf(folder, target)));
  } finally {
    for (const stage of stages.values()) stage.discard();
  }
}

interface Move {
  readonly from: string;
  readonly to: string;
  /** Where a file that is replaced waits: of the same disk. */
  readonly aside: string;
}

function movesOf(folder: string, target: string): Move[] {
  const names = fs.readdirSync(folder);
  const aside = asideIn(folder);
  guarded(aside, () => fs.mkdirSync(aside));
  return names.map((name) => ({
    from: path.join(folder, name),
    to: path.join(target, name),
    aside: path.join(aside, name),
  }));
}

/** All or none: files that are replaced wait aside until every move is done, and go back when one fails. */
function moveAll(moves: readonly Move[]): void {
  const done: Pick<Move, 'from' | 'to'>[] = [];
  const move = (from: string, to: string) => {
    fs.renameSync(from, to);
    done.push({ from, to });
  };
  for (const { from, to, aside } of moves) {
    try {
      const there = fs.statSync(to, { throwIfNoEntry: false });
      // A folder refuses the move by itself.
      if (there && !there.isDirectory()) move(to, aside);
      move(from, to);
    } catch (cause) {
      for (const { from, to } of done.reverse()) fs.renameSync(to, from);
      throw outputUnwritable(to, failureReason(cause), cause);
    }
  }
}

function guarded<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw outputUnwritable(file, failureReason(cause), cause);
  }
}

/** An operating system's refusal in words. */
export function failureReason(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'the disk is full';
  if (code === 'ENOENT') return 'that place takes no files';
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'no permission to write there';
  return cause instanceof Error ? cause.message : String(cause);
}
