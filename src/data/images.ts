/** Pictures as samples: decoded when asked for, never kept. Needs Node and sharp. */
import { createHash } from 'node:crypto';
import type { Port } from '../model/ir/port.ts';
import type { Tensor } from '../model/ir/tensor.ts';
import { badImages, calibrationShape, dataUnreadable } from '../support/diagnostics/data.ts';
import type { Annotations, Placement } from './annotations/annotations.ts';
import type { ClassLabels } from './classes.ts';
import {
  decodePicture,
  drawnPicture,
  type EncodedPicture,
  pictureFacts,
  thumbnail,
} from './decode-picture.ts';
import { dimsAsInput, formatInput } from './picture-input.ts';
import { geometry } from './pixels.ts';
import type { FittedPreprocessing, Preprocessing } from './preprocess.ts';
import { inParallel } from './read-all.ts';
import type { DataSource } from './source.ts';

/** One picture, loaded on demand. */
export interface Picture {
  readonly id: string;
  load(): Promise<EncodedPicture>;
}

interface ImageSourceOptions {
  readonly name: string;
  readonly pictures: readonly Picture[];
  readonly port: Port;
  readonly preprocessing: FittedPreprocessing;
  readonly labels: ClassLabels | null;
  /** What is where in each of the pictures, in place of a class. */
  readonly annotations?: Annotations | null;
  /** Leave out pictures that can't be decoded; every one is decoded once to find them. Default: refuse. */
  readonly skipBad?: boolean;
}

/** @throws BAD_IMAGES listing all that can't be decoded (here with `skipBad` when none is left, else on the
 *  first `read` of one); CALIBRATION_SHAPE when the preprocessed size is not the input's */
export async function createImageSource(options: ImageSourceOptions): Promise<DataSource> {
  const { name, port, preprocessing } = options;
  const spec = preprocessing.spec;
  const guessed = [...preprocessing.guessed];
  let pictures = options.pictures;
  let labels = options.labels?.labels ?? null;
  const { annotations = null } = options;
  let entries = annotations?.entries ?? null;
  let leftOut: readonly string[] = [];
  if (options.labels) guessed.push(options.labels.how);
  if (annotations) guessed.push(annotations.how);
  if (options.skipBad) {
    leftOut = await undecodable(pictures);
    const bad = new Set(leftOut);
    if (bad.size === pictures.length) throw badImages(name, pictures.length, leftOut);
    if (bad.size > 0) guessed.push(`left out ${bad.size} pictures that can't be decoded: ${listed(leftOut)}`);
    labels = labels?.filter((_, i) => !bad.has(pictures[i]!.id)) ?? null;
    entries = entries?.filter((_, i) => !bad.has(pictures[i]!.id)) ?? null;
    pictures = pictures.filter((p) => !bad.has(p.id));
  }
  guessed.push(...(await notesOnPictures(pictures, spec)));

  let refusal: Promise<readonly string[]> | null = null;
  const allBad = () => {
    refusal ??= undecodable(pictures);
    return refusal;
  };
  const refuse = async (id: string, cause: unknown) => {
    const bad = await allBad();
    if (bad.length === 0) throw dataUnreadable(id, cause);
    throw badImages(name, pictures.length, bad);
  };
  const load = async (index: number) => at(pictures, index).load();
  const fingerprints = new Map<number, Promise<string>>();
  const fingerprint = (index: number) => {
    const known = fingerprints.get(index) ?? load(index).then((p) => digest(p.data));
    fingerprints.set(index, known);
    return known;
  };
  const label = (index: number) => labels?.[index];
  return {
    name: `${name} (${pictures.length} images)`,
    kind: 'images',
    length: pictures.length,
    labelled: labels !== null,
    ...(annotations && { annotated: annotations.kind }),
    classes: (options.labels?.classes.length ? options.labels.classes : annotations?.classes) ?? null,
    classesInOrder: options.labels?.inOrder === true,
    guessed,
    ...(leftOut.length > 0 ? { leftOut } : {}),
    preprocessingGuessed: preprocessing.isGuess,
    preprocessing: { ...spec, orientation: 'exif', alpha: 'dropped', colour: 'sRGB, 8 bits' },
    label,
    fingerprint,
    async check(indices) {
      if (options.skipBad) return;
      const bad = await undecodable(indices.map((i) => at(pictures, i)));
      if (bad.length > 0) throw badImages(name, pictures.length, await allBad());
    },
    async hash() {
      const contents = await inParallel(pictures.length, 8, fingerprint);
      const truths = await inParallel(
        pictures.length,
        8,
        async (i) => labels?.[i] ?? (await entries?.[i]?.digest()),
      );
      const lines = contents.map((content, i) => `${pictures[i]!.id}\t${content}\t${truths[i] ?? ''}`);
      return digest(Buffer.from(JSON.stringify([spec, port.name, port.dtype, port.shape, lines])));
    },
    async read(index) {
      const picture = at(pictures, index);
      const encoded = await picture.load();
      const decoded = await decodePicture(encoded, spec).catch((cause: unknown) => refuse(picture.id, cause));
      const tensor = fitted(decoded, port, picture.id);
      const entry = entries?.[index];
      return {
        id: picture.id,
        inputs: { [port.name]: tensor },
        label: entry ? await entry.read(await placementOf(encoded, spec)) : label(index),
      };
    },
    picture: async (index, drawing) => {
      const picture = await load(index);
      return (drawing ? drawnPicture(picture, spec, drawing) : thumbnail(picture)).catch(() => null);
    },
  };
}

