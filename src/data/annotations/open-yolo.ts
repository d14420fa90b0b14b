/** Boxes of YOLO's text files, one a picture. */
import { existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { labelsInvalid } from '../../support/diagnostics/data.ts';
import { type DataFile, readBytes } from '../data-files.ts';
import { inParallel } from '../read-all.ts';
import { decodeText } from '../text/decode-text.ts';
import type { Annotations, Places } from './annotations.ts';
import { fileName, inPlaceOf, withoutEnding } from './file-names.ts';
import { boxAnnotation, type GivenBox } from './place-boxes.ts';
import { namesInLines, namesInYaml, parseYolo } from './yolo.ts';

/** Of the texts beside pictures, or in the folder "labels" beside "images"; null where there are none. */
export async function besidePictures(pictures: readonly DataFile[], places: Places) {
  const beside = pictures.map(({ path }) =>
    [inPlaceOf('images', path, 'labels', '.txt'), `${withoutEnding(path)}.txt`].find((p) => existsSync(p)),
  );
  if (beside.every((path) => path === undefined)) return null;
  const annotations = await openYolo(pictures, beside, 'the text files beside the pictures', places);
  return annotations && { pictures, annotations };
}

/** @param texts  of each picture, where there is one: without, there is nothing in it
 *  @returns null where they are texts of another kind */
export async function openYolo(
  pictures: readonly DataFile[],
  texts: readonly (string | undefined)[],
  where: string,
  { own }: Places,
): Promise<Annotations | null> {
  const all = await inParallel<GivenBox[] | null>(texts.length, 8, async (i) => {
    const path = texts[i];
    return path === undefined
      ? []
      : parseYolo(decodeText(await readBytes(path), fileName(path)), fileName(path));
  });
  if (all.some((boxes) => boxes === null)) return null;
  const lists = all as GivenBox[][];
  const first = texts.find((path) => path !== undefined)!;
  const named = await namesNear(dirname(resolve(first)));
  const numbers = named && own ? named.map((name) => own.indexOf(name)) : [];
  const isOwn = numbers.length > 0 && numbers.every((n) => n >= 0);
  const empty = texts.filter((path) => path === undefined).length;
  const none = empty > 0 ? `, ${empty} pictures without a file have none` : '';
  const numbering = isOwn ? ', classes numbered as the model names them' : '';
  return {
    kind: 'boxes',
    classes: isOwn ? own! : named,
    how: `boxes from ${lists.length - empty} text files (${basename(where)}${none})${numbering}`,
    entries: lists.map((boxes, i) => {
      const renumbered = isOwn
        ? boxes.map((box) => ({ ...box, label: numbers[box.label] ?? box.label }))
        : boxes;
      return boxAnnotation({ boxes: renumbered, size: { width: 1, height: 1 } }, pictures[i]!.name);
    }),
  };
}

/** classes.txt or data.yaml in the folder of the labels, or in one of those above. */
async function namesNear(folder: string): Promise<string[] | null> {
  const folders = [folder, join(folder, '..'), join(folder, '..', '..')];
  for (const place of folders) {
    const lines = join(place, 'classes.txt');
    if (existsSync(lines)) return namesInLines(decodeText(await readBytes(lines), 'classes.txt'));
    for (const name of ['data.yaml', 'data.yml', 'dataset.yaml']) {
      const path = join(place, name);
      if (!existsSync(path)) continue;
      const { parse } = await import('yaml');
      try {
        return namesInYaml(parse(decodeText(await readBytes(path), name)));
      } catch (cause) {
        throw labelsInvalid(name, 'it is no YAML', cause);
      }
    }
  }
  return null;
}
