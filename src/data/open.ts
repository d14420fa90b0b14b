/** Opens whatever --data names: looks at what is there and picks the reader. */
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { Port } from '../model/ir/port.ts';
import { optionWithoutEffect } from '../support/diagnostics/command-line.ts';
import {
  calibrationShape,
  dataEmpty,
  dataInputsMissing,
  dataKind,
  dataMixed,
  decoderMissing,
  inputNotPicture,
  preprocessingInvalid,
  unknownPreprocessing,
} from '../support/diagnostics/data.ts';
import { Diagnostic } from '../support/diagnostics.ts';
import { createRandom } from '../support/random.ts';
import { createArrayFolderSource, createArraySource } from './array-source.ts';
import type { ClassLabels } from './classes.ts';
import {
  type DataFile,
  describeFiles,
  foreignPictures,
  gunzipped,
  listFiles,
  pathKind,
  pictureExtensions,
  readBytes,
} from './data-files.ts';
import { decodeIdxImages } from './idx.ts';
import type { Picture } from './images.ts';
import { isLabelFile, labelFinder } from './label-files.ts';
import { formatInput, pictureInput } from './picture-input.ts';
import {
  type FittedPreprocessing,
  guessPreprocessing,
  isPreset,
  parsePreprocessing,
  presetNames,
  presetPreprocessing,
} from './preprocess.ts';
import { foreignSounds, openSounds, type SoundFileOptions, soundExtensions } from './sound/open-sounds.ts';
import type { DataSource } from './source.ts';
import { openTexts, type TextFileOptions } from './text/open-texts.ts';
import { textExtensions } from './text/parse-texts.ts';

interface OpenDataOptions extends TextFileOptions, SoundFileOptions {
  /** A preset's name, or a preprocessor_config.json (or a spec of ours), or a folder holding one. Guessed
   *  when left out. */
  readonly preprocess?: string | undefined;
  /** A CSV, JSON or .npy file. When left out: labels.{csv,json,npy} in the folder, class folders, or labels
   *  inside a .npz. */
  readonly labels?: string | undefined;
  readonly seed: number;
  /** At most this many samples, drawn evenly over all. */
  readonly limit?: number | undefined;
  /** Leave out pictures that can't be decoded, and say how many. */
  readonly skipBad?: boolean | undefined;
}

const archives = new Set('.zip .tar .tgz .gz .xz .7z .bz2 .rar'.split(' '));

/** Samples for the inputs of a model.
 *  @throws DATA_NOT_FOUND, DATA_UNREADABLE, DATA_EMPTY, DATA_KIND, DATA_MIXED, DATA_INPUTS_MISSING,
 *  CALIBRATION_SHAPE,
 *    INPUT_NOT_TEXT, TEXT_DATA, TOKENIZER_REQUIRED, INPUT_NOT_PICTURE, UNKNOWN_PREPROCESSING, PREPROCESSING_INVALID, LABELS_INVALID, LABELS_UNMATCHED,
 *  BAD_IMAGES, OPTION_WITHOUT_EFFECT */
export async function openData(
  path: string,
  ports: readonly Port[],
  options: OpenDataOptions,
): Promise<DataSource> {
  const source = await openPath(path, ports, options);
  refuseIdle(source.kind, options);
  return source;
}

/** @throws OPTION_WITHOUT_EFFECT */
function refuseIdle(kind: DataSource['kind'], { tokenizer, window, sampleRate }: OpenDataOptions): void {
  if (tokenizer !== undefined && kind !== 'text') throw optionWithoutEffect('--tokenizer', 'text in --data');
  if (sampleRate !== undefined && kind !== 'sound')
    throw optionWithoutEffect('--sample-rate', 'recordings in --data');
  if (window !== undefined && kind !== 'text' && kind !== 'sound')
    throw optionWithoutEffect('--window', 'text or recordings in --data');
}

async function openPath(path: string, ports: readonly Port[], options: OpenDataOptions): Promise<DataSource> {
  if ((await pathKind(path)) === 'folder') return openFolder(path, ports, options);
  const file: DataFile = { name: basename(path), path, extension: extname(path).toLowerCase() };
  const own = ownClasses(ports);
  const finder = () => labelFinder({ given: options.labels, own });
  if (pictureExtensions.has(file.extension)) {
    const labels = (await finder())?.([file.name]) ?? null;
    return openPictures(file.name, [pictureFile(file)], labels, [], ports, options);
  }
  if (file.extension === '.npy' || file.extension === '.npz')
    return createArraySource(file, {
      name: file.name,
      ports,
      labels: await finder(),
      choose: (count) => choose(count, options),
    });
  if (soundExtensions.has(file.extension)) {
    const labels = (await finder())?.([file.name]) ?? null;
    return openSounds([file], file.name, ports, soundOptions(options, labels, []));
  }
  if (textExtensions.has(file.extension))
    return openTexts([file], file.name, ports, textOptions(ports, options));
  if (/[-.]idx[34]-ubyte(\.gz)?$/.test(file.name)) return openIdx(file, ports, options);
  throw refusedFile(file);
}

function refusedFile({ path, extension }: DataFile): Diagnostic {
  if (foreignPictures.has(extension))
    return dataKind(path, `a ${extension} picture`, 'Convert it to PNG or JPEG.');
  if (foreignSounds.has(extension)) return dataKind(path, `a ${extension} recording`, toWav);
  if (archives.has(extension)) return dataKind(path, 'an archive', 'Unpack it and pass the folder.');
  return dataKind(
    path,
    `a file of an unknown kind (${extension || 'no extension'})`,
    'Pass a folder of pictures, recordings (.wav), a file of text (.txt, .csv, .tsv, .jsonl), or a .npy or .npz file.',
  );
}