async function placementOf(encoded: EncodedPicture, spec: Preprocessing): Promise<Placement> {
  const { width, height } = await pictureFacts(encoded);
  return { width, height, geometry: geometry(spec, width, height) };
}

function at(pictures: readonly Picture[], index: number): Picture {
  const picture = pictures[index];
  if (!picture) throw new RangeError(`There is no sample ${index}; there are ${pictures.length}.`);
  return picture;
}

const listed = (ids: readonly string[]) => ids.slice(0, 5).join(', ') + (ids.length > 5 ? ' …' : '');
const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Ids of the pictures that don't decode to the end. */
async function undecodable(pictures: readonly Picture[]): Promise<readonly string[]> {
  const asTheyAre = { resize: { mode: 'none' as const }, crop: null };
  const checks = await inParallel(pictures.length, 4, async (i) => {
    const encoded = await pictures[i]!.load();
    return decodePicture(encoded, { ...plain, ...asTheyAre }).then(
      () => null,
      () => pictures[i]!.id,
    );
  });
  return checks.filter((id) => id !== null);
}

const plain: Preprocessing = {
  name: 'none',
  resize: { mode: 'none' },
  crop: null,
  pad: 0,
  scale: 1,
  mean: [0],
  std: [1],
  layout: 'NHWC',
  channels: 'L',
  dtype: 'uint8',
};

/** @throws CALIBRATION_SHAPE */
function fitted(tensor: Tensor, port: Port, id: string): Tensor {
  const shape = port.shape!;
  const dims = dimsAsInput(tensor.dims, port);
  if (dims.some((d, i) => typeof shape[i] === 'number' && shape[i] !== d))
    throw calibrationShape(
      id,
      `a picture that preprocessing turns into ${tensor.dtype} [${dims.join(',')}]`,
      port.name,
      formatInput(port),
      'Leave --preprocess out to have pictures resized to the input, or correct its size.',
    );
  return { ...tensor, dims };
}

/** What a look at the headers of up to 32 pictures, spread over the folder, tells. Bad ones are passed over
 *  here. */
async function notesOnPictures(pictures: readonly Picture[], spec: Preprocessing): Promise<string[]> {
  const count = Math.min(32, pictures.length);
  const facts = await inParallel(count, 4, async (i) => {
    const picture = pictures[Math.floor((i * pictures.length) / count)]!;
    return pictureFacts(await picture.load()).catch(() => null);
  });
  const known = facts.filter((f) => f !== null);
  const notes: string[] = [];
  const alpha = known.filter((f) => f.hasAlpha).length;
  if (alpha > 0) notes.push(`transparency dropped (${alpha} of ${known.length} pictures looked at have it)`);
  const first = known[0];
  const crop = spec.crop ?? (spec.resize.mode === 'exact' ? spec.resize.size : null);
  if (first && crop && known.every((f) => f.width === crop.width && f.height === crop.height))
    notes.push(`pictures are ${crop.width}×${crop.height} already: not resized`);
  return notes;
}
