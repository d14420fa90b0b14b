/** Finds and reads labels of pictures that are boxes or masks: COCO's JSON, YOLO's text files, PNG masks. */
import { existsSync } from 'node:fs';
import { basename, dirname, extname, join, resolve } from 'node:path';
import { decoderMissing, labelsInvalid, labelsUnmatched } from '../../support/diagnostics/data.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import { sha256 } from '../../support/hash.ts';
import type { OwnClasses } from '../classes.ts';
import { type DataFile, listFiles, pathKind, readBounded, readBytes } from '../data-files.ts';
import { noLabels } from '../label-files.ts';
import { inParallel } from '../read-all.ts';
import { decodeText } from '../text/decode-text.ts';
import type { Annotation, Annotations } from './annotations.ts';
import { isCoco, parseCoco } from './coco.ts';
import { boxAnnotation, type GivenBox } from './place-boxes.ts';
import type { Mask } from './png-mask.ts';
import { namesInLines, namesInYaml, parseYolo } from './yolo.ts';

/** Bytes of one file of annotations, at most. */
const mostBytes = 512 * 2 ** 20;

interface Places {
  /** A file or folder that somebody named; what is wrong with it is an error. */
  readonly given?: string | undefined;
  /** A file of COCO's that lies in the data folder. */
  readonly found?: string | undefined;
  /** Names of the model's classes by index, where it says them. */
  readonly own?: OwnClasses;
  readonly notes: string[];
}

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

// --- COCO ----------------------------------------------------------------------------------------------------------

/** null where the JSON is something else. */
async function openCoco(
  pictures: readonly DataFile[],
  path: string,
  { own }: Places,
): Promise<Annotations | null> {
  const where = basename(path);
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(await readBounded(path, mostBytes)));
  } catch (cause) {
    if (cause instanceof Diagnostic) throw cause;
    return null;
  }
  if (!isCoco(json)) return null;
  const { pictures: listed, classes, numbering } = parseCoco(json, where, own);
  const byName = new Map([...listed].map(([name, boxes]) => [fileName(name), boxes]));
  const found = pictures.map(({ name }) => listed.get(name) ?? byName.get(fileName(name)));
  const lacking = pictures.filter((_, i) => !found[i]).map(({ name }) => name);
  if (lacking.length > 0) throw labelsUnmatched(where, pictures.length, lacking, []);
  return {
    ...{ kind: 'boxes', classes, how: `boxes from ${where}, ${numbering}` },
    entries: found.map((boxes, i) => boxAnnotation(boxes!, `${where}, ${pictures[i]!.name}`)),
  };
}

// --- YOLO ----------------------------------------------------------------------------------------------------------

/** The last folder "images" of a path replaced. */
const inPlaceOf = (folder: string, path: string, other: string, extension: string): string => {
  const parts = resolve(path).split(/[\\/]/);
  const at = parts.lastIndexOf(folder, parts.length - 2);
  if (at >= 0) parts[at] = other;
  return withoutEnding(parts.join('/')) + extension;
};

const fileName = (path: string) => path.slice(path.replaceAll('\\', '/').lastIndexOf('/') + 1);
const withoutEnding = (path: string) => path.replace(/\.[^./]+$/, '');

async function besidePictures(pictures: readonly DataFile[], places: Places) {
  const beside = pictures.map(({ path }) =>
    [inPlaceOf('images', path, 'labels', '.txt'), `${withoutEnding(path)}.txt`].find((p) => existsSync(p)),
  );
  if (beside.every((path) => path === undefined)) return null;
  const annotations = await openYolo(pictures, beside, 'the text files beside the pictures', places);
  return annotations && { pictures, annotations };
}

/** @param texts  of each picture, where there is one: without, there is nothing in it
 *  @returns null where they are texts of another kind */
async function openYolo(
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

// --- masks ---------------------------------------------------------------------------------------------------------

/** Folders of pictures, and those beside them that hold their masks. */
const maskFolders = [
  ['images', ['masks', 'mask', 'labels', 'annotations', 'segmentation']],
  ['JPEGImages', ['SegmentationClass']],
  ['imgs', ['masks']],
] as const;

async function masksBeside(all: readonly DataFile[]) {
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

/** The file of each picture: of the same name but for its ending, and for "_mask". */
function pairedWith(
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

/** Masks of which the first tell how all are meant, so many. */
const looked = 16;

async function openMasks(
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
