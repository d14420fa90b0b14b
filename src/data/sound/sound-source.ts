/** Recordings as samples: mono, at the model's rate, in windows of the length that it takes. Decoded when asked for. */
import { dtypes } from '../../model/ir/dtype.ts';
import type { Port } from '../../model/ir/port.ts';
import { elementCount, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { sha256, sha256Text } from '../../support/hash.ts';
import { counted, formatInteger } from '../../support/units.ts';
import type { ClassLabels } from '../classes.ts';
import { inParallel } from '../read-all.ts';
import type { Carried, DataSource, Sample } from '../source.ts';
import { resample } from './resample.ts';
import type { SoundInput } from './sound-input.ts';

export interface Recording {
  /** What a person would call it: "yes/1.wav". */
  readonly id: string;
  readonly sampleRate: number;
  /** Of each channel. */
  readonly frames: number;
  bytes(): Promise<Uint8Array>;
  /** The channels, each of as many samples. @throws SOUND_INVALID */
  channels(): Promise<readonly Float32Array[]>;
}

export interface SoundSourceOptions {
  readonly name: string;
  readonly recordings: readonly Recording[];
  readonly input: SoundInput;
  /** Samples a second that the model takes. */
  readonly sampleRate: number;
  /** Samples that the model takes at once, at most. */
  readonly window: number;
  /** From the beginning of a window to the next one's. */
  readonly hop: number;
  readonly labels: ClassLabels | null;
  /** What was assumed, in words. */
  readonly notes: readonly string[];
  readonly choose: (count: number) => readonly number[];
}

interface Place {
  readonly recording: number;
  readonly step: number;
}

/** From so many on, recordings are divided whole. */
const manyRecordings = 10;

/** Recordings of which neighbouring windows come are kept decoded, so many. */
const kept = 4;

export function createSoundSource(options: SoundSourceOptions): DataSource {
  const { recordings, input, labels, sampleRate, window, hop } = options;
  const steps = recordings.map(({ frames, sampleRate: from }) =>
    stepsOf((frames * sampleRate) / from, options),
  );
  const places = steps.flatMap((count, recording) =>
    Array.from({ length: count }, (_, step): Place => ({ recording, step })),
  );
  const chosen = options.choose(places.length);
  const placeOf = (index: number): Place => {
    const place = places[chosen[index] ?? -1];
    if (!place) throw new RangeError(`There is no sample ${index}; there are ${chosen.length}.`);
    return place;
  };
  const decoded = recent(kept, async (at) => {
    const recording = recordings[at]!;
    return resample(mono(await recording.channels()), recording.sampleRate, sampleRate);
  });
  const readStep = async ({ recording, step }: Place): Promise<Sample> => {
    const sound = await decoded(recording);
    const { id } = recordings[recording]!;
    const second = ((step * hop) / sampleRate).toFixed(2);
    const whole = steps[recording] === 1;
    return {
      id: whole ? id : `${id}, from ${second} s`,
      inputs: feeds(windowAt(sound, step, options), options),
      label: labels?.labels[recording],
    };
  };
  const carried: Carried | null =
    input.states.length === 0
      ? null
      : {
          states: input.states.map((state) => ({ input: state.input.name, output: state.output })),
          place: (index) => ({ stretch: placeOf(index).recording, step: placeOf(index).step }),
          readStep: (stretch, step) => readStep({ recording: stretch, step }),
        };
  const fingerprints = new Map<number, Promise<string>>();
  const fingerprint = (at: number) => {
    const known = fingerprints.get(at) ?? recordings[at]!.bytes().then(sha256);
    fingerprints.set(at, known);
    return known;
  };
  const label = (index: number) => labels?.labels[placeOf(index).recording];
  const windows = places.length > recordings.length ? `${counted(chosen.length, 'window')} of ` : '';
  return {
    name: `${options.name} (${windows}${counted(recordings.length, 'recording')})`,
    kind: 'sound',
    length: chosen.length,
    labelled: labels !== null,
    classes: labels && labels.classes.length > 0 ? labels.classes : null,
    classesInOrder: labels?.inOrder === true,
    guessed: [...options.notes, ...(labels ? [labels.how] : [])],
    preprocessing: null,
    ...(carried && { carried }),
    label,
    // Of many recordings, each is on one side of a split with all its windows: neighbours are much alike.
    async fingerprint(index) {
      const { recording, step } = placeOf(index);
      const print = await fingerprint(recording);
      return recordings.length >= manyRecordings ? print : `${print}:${step}`;
    },
    async hash() {
      const contents = await inParallel(recordings.length, 4, fingerprint);
      return sha256Text(
        JSON.stringify([sampleRate, window, hop, contents, chosen.map((_, i) => [placeOf(i), label(i)])]),
      );
    },
    read: (index) => readStep(placeOf(index)),
  };
}

/** The last window is filled up with silence where it is half full at least, or the only one. */
function stepsOf(length: number, { window, hop }: Pick<SoundSourceOptions, 'window' | 'hop'>): number {
  const samples = Math.ceil(length);
  if (samples <= hop) return 1;
  const more = samples - hop;
  const whole = Math.floor(more / hop);
  return 1 + whole + ((more % hop) * 2 >= Math.min(window, hop) ? 1 : 0);
}

/** A window that overlaps the one before has silence before the recording. A model that takes any length gets no silence behind it. */
function windowAt(
  sound: Float32Array,
  step: number,
  { input, window, hop }: SoundSourceOptions,
): Float32Array {
  const begin = step * hop - (window - hop);
  const isOpen = input.length === null && window === hop;
  const length = isOpen ? Math.max(1, Math.min(window, sound.length - begin)) : window;
  const out = new Float32Array(length);
  const from = Math.max(0, begin);
  out.set(sound.subarray(from, begin + length), from - begin);
  return out;
}

function mono(channels: readonly Float32Array[]): Float32Array {
  const [first = new Float32Array(0), ...others] = channels;
  if (others.length === 0) return first;
  return first.map((value, i) => others.reduce((sum, c) => sum + c[i]!, value) / channels.length);
}

function feeds(sound: Float32Array, { input, sampleRate }: SoundSourceOptions): Record<string, Tensor> {
  const { port, axis, rate, lengths, mask, states } = input;
  const dims = port.shape!.map((_, i) => (i === axis ? sound.length : 1));
  // 16-bit samples are whole numbers of as many steps.
  const values = port.dtype === 'int16' ? sound.map((v) => clamped(v * 32768)) : sound;
  const filled = (p: Port, value: number, open = 1) => {
    const shape = (p.shape ?? []).map((d, i) => (typeof d === 'number' ? d : i === 0 ? 1 : open));
    return tensorOf(p.dtype, shape, new Array<number>(elementCount(shape)).fill(value));
  };
  return {
    [port.name]: tensorOf(port.dtype, dims, values),
    ...(rate && { [rate.name]: filled(rate, sampleRate) }),
    ...(lengths && { [lengths.name]: filled(lengths, sound.length) }),
    ...(mask && { [mask.name]: filled(mask, 1, sound.length) }),
    ...Object.fromEntries(states.map((state) => [state.input.name, filled(state.input, 0)])),
  };
}

const clamped = (value: number) => {
  const { min = -32768, max = 32767 } = dtypes.int16;
  return Math.max(min, Math.min(max, Math.round(value)));
};

/** Results of the last few calls. */
function recent<T>(most: number, make: (key: number) => Promise<T>): (key: number) => Promise<T> {
  const made = new Map<number, Promise<T>>();
  return (key) => {
    const known = made.get(key) ?? make(key);
    made.delete(key);
    made.set(key, known);
    for (const old of made.keys()) if (made.size > most) made.delete(old);
    return known;
  };
}

export const describeWindow = (window: number, sampleRate: number) =>
  `${formatInteger(window)} samples (${Number((window / sampleRate).toFixed(3))} s)`;
