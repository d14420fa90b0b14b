/** Opens pictures as samples of a model. */
import { basename, dirname, join } from 'node:path';
import type { OpenedModel } from '../model/formats/opened.ts';
import { outputPortsOf, type Port } from '../model/ir/port.ts';
import {
  calibrationShape,
  dataInputsMissing,
  decoderMissing,
  inputNotPicture,
  preprocessingInvalid,
  unknownPreprocessing,
} from '../support/diagnostics/data.ts';
import { Diagnostic } from '../support/diagnostics.ts';
import type { Annotations } from './annotations/annotations.ts';
import type { ClassLabels } from './classes.ts';
import { type DataFile, gunzipped, pathKind, readBytes } from './data-files.ts';
import { decodeIdxImages } from './idx.ts';
import type { Picture } from './images.ts';
import { labelFinder } from './label-files.ts';
import { chooseSome } from './limit.ts';
import { formatInput, pictureInput } from './picture-input.ts';
import {
  type FittedPreprocessing,
  guessPreprocessing,
  isPreset,
  parsePreprocessing,
  presetNames,
  presetPreprocessing,
} from './preprocess.ts';
import type { DataSource } from './source.ts';

export interface PictureOptions {
  /** A preset's name, or a preprocessor_config.json (or a spec of ours), or a folder holding one. Guessed
   *  when left out. */
  readonly preprocess?: string | undefined;
  /** Leave out pictures that can't be decoded, and say how many. */
  readonly skipBad?: boolean | undefined;
  readonly labels?: string | undefined;
  readonly seed: number;
  readonly limit?: number | undefined;
  /** What pictures are for: its outputs may show how its family prepares them. */
  readonly model?: OpenedModel | undefined;
}

/** @throws INPUT_NOT_PICTURE, CALIBRATION_SHAPE, DATA_INPUTS_MISSING, UNKNOWN_PREPROCESSING, PREPROCESSING_INVALID, BAD_IMAGES */
export async function openPictures(
  name: string,
  pictures: readonly Picture[],
  labels: ClassLabels | Annotations | null,
  notes: readonly string[],
  ports: readonly Port[],
  options: PictureOptions,
): Promise<DataSource> {
  const port = picturePort(ports, name);
  const outputs = options.model ? outputPortsOf(options.model.model) : [];
  const fitted = await preprocessingFor(port, options.preprocess, outputs);
  const chosen = chooseSome(pictures.length, options);
  const { createImageSource } = await import('./images.ts').catch((cause: unknown) => {
    throw decoderMissing(cause);
  });
  return createImageSource({
    name,
    pictures: chosen.map((i) => pictures[i]!),
    port,
    preprocessing: { ...fitted, guessed: [...fitted.guessed, ...notes] },
    ...truthOf(labels, chosen),
    skipBad: options.skipBad ?? false,
  });
}

function truthOf(labels: ClassLabels | Annotations | null, chosen: readonly number[]) {
  if (labels && 'kind' in labels)
    return { labels: null, annotations: { ...labels, entries: chosen.map((i) => labels.entries[i]!) } };
  return { labels: labels && { ...labels, labels: chosen.map((i) => labels.labels[i]!) } };
}

export const pictureFile = (file: DataFile): Picture => ({
  id: file.name,
  load: async () => ({ data: await readBytes(file.path) }),
});

/** The one input that pictures feed. */
function picturePort(ports: readonly Port[], source: string): Port {
  const candidates = ports.filter((p) => pictureInput(p));
  const port = candidates.find((p) => pictureInput(p)!.channels === 3) ?? candidates[0];
  if (!port) {
    const batched = ports.find((p) => p.shape && pictureInput({ ...p, shape: [1, ...p.shape.slice(1)] }));
    if (batched)
      throw calibrationShape(
        source,
        'pictures, given one by one',
        batched.name,
        formatInput(batched),
        'Export the model with an open batch dimension, or with 1.',
      );
    throw inputNotPicture(
      source,
      ports.map((p) => `"${p.name}" ${formatInput(p)}`),
    );
  }
  const others = ports.filter((p) => p !== port);
  if (others.length > 0)
    throw dataInputsMissing(
      source,
      others.map((p) => `"${p.name}" ${formatInput(p)}`),
      [`pictures for "${port.name}"`],
      'Put files for each input into a folder that is named after it (a/1.png, b/1.npy), or pass a .npz file with one array for each input.',
    );
  return port;
}

/** @param choice  as PictureOptions.preprocess */
export async function preprocessingFor(
  port: Port,
  choice: string | undefined,
  outputs: readonly Port[] = [],
): Promise<FittedPreprocessing> {
  if (choice === undefined) return guessPreprocessing(port, outputs);
  if (isPreset(choice)) return presetPreprocessing(choice, port);
  const kind = await pathKind(choice).catch((error: unknown) => {
    throw error instanceof Diagnostic && error.code === 'DATA_NOT_FOUND'
      ? unknownPreprocessing(choice, presetNames)
      : error;
  });
  const path = kind === 'folder' ? join(choice, 'preprocessor_config.json') : choice;
  const text = new TextDecoder().decode(await readBytes(path));
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw preprocessingInvalid(path, 'not valid JSON');
  }
  return parsePreprocessing(json, basename(path), port);
}

/** MNIST's files; the labels file beside the pictures is found by its name.
 *  @throws DATA_UNREADABLE, and what openPictures throws */
export async function openIdx(
  file: DataFile,
  ports: readonly Port[],
  options: PictureOptions,
): Promise<DataSource> {
  const images = decodeIdxImages(gunzipped(await readBytes(file.path), file.name), file.name);
  const { width, height, channels } = images;
  const size = width * height * channels;
  const pictures = Array.from({ length: images.count }, (_, i) => ({
    id: `${file.name}[${i}]`,
    load: async () => ({
      data: images.data.subarray(i * size, (i + 1) * size),
      raw: { width, height, channels },
    }),
  }));
  const beside = join(dirname(file.path), file.name.replace('images', 'labels').replace(/idx[34]/, 'idx1'));
  const there = beside !== file.path && (await pathKind(beside).catch(() => null)) === 'file';
  const notes: string[] = [];
  const found = there ? beside : undefined;
  const finder = await labelFinder({
    given: options.labels,
    found,
    notes,
    own: ports.find(({ classes }) => classes)?.classes,
  });
  const labels = finder?.(pictures.map((p) => p.id)) ?? null;
  return openPictures(file.name, pictures, labels, notes, ports, options);
}
