/** Writes a set of files all or not at all: each to a temporary name first, then renamed when all are complete.
 *  A file that is there already is only replaced when edgepress made it, or when told to. */
import fs from 'node:fs';
import path from 'node:path';
import { outputExists, outputUnwritable } from '../support/diagnostics.ts';

export interface OutputFile {
  readonly path: string;
  readonly content: Uint8Array | string;
}

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

/** @throws OUTPUT_UNWRITABLE (disk full, no permission); then nothing was changed */
export function writeAll(files: readonly OutputFile[]): void {
  const temporary: string[] = [];
  try {
    for (const file of files) {
      const temp = temporaryName(file.path);
      temporary.push(temp);
      fs.writeFileSync(temp, file.content, { flag: 'wx' });
    }
    files.forEach((file, i) => fs.renameSync(temporary[i]!, file.path));
  } catch (cause) {
    throw outputUnwritable(files[Math.max(0, temporary.length - 1)]!.path, reason(cause), cause);
  } finally {
    for (const temp of temporary) fs.rmSync(temp, { force: true });
  }
}

/** A hidden name in the same folder, so that the rename stays on one file system. */
export const temporaryName = (file: string) =>
  path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.tmp`);

function reason(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code;
  if (code === 'ENOSPC') return 'the disk is full';
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') return 'no permission to write there';
  return cause instanceof Error ? cause.message : String(cause);
}
