/** Opens whatever --data names: looks at what is there and picks the reader. */
import { basename, extname, resolve } from 'node:path';
import type { Port } from '../model/ir/port.ts';
import type { BinType } from '../support/bin-types.ts';
import { optionWithoutEffect } from '../support/diagnostics/command-line.ts';
import { dataEmpty, dataKind, dataMixed } from '../support/diagnostics/data.ts';
import type { Diagnostic } from '../support/diagnostics.ts';
import { openAnnotations } from './annotations/open-annotations.ts';
import { arrayExtensions, createArrayFolderSource, createArraySource } from './array-source.ts';
import { statesOf } from './carried.ts';
import type { ClassLabels } from './classes.ts';
import {
  type DataFile,
  describeFiles,
  foreignPictures,
  listFiles,
  pathKind,
  pictureExtensions,
} from './data-files.ts';
import { isLabelFile, labelFinder } from './label-files.ts';
import { chooseSome } from './limit.ts';
import { openByInput } from './open-by-input.ts';
import { openIdx, openPictures, pictureFile } from './open-pictures.ts';
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
  /** Type of the numbers in .bin files; the input's when left out. */
  readonly dtype?: BinType | undefined;
}

const archives = new Set('.zip .tar .tgz .gz .xz .7z .bz2 .rar'.split(' '));

