/** One folder for all temporary files of a run, ours and those of browsers and libraries: it goes with the run, and that of a run
 *  that was killed goes with the next. */
import { rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeHiddenFolder } from '../support/hidden-folder.ts';

/** A browser makes a socket in it, whose path has little room: 104 bytes on macOS, with what the browser adds. */
const longestPath = 104 - '/.org.chromium.Chromium.XXXXXX/SingletonSocket'.length - 1;

/** @returns null where there is no room, on the disk or in the path: the system's folder is used then, and a failure is told by
 *    whoever wants to write there */
export function makeTemporaryFolder(): string | null {
  try {
    const folder = makeHiddenFolder(join(tmpdir(), 'edgepress'));
    if (Buffer.byteLength(folder) <= longestPath) return folder;
    removeTemporaryFolder(folder);
  } catch {}
  return null;
}

/** What a browser that is just ending still writes there, the next run removes. */
export function removeTemporaryFolder(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  } catch {}
}

/** For the environment of a process that is to use it. */
export const asTemporaryFolder = (folder: string | null): NodeJS.ProcessEnv =>
  folder === null ? {} : { TMPDIR: folder, TEMP: folder, TMP: folder };