async function openFolder(
  path: string,
  ports: readonly Port[],
  options: OpenDataOptions,
): Promise<DataSource> {
  const all = await listFiles(path);
  const given = options.labels && resolve(options.labels);
  const files = all.filter((f) => !isLabelFile(f) && resolve(f.path) !== given);
  const pictures = files.filter((f) => pictureExtensions.has(f.extension));
  const npy = files.filter((f) => f.extension === '.npy');
  const npz = files.filter((f) => f.extension === '.npz');
  const texts = files.filter((f) => textExtensions.has(f.extension));
  const sounds = files.filter((f) => soundExtensions.has(f.extension));
  const arrays = [pictures, sounds, npy, npz].filter((list) => list.length > 0);
  // Texts beside other samples are notes about them.
  const kinds = arrays.length > 0 ? arrays : [texts].filter((list) => list.length > 0);
  if (kinds.length > 1) throw dataMixed(path, describeFiles(kinds.flat()));
  const chosen = kinds[0];
  if (!chosen) throw emptyFolder(path, files);
  const name = `${basename(path) || path}/`;
  const used = new Set(chosen);
  const rest = files.filter((f) => !used.has(f));
  const notes = rest.length > 0 ? [`other files passed over: ${describeFiles(rest)}`] : [];
  const found = all.find(isLabelFile)?.path;
  if (chosen === texts)
    return openTexts(texts, name, ports, { ...textOptions(ports, options), found, notes });
  const finder = await labelFinder({
    given: options.labels,
    found,
    folders: true,
    notes,
    own: ownClasses(ports),
  });
  const labels = finder?.(chosen.map((f) => f.name)) ?? null;
  if (chosen === pictures)
    return openPictures(name, pictures.map(pictureFile), labels, notes, ports, options);
  if (chosen === sounds) return openSounds(sounds, name, ports, soundOptions(options, labels, notes));
  return createArrayFolderSource(chosen, {
    name,
    ports,
    labels,
    notes,
    choose: (count) => choose(count, options),
  });
}

const toWav = 'Convert it to WAV, such as by: ffmpeg -i in.mp3 out.wav';

function emptyFolder(path: string, files: readonly DataFile[]): Diagnostic {
  const foreign = files.filter((f) => foreignPictures.has(f.extension));
  if (foreign.length > 0)
    return dataKind(path, `a folder of ${describeFiles(foreign)}`, 'Convert the pictures to PNG or JPEG.');
  const recordings = files.filter((f) => foreignSounds.has(f.extension));
  if (recordings.length > 0) return dataKind(path, `a folder of ${describeFiles(recordings)}`, toWav);
  return dataEmpty(path, describeFiles(files));
}

async function openPictures(
  name: string,
  pictures: readonly Picture[],
  labels: ClassLabels | null,
  notes: readonly string[],
  ports: readonly Port[],
  options: OpenDataOptions,
): Promise<DataSource> {
  const port = picturePort(ports, name);
  const fitted = await preprocessingFor(port, options.preprocess);
  const chosen = choose(pictures.length, options);
  const { createImageSource } = await import('./images.ts').catch((cause: unknown) => {
    throw decoderMissing(cause);
  });
  return createImageSource({
    name,
    pictures: chosen.map((i) => pictures[i]!),
    port,
    preprocessing: { ...fitted, guessed: [...fitted.guessed, ...notes] },
    labels: labels && { ...labels, labels: chosen.map((i) => labels.labels[i]!) },
    skipBad: options.skipBad ?? false,
  });
}

const pictureFile = (file: DataFile): Picture => ({
  id: file.name,
  load: async () => ({ data: await readBytes(file.path) }),
});

const soundOptions = (
  { model, sampleRate, window, ...options }: OpenDataOptions,
  labels: ClassLabels | null,
  notes: readonly string[],
) => ({
  ...{ model, sampleRate, window, labels, notes },
  choose: (count: number) => choose(count, options),
});

const textOptions = (ports: readonly Port[], options: OpenDataOptions) => ({
  ...options,
  own: ownClasses(ports),
  choose: (count: number) => choose(count, options),
});

const ownClasses = (ports: readonly Port[]) => ports.find(({ classes }) => classes)?.classes;

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
      'Pictures feed one input only; pass a .npz file with one array for each input.',
    );
  return port;
}

/** @param choice  as OpenDataOptions.preprocess */
export async function preprocessingFor(port: Port, choice: string | undefined): Promise<FittedPreprocessing> {
  if (choice === undefined) return guessPreprocessing(port);
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

/** MNIST's files; the labels file beside the pictures is found by its name. */
async function openIdx(
  file: DataFile,
  ports: readonly Port[],
  options: OpenDataOptions,
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
  const finder = await labelFinder({ given: options.labels, found, notes, own: ownClasses(ports) });
  const labels = finder?.(pictures.map((p) => p.id)) ?? null;
  return openPictures(file.name, pictures, labels, notes, ports, options);
}

/** All of `count`, or `limit` of them: one drawn from each of as many equal stretches, so that the whole
 *  folder is covered. */
function choose(count: number, { limit, seed }: OpenDataOptions): readonly number[] {
  if (limit === undefined || limit >= count) return Array.from({ length: count }, (_, i) => i);
  const random = createRandom(seed);
  return Array.from({ length: limit }, (_, k) => {
    const from = Math.floor((k * count) / limit);
    const to = Math.floor(((k + 1) * count) / limit);
    return from + random.integer(to - from);
  });
}
