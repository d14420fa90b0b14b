/** Training data from a data source: decoded samples are kept in memory up to a limit, pictures as their 8-bit levels. */
import { z } from 'zod';
import { classOf } from '../../data/label.ts';
import type { DataSource } from '../../data/source.ts';
import { elementCount, float32Values, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { augmentationNeedsPictures } from '../../support/diagnostics/training.ts';
import { emptyRecord } from '../../support/own.ts';
import { createRandom } from '../../support/random.ts';
import { stack } from '../calibrate/stacked.ts';
import {
  type Augmentation,
  augmentationSchema,
  augmentPicture,
  betaDraw,
  changesPictures,
  type PictureLayout,
} from './augment.ts';
import { type BatchRequest, classLabels, rows, type TrainingData } from './data.ts';

export interface SampleDataOptions {
  readonly augmentation?: Augmentation;
  /** Decoded samples kept between epochs; what doesn't fit is decoded again. Default 1 GiB. */
  readonly memoryBytes?: number;
}

/** Batches for training from a data source, decoded as needed and augmented.
 *  @param indices  which samples of the source to train on */
export async function sampleData(
  source: DataSource,
  indices: readonly number[],
  options: SampleDataOptions = {},
): Promise<TrainingData> {
  const augmentation = options.augmentation ?? augmentationSchema.parse({});
  const first = await source.read(indices[0] as number);
  const levels = levelCoding(source, first.inputs);
  const read = keeper(source, levels, options.memoryBytes ?? 2 ** 30);
  const augmented = changesPictures(augmentation);
  if (augmented) requirePictures(first.inputs, levels);
  const names = Object.keys(first.inputs);

  const batch = async ({ indices: places, epoch, seed }: BatchRequest): Promise<Record<string, Tensor>> => {
    const samples = await Promise.all(places.map((place) => read(indices[place] as number)));
    const stacked: Record<string, Tensor> = emptyRecord();
    for (const name of names) {
      const coding = levels?.name === name ? levels : null;
      stacked[name] = stack(
        samples.map(({ inputs }, k) => {
          const stored = inputs[name] as Stored;
          if (!(stored instanceof Uint8Array)) {
            if (augmented && coding)
              throw augmentationNeedsPictures(name, 'has other values in some samples');
            return stored;
          }
          const random = createRandom(mixed(seed, epoch, places[k] as number));
          const own = augmented
            ? augmentPicture(stored, (coding as LevelCoding).layout, augmentation, random)
            : stored;
          return (coding as LevelCoding).decode(own);
        }),
      );
    }
    const labels = source.labelled
      ? classLabels(samples.map((s) => s.label ?? ignored))
      : source.targeted
        ? stack(samples.map((s) => s.target as Tensor))
        : null;
    if (augmented && augmentation.mixup > 0) {
      const random = createRandom(mixed(seed, epoch, (places[0] as number) + 0x5bd1e995));
      return mixUp(stacked, labels, (levels as LevelCoding).name, augmentation.mixup, random);
    }
    return labels ? { ...stacked, labels } : stacked;
  };
  return {
    length: indices.length,
    labelled: source.labelled || source.targeted === true,
    repeats: !augmented,
    shapes: Object.fromEntries(Object.entries(first.inputs).map(([n, t]) => [n, t.dims.slice(1)])),
    batch,
  };
}

const ignored = -100;

/** @throws AUGMENTATION_NEEDS_PICTURES: what changes nothing would be taken for augmented */
function requirePictures(inputs: Readonly<Record<string, Tensor>>, levels: LevelCoding | null): void {
  const name = levels?.name ?? Object.keys(inputs)[0] ?? '';
  if (!levels) throw augmentationNeedsPictures(name, 'is not a picture with known preprocessing');
  if (!levels.encode(inputs[name] as Tensor))
    throw augmentationNeedsPictures(name, 'has values that are none of the 256 levels');
}

const mixed = (seed: number, epoch: number, place: number) =>
  Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(epoch + 1, 0x85ebca77) ^ Math.imul(place + 1, 0xc2b2ae3d);

type Stored = Tensor | Uint8Array;

interface KeptSample {
  readonly inputs: Readonly<Record<string, Stored>>;
  readonly label: number | undefined;
  readonly target: Tensor | undefined;
}

function keeper(
  source: DataSource,
  levels: LevelCoding | null,
  limit: number,
): (index: number) => Promise<KeptSample> {
  const kept = new Map<number, KeptSample>();
  let used = 0;
  return async (index) => {
    const known = kept.get(index);
    if (known) return known;
    const { inputs, label, target } = await source.read(index);
    const sample: KeptSample = {
      inputs: Object.fromEntries(
        Object.entries(inputs).map(([name, t]) => [name, (levels?.name === name && levels.encode(t)) || t]),
      ),
      label: classOf(label),
      target,
    };
    const bytes = Object.values(sample.inputs).reduce(
      (sum, v) => sum + (v instanceof Uint8Array ? v.length : v.bytes().length),
      0,
    );
    if (used + bytes <= limit) {
      kept.set(index, sample);
      used += bytes;
    }
    return sample;
  };
}

/** Between an input of normalised pixels and the levels it came from. */
interface LevelCoding {
  readonly name: string;
  readonly layout: PictureLayout;
  /** null when the numbers are not levels under this normalisation. */
  encode(t: Tensor): Uint8Array | null;
  decode(levels: Uint8Array): Tensor;
}

const normalisation = z.object({
  layout: z.enum(['NCHW', 'NHWC']),
  scale: z.number(),
  mean: z.array(z.number()),
  std: z.array(z.number()),
});

function levelCoding(source: DataSource, inputs: Readonly<Record<string, Tensor>>): LevelCoding | null {
  const spec = normalisation.safeParse(source.preprocessing);
  const [entry] = Object.entries(inputs).filter(([, t]) => t.dtype === 'float32' && t.dims.length === 4);
  if (!spec.success || !entry) return null;
  const [name, { dims }] = entry;
  const { layout, scale, mean, std } = spec.data;
  const [, a = 1, b = 1, c = 1] = dims;
  const [channels, height, width] = layout === 'NCHW' ? [a, b, c] : [c, a, b];
  const tables = Array.from({ length: channels }, (_, i) => {
    const [m, s] = [mean[i] ?? mean[0] ?? 0, std[i] ?? std[0] ?? 1];
    return Float32Array.from({ length: 256 }, (_, level) => (level * scale - m) / s);
  });
  const plane = height * width;
  const [pixel, next] = layout === 'NCHW' ? [1, plane] : [channels, 1];
  const decode = (levels: Uint8Array) => {
    const values = new Float32Array(levels.length);
    for (const [c, table] of tables.entries())
      for (let p = 0, i = c * next; p < plane; p++, i += pixel)
        values[i] = table[levels[i] as number] as number;
    return tensorOf('float32', dims, values);
  };
  return {
    name,
    layout: { layout, channels, height, width },
    decode,
    encode(t) {
      if (elementCount(t.dims) !== channels * plane) return null;
      const values = float32Values(t);
      const levels = new Uint8Array(values.length);
      for (const [c, table] of tables.entries()) {
        const [least, most] = [table[0] as number, table[255] as number];
        for (let p = 0, i = c * next; p < plane; p++, i += pixel) {
          const level = Math.round((((values[i] as number) - least) / (most - least)) * 255);
          if (table[level] !== values[i]) return null;
          levels[i] = level;
        }
      }
      return levels;
    },
  };
}

/** x' = λ·x + (1 − λ)·x of the sample before it in the batch; both labels go along with λ. */
function mixUp(
  inputs: Record<string, Tensor>,
  labels: Tensor | null,
  name: string,
  alpha: number,
  random: ReturnType<typeof createRandom>,
): Record<string, Tensor> {
  const t = inputs[name] as Tensor;
  const n = t.dims[0] ?? 1;
  const share = betaDraw(alpha, random);
  const before = Array.from({ length: n }, (_, k) => (k + n - 1) % n);
  const blend = (own: Tensor): Tensor => {
    const [a, b] = [float32Values(own), float32Values(rows(own, before))];
    const mixed = a.map((v, i) => share * v + (1 - share) * (b[i] as number));
    return tensorOf('float32', own.dims, mixed);
  };
  const mixedInputs = { ...inputs, [name]: blend(t) };
  if (!labels) return mixedInputs;
  if (labels.dtype !== 'int64') return { ...mixedInputs, labels: blend(labels) };
  return {
    ...mixedInputs,
    labels,
    'labels.other': rows(labels, before),
    'labels.share': tensorOf('float32', [], [share]),
  };
}