/** Samples for the inputs of a model.
 *  @throws DATA_NOT_FOUND, DATA_UNREADABLE, DATA_EMPTY, DATA_KIND, DATA_MIXED, DATA_INPUTS_MISSING, PARTNERS_MISSING, PARTNERS_TWICE,
 *    PARTNER_TOO_LONG, BIN_SHAPE, BIN_SIZE, BIN_TYPE, CALIBRATION_SHAPE,
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
function refuseIdle(
  kind: DataSource['kind'],
  { tokenizer, window, sampleRate, preprocess, dtype }: OpenDataOptions,
): void {
  const refuse = (given: unknown, option: string, needs: string, ...kinds: readonly DataSource['kind'][]) => {
    if (given !== undefined && !kinds.includes(kind)) throw optionWithoutEffect(option, needs);
  };
  refuse(tokenizer, '--tokenizer', 'text in --data', 'text');
  refuse(sampleRate, '--sample-rate', 'recordings in --data', 'sound', 'files');
  refuse(window, '--window', 'text or recordings in --data', 'text', 'sound', 'files');
  refuse(preprocess, '--preprocess', 'pictures in --data', 'images', 'files');
  refuse(dtype, '--dtype', '.bin files in --data', 'bin', 'files');
}

async function openPath(path: string, ports: readonly Port[], options: OpenDataOptions): Promise<DataSource> {
  if ((await pathKind(path)) === 'folder') return openFolder(path, ports, options);
  const file: DataFile = { name: basename(path), path, extension: extname(path).toLowerCase() };
  const own = ownClasses(ports);
  const finder = () => labelFinder({ given: options.labels, own });
  if (pictureExtensions.has(file.extension)) {
    const notes: string[] = [];
    const truth = await openAnnotations([file], { given: options.labels, own, notes });
    const labels = truth ? truth.annotations : ((await finder())?.([file.name]) ?? null);
    return openPictures(file.name, [pictureFile(file)], labels, notes, ports, options);
  }
  if (arrayExtensions.has(file.extension))
    return createArraySource(file, { ...arrayOptions(file.name, ports, options), labels: await finder() });
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
  if (foreignSounds.has(extension))
    return dataKind(path, `a ${extension} recording`, toWav(extension, false));
  if (archives.has(extension)) return dataKind(path, 'an archive', 'Unpack it and pass the folder.');
  return dataKind(
    path,
    `a file of an unknown kind (${extension || 'no extension'})`,
    'Pass a folder of pictures, recordings (.wav, .flac, .mp3, .ogg, .opus), a file of text (.txt, .csv, .tsv, .jsonl), or a .npy, .npz or .bin file.',
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
  const name = `${basename(path) || path}/`;
  const found = all.find(isLabelFile)?.path;
  const labelsFor = (notes: string[]) =>
    labelFinder({ given: options.labels, found, folders: true, notes, own: ownClasses(ports) });
  const choose = (count: number) => chooseSome(count, options);
  const byInput = await openByInput(files, name, ports, { ...options, choose, labelsFor });
  if (byInput) return byInput;
  const pictures = files.filter((f) => pictureExtensions.has(f.extension));
  const npy = files.filter((f) => f.extension === '.npy');
  const npz = files.filter((f) => f.extension === '.npz');
  const bin = files.filter((f) => f.extension === '.bin');
  const texts = files.filter((f) => textExtensions.has(f.extension));
  const sounds = files.filter((f) => soundExtensions.has(f.extension));
  const arrays = [pictures, sounds, npy, npz].filter((list) => list.length > 0);
  // Texts beside other samples are notes about them; bare bytes may be anything.
  const others = [bin, texts].filter((list) => list.length > 0).slice(0, 1);
  const kinds = arrays.length > 0 ? arrays : others;
  if (kinds.length > 1) throw dataMixed(path, describeFiles(kinds.flat()));
  const chosen = kinds[0];
  if (!chosen) throw emptyFolder(path, files);
  const used = new Set(chosen);
  const rest = files.filter((f) => !used.has(f));
  const notes = rest.length > 0 ? [`other files passed over: ${describeFiles(rest)}`] : [];
  if (chosen === texts)
    return openTexts(texts, name, ports, { ...textOptions(ports, options), found, notes });
  if (chosen === pictures) {
    const own = ownClasses(ports);
    const truth = await openAnnotations(pictures, { given: options.labels, found, own, notes });
    if (truth)
      return openPictures(name, truth.pictures.map(pictureFile), truth.annotations, notes, ports, options);
  }
  const labels = (await labelsFor(notes))?.(chosen.map((f) => f.name)) ?? null;
  if (chosen === pictures)
    return openPictures(name, pictures.map(pictureFile), labels, notes, ports, options);
  if (chosen === sounds) return openSounds(sounds, name, ports, soundOptions(options, labels, notes));
  return createArrayFolderSource(chosen, { ...arrayOptions(name, ports, options), labels, notes });
}

const toWav = (extension: string, isMany: boolean): string =>
  `Convert to WAV: ${isMany ? `for f in *${extension}; do ffmpeg -i "$f" "\${f%.*}.wav"; done` : `ffmpeg -i in${extension} out.wav`}`;

function emptyFolder(path: string, files: readonly DataFile[]): Diagnostic {
  const foreign = files.filter((f) => foreignPictures.has(f.extension));
  if (foreign.length > 0)
    return dataKind(path, `a folder of ${describeFiles(foreign)}`, 'Convert the pictures to PNG or JPEG.');
  const recordings = files.filter((f) => foreignSounds.has(f.extension));
  if (recordings.length > 0)
    return dataKind(path, `a folder of ${describeFiles(recordings)}`, toWav(recordings[0]!.extension, true));
  return dataEmpty(path, describeFiles(files));
}

const arrayOptions = (name: string, ports: readonly Port[], options: OpenDataOptions) => ({
  ...{ name, ports, dtype: options.dtype, states: statesOf(ports, options.model?.model) },
  choose: (count: number) => chooseSome(count, options),
});

const soundOptions = (
  { model, sampleRate, window, ...options }: OpenDataOptions,
  labels: ClassLabels | null,
  notes: readonly string[],
) => ({
  ...{ model, sampleRate, window, labels, notes },
  choose: (count: number) => chooseSome(count, options),
});

const textOptions = (ports: readonly Port[], options: OpenDataOptions) => ({
  ...options,
  own: ownClasses(ports),
  choose: (count: number) => chooseSome(count, options),
});

const ownClasses = (ports: readonly Port[]) => ports.find(({ classes }) => classes)?.classes;
