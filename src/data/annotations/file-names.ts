/** Which files of labels belong to which pictures, by their names. */
import { resolve } from 'node:path';
import { labelsUnmatched } from '../../support/diagnostics/data.ts';
import type { DataFile } from '../data-files.ts';

/** The last folder of that name in a path replaced, and the ending. */
export const inPlaceOf = (folder: string, path: string, other: string, extension: string): string => {
  const parts = resolve(path).split(/[\\/]/);
  const at = parts.lastIndexOf(folder, parts.length - 2);
  if (at >= 0) parts[at] = other;
  return withoutEnding(parts.join('/')) + extension;
};

export const fileName = (path: string) => path.slice(path.replaceAll('\\', '/').lastIndexOf('/') + 1);
export const withoutEnding = (path: string) => path.replace(/\.[^./]+$/, '');

/** The file of each picture: of the same name but for its ending, and for "_mask". */
export function pairedWith(
  pictures: readonly DataFile[],
  files: readonly DataFile[],
  where: string,
  isEach: boolean,
): (string | undefined)[] {
  const stem = (name: string) => withoutEnding(name).replace(/_mask$/, '');
  const byPath = new Map(files.map(({ name, path }) => [stem(name), path]));
  const byName = new Map(files.map(({ name, path }) => [stem(fileName(name)), path]));
  const found = pictures.map(
    ({ name }) => byPath.get(withoutEnding(name)) ?? byName.get(withoutEnding(fileName(name))),
  );
  const lacking = pictures.filter((_, i) => found[i] === undefined).map(({ name }) => name);
  if (isEach ? lacking.length > 0 : lacking.length === pictures.length)
    throw labelsUnmatched(
      where,
      pictures.length,
      lacking,
      files.map(({ name }) => name),
    );
  return found;
}
