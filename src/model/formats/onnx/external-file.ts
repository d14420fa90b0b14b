/** External data of a model file: found only inside the model's own folder, read at its offset when asked for. */
import { closeSync, fstatSync, openSync, readSync, realpathSync, type Stats, statSync } from 'node:fs';
import { isAbsolute, join, relative, sep, win32 } from 'node:path';
import { fileProblem } from '../../../support/diagnostics/files.ts';
import {
  externalDataChanged,
  externalDataMissing,
  externalDataPath,
  externalDataShort,
} from '../../../support/diagnostics/model-files.ts';
import type { ExternalLocation } from '../../ir/tensor.ts';
import type { TensorSource } from './tensors.ts';

interface DataFile {
  readonly path: string;
  readonly stats: Stats;
}

/** @param folder  the folder that holds the model file */
export function externalFiles(folder: string): Required<TensorSource> {
  const files = new Map<string, DataFile>();
  const open = (location: string, what: string) => {
    const file = files.get(location) ?? findFile(folder, location, what);
    files.set(location, file);
    return file;
  };
  return {
    checkExternal({ location, offset, length }, what) {
      const file = open(location, what);
      if (offset + length > file.stats.size)
        throw externalDataShort(what, location, offset + length, file.stats.size);
    },
    external: (at) => readAt(files.get(at.location) ?? findFile(folder, at.location, 'The tensor'), at),
    sizeOf: (location, what) => open(location, what).stats.size,
  };
}

function findFile(folder: string, location: string, what: string): DataFile {
  const parts = location.split(/[\\/]/);
  if (location === '') throw externalDataPath(what, location, 'names no file');
  if (isAbsolute(location) || win32.isAbsolute(location) || /^[a-z]:/i.test(location))
    throw externalDataPath(what, location, 'is an absolute path');
  if (parts.includes('..') || location.includes('\0'))
    throw externalDataPath(what, location, 'leads out of the folder');
  const path = join(folder, ...parts);
  try {
    const real = realpathSync(path);
    const inside = relative(realpathSync(folder), real);
    if (inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside))
      throw externalDataPath(what, location, 'is a link that leads out of the folder');
    const stats = statSync(real);
    if (!stats.isFile()) throw externalDataPath(what, location, 'is not a file');
    return { path: real, stats };
  } catch (error) {
    const errno = (error as { code?: string }).code;
    if (errno === 'ENOENT' || errno === 'ENOTDIR') throw externalDataMissing(what, location, folder);
    throw typeof (error as { syscall?: string }).syscall === 'string'
      ? fileProblem(path, 'read', error)
      : error;
  }
}

/** @throws EXTERNAL_DATA_CHANGED when the file is not the one that was there when the model was opened */
function readAt({ path, stats }: DataFile, { location, offset, length }: ExternalLocation): Uint8Array {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    throw fileProblem(path, 'read', error);
  }
  try {
    const now = fstatSync(file);
    if (now.ino !== stats.ino || now.size !== stats.size || now.mtimeMs !== stats.mtimeMs)
      throw externalDataChanged(location);
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const read = readSync(file, bytes, done, Math.min(length - done, 2 ** 30), offset + done);
      if (read === 0) throw externalDataShort('The tensor', location, offset + length, offset + done);
      done += read;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}
