/** Opens folders in which files are named after the inputs that they are for, each input by the reader of its kind. */
import type { OpenedModel } from '../model/formats/opened.ts';
import type { Port } from '../model/ir/port.ts';
import type { BinType } from '../support/bin-types.ts';
import { dataInputsMissing, dataKind, dataMixed } from '../support/diagnostics/data.ts';
import { partnersMissing, partnersTwice, windowsOfInput } from '../support/diagnostics/sample-files.ts';
import { createArrayFolderSource } from './array-source.ts';
import { statesOf } from './carried.ts';
import { type DataFile, describeFiles, pictureExtensions } from './data-files.ts';
import { type FilesByInput, filesByInput } from './files-by-input.ts';
import { joinSources } from './joined-source.ts';
import type { LabelFinder } from './label-files.ts';
import { openPictures, type PictureOptions, pictureFile } from './open-pictures.ts';
import { formatInput } from './picture-input.ts';
import { openSounds, type SoundFileOptions, soundExtensions } from './sound/open-sounds.ts';
import type { DataSource } from './source.ts';

interface ByInputOptions extends PictureOptions, SoundFileOptions {
  readonly model?: OpenedModel | undefined;
  readonly dtype?: BinType | undefined;
  readonly choose: (count: number) => readonly number[];
  readonly labelsFor: (notes: string[]) => Promise<LabelFinder | null>;
}

const kinds = [
  { name: 'pictures', has: (extension: string) => pictureExtensions.has(extension) },
  { name: 'recordings', has: (extension: string) => soundExtensions.has(extension) },
  { name: '.npy', has: (extension: string) => extension === '.npy' },
  { name: '.bin', has: (extension: string) => extension === '.bin' },
] as const;

const kindOf = ({ extension }: DataFile) => kinds.find(({ has }) => has(extension));

/** null where files are not named after inputs, and for models that take one input and no state from run to run.
 *  @throws PARTNERS_MISSING, PARTNERS_TWICE, PARTNER_TOO_LONG, DATA_INPUTS_MISSING, DATA_MIXED, what the readers throw */
export async function openByInput(
  all: readonly DataFile[],
  name: string,
  ports: readonly Port[],
  options: ByInputOptions,
): Promise<DataSource | null> {
  const states = statesOf(ports, options.model?.model);
  const isState = (port: Port) => states.some(({ input }) => input === port);
  const needed = ports.filter((port) => !isState(port));
  const files = all.filter((file) => kindOf(file));
  if (ports.length < 2 || files.length === 0 || all.some(({ extension }) => extension === '.npz'))
    return null;
  const found =
    filesByInput(files, ports, needed.length) ?? (needed.length === 1 ? allFor(needed[0]!, files) : null);
  if (!found) return null;
  refuseIncomplete(found, needed, name);
  const notes = [found.how, ...passedOver(all, found)];
  const ids = options.skipBad ? await decodable(found, name, options) : found.samples;
  const leftOut = found.samples.filter((sample) => !ids.includes(sample));
  if (leftOut.length > 0)
    notes.push(`left out ${leftOut.length} samples with pictures that can't be decoded`);
  const labels = (await options.labelsFor(notes))?.(ids) ?? null;
  const parts: DataSource[] = [];
  for (const [port, own] of found.files)
    parts.push(
      await openPart(
        port,
        ids.map((sample) => own.get(sample)!),
        name,
        options,
      ),
    );
  return joinSources({
    ...{ name, parts, labels, notes, ids, leftOut, choose: options.choose },
    states: states.filter(({ input }) => !found.files.has(input)),
  });
}

/** Samples of which every picture can be decoded. */
async function decodable(
  { samples, files }: FilesByInput,
  name: string,
  options: ByInputOptions,
): Promise<readonly string[]> {
  const bad = new Set<string>();
  for (const [port, own] of files) {
    const all = samples.map((sample) => own.get(sample)!);
    if (!all.every(({ extension }) => pictureExtensions.has(extension))) continue;
    const { leftOut = [] } = await openPart(port, all, name, options, true);
    for (const [i, sample] of samples.entries()) if (leftOut.includes(all[i]!.name)) bad.add(sample);
  }
  return samples.filter((sample) => !bad.has(sample));
}

/** Of models that take one input, and states: what the files are for needs no name. Recordings and arrays have ways of their own. */
function allFor(port: Port, files: readonly DataFile[]): FilesByInput | null {
  if (!files.every(({ extension }) => pictureExtensions.has(extension))) return null;
  const own = new Map(files.map((file) => [file.name, file]));
  return {
    ...{ samples: [...own.keys()], files: new Map([[port, own]]), twice: null, rest: [] },
    how: `files for input "${port.name}", in the order of their names`,
  };
}

function refuseIncomplete(
  { files, samples, twice }: FilesByInput,
  needed: readonly Port[],
  name: string,
): void {
  if (twice) throw partnersTwice(name, twice[0].name, twice[1].name);
  const without = needed.filter((port) => !files.has(port));
  if (without.length > 0)
    throw dataInputsMissing(
      name,
      without.map((port) => `"${port.name}" ${formatInput(port)}`),
      [...files.keys()].map((port) => `files for "${port.name}"`),
      `Add files that are named alike for each, such as ${[...files.keys()][0]!.name}/1.npy and ${without[0]!.name}/1.npy.`,
    );
  const missing = samples.flatMap((sample) => {
    const lacking = [...files].filter(([, own]) => !own.has(sample)).map(([port]) => `"${port.name}"`);
    return lacking.length > 0 ? [`${sample} has none for ${lacking.join(' and ')}`] : [];
  });
  if (missing.length > 0) throw partnersMissing(name, missing, samples.length);
}

function passedOver(all: readonly DataFile[], { files }: FilesByInput): string[] {
  const used = new Set([...files.values()].flatMap((own) => [...own.values()]));
  const rest = all.filter((file) => !used.has(file));
  return rest.length > 0 ? [`other files passed over: ${describeFiles(rest)}`] : [];
}

/** All samples of one input. */
async function openPart(
  port: Port,
  files: readonly DataFile[],
  name: string,
  options: ByInputOptions,
  skipBad = false,
): Promise<DataSource> {
  const kind = kindOf(files[0]!);
  if (!kind) throw dataKind(name, describeFiles(files), 'Pass pictures, recordings, .npy or .bin.');
  if (files.some((file) => kindOf(file) !== kind))
    throw dataMixed(`${name}, for input "${port.name}",`, describeFiles(files));
  const every = (count: number) => Array.from({ length: count }, (_, i) => i);
  const { preprocess, seed } = options;
  if (kind.name === 'pictures')
    return openPictures(name, files.map(pictureFile), null, [], [port], {
      preprocess,
      skipBad,
      seed,
      model: options.model,
    });
  if (kind.name === 'recordings') {
    const { sampleRate, window, model } = options;
    const about = { ...{ sampleRate, window, model }, choose: every, labels: null, notes: [] };
    const sounds = await openSounds(files, name, [port], about);
    if (sounds.length !== files.length) throw windowsOfInput(name, sounds.length, port.name);
    return sounds;
  }
  const { dtype } = options;
  return createArrayFolderSource(files, {
    ...{ name, ports: [port], states: [], dtype, choose: every, labels: null, notes: [] },
  });
}
