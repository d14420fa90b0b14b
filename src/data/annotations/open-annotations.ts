/** Finds and reads labels of pictures that are boxes or masks: COCO's JSON, YOLO's text files, PNG masks. */
import { extname, resolve } from 'node:path';
import { labelsInvalid } from '../../support/diagnostics/data.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import { type DataFile, listFiles, pathKind } from '../data-files.ts';
import { noLabels } from '../label-files.ts';
import type { Annotations, Places } from './annotations.ts';
import { pairedWith } from './file-names.ts';
import { openCoco } from './open-coco.ts';
import { masksBeside, openMasks } from './open-masks.ts';
import { besidePictures, openYolo } from './open-yolo.ts';

/** What is right of pictures, and the pictures without those that are masks of others; null where labels are of another kind, or
 *  there are none.
 *  @throws LABELS_INVALID, LABELS_UNMATCHED, DATA_UNREADABLE, DATA_TOO_LARGE */
export async function openAnnotations(
  pictures: readonly DataFile[],
  places: Places,
): Promise<{ readonly pictures: readonly DataFile[]; readonly annotations: Annotations } | null> {
  const { given, found, notes } = places;
  if (given === noLabels) return null;
  if (given !== undefined) return openGiven(pictures, given, places);
  try {
    const coco = found === undefined ? null : await openCoco(pictures, found, places);
    if (coco) return { pictures, annotations: coco };
    return (await besidePictures(pictures, places)) ?? (await masksBeside(pictures));
  } catch (error) {
    if (!(error instanceof Diagnostic)) throw error;
    notes.push(`labels beside the pictures not used: ${error.message}`);
    return null;
  }
}

async function openGiven(pictures: readonly DataFile[], given: string, places: Places) {
  if ((await pathKind(given)) === 'folder') {
    const files = await listFiles(given);
    const masks = files.filter(({ extension }) => extension === '.png');
    const inside = new Set(masks.map(({ path }) => resolve(path)));
    const rest = pictures.filter(({ path }) => !inside.has(resolve(path)));
    const texts = files.filter(({ extension }) => extension === '.txt');
    if (masks.length > 0 && texts.length === 0)
      return {
        pictures: rest,
        annotations: await openMasks(rest, pairedWith(rest, masks, given, true), given),
      };
    if (texts.length === 0)
      throw labelsInvalid(given, 'a folder without masks (.png) and without boxes (.txt)');
    const paired = pairedWith(pictures, texts, given, false);
    const annotations = await openYolo(pictures, paired, given, places);
    if (!annotations) throw labelsInvalid(given, 'its .txt files are not lines of "class x y width height"');
    return { pictures, annotations };
  }
  if (extname(given).toLowerCase() !== '.json') return null;
  const annotations = await openCoco(pictures, given, places);
  return annotations && { pictures, annotations };
}
