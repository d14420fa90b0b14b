/** Writes a set of files all or not at all: made in a hidden folder first, moved when all are complete.
 *  A file that is there already is only replaced when edgepress made it, or when told to. */
import fs from 'node:fs';
import path from 'node:path';
import { outputExists, outputUnwritable } from '../support/diagnostics.ts';

/** What every file of ours carries somewhere: ONNX metadata, the report's schema name, a generator tag. */
const mark = Buffer.from('edgepress');

/** Whether a file may be replaced unasked: it does not exist, is empty, or carries our mark. */
export function isOurs(file: string): boolean {
  if (!fs.existsSync(file)) return true;
  const stat = fs.statSync(file);
  if (!stat.isFile()) return false;
  if (stat.size === 0) return true;
  const fd = fs.openSync(file, 'r');
  try {
    const length = Math.min(stat.size, 65536);
    const head = Buffer.alloc(length);
    fs.readSync(fd, head, 0, length, 0);
    const tail = Buffer.alloc(length);
    fs.readSync(fd, tail, 0, length, stat.size - length);
    return head.includes(mark) || tail.includes(mark);
  } finally {
    fs.closeSync(fd);
  }
}

/** @throws OUTPUT_EXISTS for the first path that holds something else than our own output */
export function checkOutputs(paths: readonly string[], force: boolean): void {
  for (const p of paths) {
    if (fs.existsSync(p) && fs.statSync(p).isDirectory()) throw outputExists(p, 'a folder');
    if (!force && !isOurs(p)) throw outputExists(p, 'a file that edgepress did not make');
    const folder = path.dirname(path.resolve(p));
    if (!fs.existsSync(folder)) throw outputUnwritable(p, 'its folder does not exist');
  }
}

/** A hidden folder beside the output, where files are made under their final names. */
export interface Stage {
  readonly folder: string;
  /** Where the file that will end up at `path` is made. */
  pathOf(path: string): string;
  write(path: string, content: Uint8Array | string): void;
  /** Moves everything to its place. @returns the final paths */
  commit(): string[];
  /** Removes what is left; harmless after commit. */
  discard(): void;
}

/** @param output  path of the main file; all others go into the same folder
 *  @throws OUTPUT_UNWRITABLE (disk full, no permission); then nothing was changed */
export function createStage(output: string): Stage {
  const target = path.dirname(path.resolve(output));
  const folder = guarded(output, () => fs.mkdtempSync(path.join(target, `.${path.basename(output)}.tmp-`)));
  const pathOf = (file: string) => path.join(folder, path.basename(file));
  return {
    folder,
    pathOf,
    write: (file, content) => guarded(file, () => fs.writeFileSync(pathOf(file), content)),
    commit() {
      const names = fs.readdirSync(folder);
      for (const name of names)
        guarded(path.join(target, name), () =>
          fs.renameSync(path.join(folder, name), path.join(target, name)),
        );
      fs.rmdirSync(folder);
      return names.map((name) => path.join(path.dirname(output), name));
    },
    discard: () => fs.rmSync(folder, { recursive: true, force: true }),
  };
}

function guarded<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (cause) {
    throw outputUnwritable(file, reason(cause), cause);
  }
}

function reason(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC') return 'the disk is full';
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'no permission to write there';
  return cause instanceof Error ? cause.message : String(cause);
}
