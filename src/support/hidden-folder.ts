/** Hidden folders in which outputs are made before they get their names: `.model.onnx.tmp-<machine>-<process>-XXXXXX`. What a killed run
 *  left of them goes with the next run into the same folder; what it was just replacing comes back. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';

const hidden = /^\..+\.tmp-([0-9a-f]{8})-(\d+)-[A-Za-z0-9]{6}$/;
/** Nothing that we do takes longer: an older folder is nobody's, whichever machine made it. */
const longestMs = 7 * 24 * 3600 * 1000;

/** Where process numbers mean the same: a machine, or a container on it. */
const machine = createHash('sha256').update(`${hostname()}\n${numbering()}`).digest('hex').slice(0, 8);

function numbering(): string {
  try {
    return fs.readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** Where in a hidden folder things wait, under their own names, while others take their places. */
export const asideIn = (folder: string): string => path.join(folder, '.replaced');

/** Removes one. What waits in it goes back where its place is empty still: the run, or a move, ended in between. */
export function removeHiddenFolder(folder: string): void {
  const aside = asideIn(folder);
  if (fs.existsSync(aside)) {
    for (const name of fs.readdirSync(aside)) {
      const place = path.join(path.dirname(folder), name);
      if (!fs.lstatSync(place, { throwIfNoEntry: false })) fs.renameSync(path.join(aside, name), place);
    }
    // Whoever ends this run leaves nothing that is half removed to come back.
    fs.renameSync(aside, path.join(folder, '.gone'));
  }
  fs.rmSync(folder, { recursive: true, force: true });
}

/** Makes one beside `target`, and removes those whose runs are gone. @throws what mkdtemp throws */
export function makeHiddenFolder(target: string): string {
  const parent = path.dirname(target);
  for (const name of fs.readdirSync(parent)) if (isLeft(parent, name)) remove(path.join(parent, name));
  return fs.mkdtempSync(path.join(parent, `.${path.basename(target)}.tmp-${machine}-${process.pid}-`));
}

function isLeft(parent: string, name: string): boolean {
  const [, where, owner] = hidden.exec(name) ?? [];
  if (!where) return false;
  if (where === machine) return !isAlive(Number(owner));
  const stat = fs.lstatSync(path.join(parent, name), { throwIfNoEntry: false });
  return stat?.isDirectory() === true && Date.now() - stat.mtimeMs > longestMs;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}

/** Another user's folder stays. */
function remove(folder: string): void {
  try {
    removeHiddenFolder(folder);
  } catch {}
}
