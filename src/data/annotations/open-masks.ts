/** PNG masks, one a picture. */
import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { decoderMissing } from '../../support/diagnostics/data.ts';
import { sha256 } from '../../support/hash.ts';
import { type DataFile, readBytes } from '../data-files.ts';
import type { Annotation, Annotations } from './annotations.ts';
import { fileName, inPlaceOf } from './file-names.ts';
import type { Mask } from './png-mask.ts';

/** Folders of pictures, and those beside them that hold their masks. */
const maskFolders = [
  ['images', ['masks', 'mask', 'labels', 'annotations', 'segmentation']],
  ['JPEGImages', ['SegmentationClass']],
  ['imgs', ['masks']],
] as const;

/** Of the folder of masks beside that of the pictures; null where there is none. */
export async function masksBeside(all: readonly DataFile[]) {
  for (const [folder, others] of maskFolders) {
    const pictures = all.filter(({ path }) => resolve(path).split(/[\\/]/).slice(0, -1).includes(folder));
    if (pictures.length === 0) continue;
    for (const other of others) {
      const masks = pictures.map(({ path }) => inPlaceOf(folder, path, other, '.png'));
      if (!masks.every((path) => existsSync(path))) continue;
      const used = new Set(masks);
      const rest = pictures.filter(({ path }) => !used.has(resolve(path)));
      if (rest.length < pictures.length) continue;
      return { pictures: rest, annotations: await openMasks(rest, masks, other) };
    }
  }
  return null;
}

/** Masks of which the first tell how all are meant, so many. */
const looked = 16;

export async function openMasks(
  pictures: readonly DataFile[],
  masks: readonly (string | undefined)[],
  where: string,
): Promise<Annotations> {
  const { decodeMask, placeMask } = await import('./png-mask.ts').catch((cause: unknown) => {
    throw decoderMissing(cause);
  });
  const load = async (i: number): Promise<Mask> =>
    decodeMask(await readBytes(masks[i]!), fileName(masks[i]!));
  const step = Math.max(1, Math.floor(masks.length / looked));
  let isBinary = masks.length > 0;
  for (let i = 0; i < masks.length && isBinary; i += step)
    isBinary = (await load(i)).classes.every((value) => value === 0 || value === 255);
  const meant = isBinary
    ? '0 is nothing and 255 what is there'
    : 'a class index in each pixel, 255 where none counts';
  const entries = pictures.map(
    (_, i): Annotation => ({
      digest: async () => sha256(await readBytes(masks[i]!)),
      async read(placement) {
        const mask = await load(i);
        const classes = isBinary ? mask.classes.map((value) => (value === 255 ? 1 : value)) : mask.classes;
        return placeMask({ ...mask, classes }, placement, fileName(masks[i]!));
      },
    }),
  );
  return { kind: 'masks', classes: null, how: `masks from ${basename(where)}/: ${meant}`, entries };
}
