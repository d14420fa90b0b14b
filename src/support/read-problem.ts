/** A path that can't be read, and what may have been meant by it. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileProblem } from './diagnostics/files.ts';
import { nearest } from './diagnostics.ts';

/** A failed reading, by its errno; a file that isn't there comes with the nearest one that is. */
export const readProblem = (file: string, cause: unknown) =>
  fileProblem(file, 'read', cause, nearbyPath(file));

/** The path with its first wrong name put right; undefined where nothing close is there. */
export function nearbyPath(wrong: string): string | undefined {
  const parts = wrong.split(/(?<=[\\/])/);
  const at = parts.findIndex((_, i) => !existsSync(parts.slice(0, i + 1).join('')));
  if (at < 0) return undefined;
  const folder = parts.slice(0, at).join('');
  const [name = '', separator = ''] = parts[at]!.split(/([\\/])/);
  const near = nearest(name, namesIn(folder));
  const meant = near && [folder, near, separator, ...parts.slice(at + 1)].join('');
  return meant && existsSync(meant) ? meant : undefined;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(path.resolve(folder));
  } catch {
    return [];
  }
}
