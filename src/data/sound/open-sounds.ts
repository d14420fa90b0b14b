/** Opens recordings as samples of a model. */
import { existsSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { folderOf } from '../../model/formats/open-file.ts';
import type { OpenedModel } from '../../model/formats/opened.ts';
import type { Port } from '../../model/ir/port.ts';
import { dataUnreadable, inputNotSound, soundInvalid } from '../../support/diagnostics/data.ts';
import type { ClassLabels } from '../classes.ts';
import { type DataFile, readBounded } from '../data-files.ts';
import { formatInput } from '../picture-input.ts';
import { inParallel } from '../read-all.ts';
import type { DataSource } from '../source.ts';
import { compressedSounds, decodeCompressed, decodeWav } from './decode.ts';
import { type SoundInput, soundInput } from './sound-input.ts';
import { createSoundSource, describeWindow, type Recording } from './sound-source.ts';
import { wavHeader } from './wav-header.ts';

export const soundExtensions: ReadonlySet<string> = new Set(['.wav', '.wave', ...compressedSounds]);

/** Of recordings that have to be converted. */
export const foreignSounds: ReadonlySet<string> = new Set('.m4a .aac .aif .aiff .wma .webm'.split(' '));

export interface SoundFileOptions {
  /** The model that recordings are for: its outputs say which inputs are states. */
  readonly model?: OpenedModel | undefined;
  /** Samples a second that the model takes. */
  readonly sampleRate?: number | undefined;
  /** Samples of a window, at most. */
  readonly window?: number | undefined;
}

/** Bytes of one recording, at most: it is decoded as a whole, and what is compressed grows by that. */
const mostBytes = 256 * 2 ** 20;
const mostCompressedBytes = 16 * 2 ** 20;

/** Where a model takes any length, so many seconds at once. */
const usualSeconds = 10;

/** @throws INPUT_NOT_SOUND, SOUND_INVALID, DATA_UNREADABLE, DATA_TOO_LARGE */
export async function openSounds(
  files: readonly DataFile[],
  name: string,
  ports: readonly Port[],
  options: SoundFileOptions & {
    readonly choose: (count: number) => readonly number[];
    readonly labels: ClassLabels | null;
    readonly notes: readonly string[];
  },
): Promise<DataSource> {
  const input = soundInput(ports, options.model?.model);
  const strange = input ? input.others : ports;
  if (!input || strange.length > 0)
    throw inputNotSound(
      name,
      strange.map((p) => `"${p.name}" ${formatInput(p)}`),
    );
  // Compressed ones are decoded to be opened: one at a time is in memory.
  const atOnce = files.some(({ extension }) => compressedSounds.has(extension)) ? 1 : 8;
  const recordings = await inParallel(files.length, atOnce, (i) => recordingOf(files[i]!));
  const rate = soundRate(input, options);
  const length = lengthOf(input, rate.sampleRate, options.window, name);
  return createSoundSource({
    ...{ name, recordings, input, sampleRate: rate.sampleRate, window: length.window, hop: length.hop },
    ...{ labels: options.labels, choose: options.choose },
    notes: [...options.notes, ...rate.notes, ...length.notes, ...notesOn(recordings, rate.sampleRate)],
  });
}

async function recordingOf(file: DataFile): Promise<Recording> {
  if (compressedSounds.has(file.extension)) return compressedRecording(file);
  const read = () => readBounded(file.path, mostBytes);
  const { head, sizeBytes } = await headOf(file.path);
  const header = wavHeader(head, sizeBytes, file.name) ?? wavHeader(await read(), sizeBytes, file.name);
  if (!header || header.frames === 0) throw soundInvalid(file.name, 'it holds no samples');
  const { sampleRate, frames } = header;
  return {
    ...{ id: file.name, sampleRate, frames, bytes: read },
    channels: async () => decodeWav(await read(), file.name),
  };
}

/** How long it is shows when it is decoded: once for that, and again for its samples. */
async function compressedRecording({ path, name }: DataFile): Promise<Recording> {
  const bytes = () => readBounded(path, mostCompressedBytes);
  const decoded = async () => decodeCompressed(await bytes(), name);
  const { sampleRate, channels } = await decoded();
  return {
    ...{ id: name, sampleRate, frames: channels[0]!.length, bytes },
    channels: async () => (await decoded()).channels,
  };
}

async function headOf(path: string): Promise<{ head: Uint8Array; sizeBytes: number }> {
  try {
    const handle = await open(path);
    try {
      const { size } = await handle.stat();
      const head = new Uint8Array(Math.min(size, 4096));
      const { bytesRead } = await handle.read(head, 0, head.length, 0);
      return { head: head.subarray(0, bytesRead), sizeBytes: size };
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw dataUnreadable(path, cause);
  }
}

/** What somebody said, else the model's metadata, else the file beside it; else the rate of which the input's length is a usual share. */
export function soundRate({ length }: SoundInput, { sampleRate, model }: SoundFileOptions) {
  if (sampleRate !== undefined) return { sampleRate, notes: [] };
  const said = model && (rateInMetadata(model) ?? rateBeside(folderOf(model)));
  if (said) return { sampleRate: said, notes: [] };
  const usual = [16000, 22050, 44100, 48000, 32000, 24000, 8000];
  const fitting = length === null ? undefined : usual.find((rate) => length % rate === 0);
  const guess = fitting ?? (length === basicPitch.length ? basicPitch.rate : 16000);
  return { sampleRate: guess, notes: [`${guess} samples a second (--sample-rate says it otherwise)`] };
}

/** Two seconds at 22 050 Hz, less what its frames overlap: Spotify's network for notes. */
const basicPitch = { length: 43844, rate: 22050 };

const isRate = (value: unknown): value is number =>
  Number.isInteger(Number(value)) && Number(value) >= 1000 && Number(value) <= 768_000;

function rateInMetadata({ model }: OpenedModel): number | undefined {
  const found = ['sample_rate', 'sampling_rate', 'sampleRate', 'sample_rate_hz'].map((key) =>
    model.metadata.get(key),
  );
  const rate = found.find(isRate);
  return rate === undefined ? undefined : Number(rate);
}

/** sampling_rate of preprocessor_config.json or config.json, beside the model or one folder up. */
function rateBeside(folder: string | null): number | undefined {
  for (const place of folder === null ? [] : [folder, join(folder, '..')])
    for (const name of ['preprocessor_config.json', 'config.json']) {
      const rate = parsed(join(place, name))['sampling_rate'];
      if (isRate(rate)) return Number(rate);
    }
  return undefined;
}

/** A file that is not a JSON object says nothing: it may belong to something else. */
function parsed(path: string): Record<string, unknown> {
  if (!existsSync(path)) return {};
  try {
    const json: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return typeof json === 'object' && json !== null ? (json as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function lengthOf(input: SoundInput, sampleRate: number, given: number | undefined, name: string) {
  const said = (window: number) => [`windows of ${describeWindow(window, sampleRate)}`];
  const { length } = input;
  if (length !== null) {
    if (given !== undefined && given !== length)
      throw inputNotSound(name, [`"${input.port.name}" ${formatInput(input.port)} by --window ${given}`]);
    return { window: length, hop: length, notes: said(length) };
  }
  if (given !== undefined) return { window: given, hop: given, notes: [] };
  if (input.states.length === 0) {
    const most = usualSeconds * sampleRate;
    return {
      window: most,
      hop: most,
      notes: [`at most ${describeWindow(most, sampleRate)} of a recording at once`],
    };
  }
  const { window, hop } = streaming(input, sampleRate);
  return {
    window,
    hop,
    notes: [...said(window), ...(hop < window ? [`${window - hop} of them from the window before`] : [])],
  };
}

/** Silero's detector of voices takes 32 ms, and the 4 ms before them since its fifth version (which has one state). */
function streaming({ states }: SoundInput, sampleRate: number) {
  const hop = sampleRate <= 8000 ? 256 : 512;
  const isFifth = states.length === 1 && states[0]!.input.name === 'state';
  return { hop, window: isFifth ? hop + hop / 8 : hop };
}

function notesOn(recordings: readonly Recording[], sampleRate: number): string[] {
  const other = recordings.filter((r) => r.sampleRate !== sampleRate).length;
  return other > 0
    ? [`${other} of ${recordings.length} recordings brought to ${sampleRate} samples a second`]
    : [];
}
