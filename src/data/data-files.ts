/** Finds and reads the files of a data folder. */
import { readFileSync, statSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { dataNotFound, dataTooLarge, dataUnreadable } from '../support/diagnostics/data.ts';
import { nearbyPath } from '../support/read-problem.ts';

export interface DataFile {
  /** Relative to the data folder, with forward slashes. */
  readonly name: string;
  readonly path: string;
  /** Lower case, with the dot; '' without one. */
  readonly extension: string;
}

/** Endings of pictures that sharp's prebuilt decoder reads. */
export const pictureExtensions: ReadonlySet<string> = new Set(
  '.jpg .jpeg .jpe .jfif .png .webp .gif .avif .tif .tiff'.split(' '),
);

/** Of pictures that it doesn't read. */
export const foreignPictures: ReadonlySet<string> = new Set(
  '.bmp .heic .heif .jxl .jp2 .ppm .pgm .svg .ico .psd .raw .cr2 .nef .dng'.split(' '),
);

/** All files below a folder, sorted by name (code units, the same on every system). Hidden files and
 *  folders, and the leftovers of archives (__MACOSX), are passed over; links are followed, a folder seen
 *  before is not entered again.
 *  @throws DATA_UNREADABLE */
export async function listFiles(folder: string): Promise<DataFile[]> {
  const files: DataFile[] = [];
  const seen = new Set<string>();
  const visit = async (path: string, prefix: string) => {
    const { dev, ino } = await stat(path);
    if (seen.has(`${dev}:${ino}`)) return;
    seen.add(`${dev}:${ino}`);
    const entries = await readdir(path, { withFileTypes: true });
    for (const entry of entries) {
      if (entry.name.startsWith('.') || entry.name === '__MACOSX') continue;
      const full = join(path, entry.name);
      const name = prefix + entry.name;
      const link = entry.isSymbolicLink() ? await stat(full).catch(() => null) : entry;
      if (link?.isDirectory()) await visit(full, `${name}/`);
      else if (link?.isFile()) files.push({ name, path: full, extension: extname(name).toLowerCase() });
    }
  };
  await visit(folder, '').catch((cause: unknown) => {
    throw dataUnreadable(folder, cause);
  });
  return files.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** 'folder' or 'file'.
 *  @throws DATA_NOT_FOUND, DATA_UNREADABLE */
export async function pathKind(path: string): Promise<'folder' | 'file'> {
  return (await statOf(path)).isDirectory() ? 'folder' : 'file';
}

const statOf = (path: string) =>
  stat(path).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === 'ENOENT' || cause.code === 'ENOTDIR'
      ? dataNotFound(path, nearbyPath(path), cause)
      : dataUnreadable(path, cause);
  });

/** "12 .txt, 3 .docx", most frequent first; '' for none. */
export function describeFiles(files: readonly DataFile[]): string {
  const counts = new Map<string, number>();
  for (const { extension } of files) counts.set(extension, (counts.get(extension) ?? 0) + 1);
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  const words = sorted
    .slice(0, 5)
    .map(([extension, count]) => `${count} ${extension || 'without an extension'}`);
  return words.join(', ') + (sorted.length > 5 ? ' and others' : '');
}

/** Smaller files are read at once: handing them to another thread takes longer than reading them. */
const readAtOnce = 2 ** 16;

/** @throws DATA_UNREADABLE */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return statSync(path).size <= readAtOnce ? readFileSync(path) : await readFile(path);
  } catch (cause) {
    throw dataUnreadable(path, cause);
  }
}

/** @throws DATA_NOT_FOUND, DATA_UNREADABLE, DATA_TOO_LARGE */
export async function readBounded(path: string, mostBytes: number): Promise<Uint8Array> {
  const { size } = await statOf(path);
  if (size > mostBytes) throw dataTooLarge(path, size, mostBytes);
  return readBytes(path);
}

/** The content of gzip bytes; other bytes as they are.
 *  @throws DATA_UNREADABLE */
export function gunzipped(bytes: Uint8Array, where: string): Uint8Array {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw dataUnreadable(where, cause);
  }
}
