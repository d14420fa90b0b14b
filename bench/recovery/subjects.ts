/** The networks of bench/prune-recovery.ts with their data: what trains, what is held back of it, what is measured. */
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { compressModel, preset } from '../../src/compress/compress.ts';
import type { Engine } from '../../src/compute/engine/contract.ts';
import { openKernel } from '../../src/compute/engine/kernel.ts';
import { augmentationSchema } from '../../src/compute/train/augment.ts';
import { rows, type TrainingData, tensorData } from '../../src/compute/train/data.ts';
import { openHeldOut } from '../../src/compute/train/held-out.ts';
import type { TrainOptions } from '../../src/compute/train/loop.ts';
import { sampleData } from '../../src/compute/train/samples.ts';
import { openData } from '../../src/data/open.ts';
import { generateAll } from '../../src/judge/generate/generate.ts';
import { openDecoder } from '../../src/judge/generate/open.ts';
import { openModel } from '../../src/model/formats/open-file.ts';
import type { Model } from '../../src/model/ir/model.ts';
import { portsOf } from '../../src/model/ir/port.ts';
import { tensorOf } from '../../src/model/ir/tensor.ts';
import { createRandom } from '../../src/support/random.ts';

/** Plain JSON: it goes to child processes. */
export interface SubjectOptions {
  readonly zoo: string;
  /** Pictures to take, and how many of them are held back from training. */
  readonly images: number;
  readonly hold: number;
  readonly augment: boolean;
  /** Folders of unpacked pictures; `unpackPictures` fills them. */
  readonly train: string;
  readonly test: string;
}

export interface Subject {
  readonly model: Model;
  readonly data: TrainingData;
  /** Without augmentation, where there is one: what is ranked by and fitted to. */
  readonly plain?: TrainingData;
  /** Share that is right of what is held back of the training data; chooses rates. */
  held?(model: Model): Promise<number>;
  /** Share that is right, on data that is never trained on and chooses nothing (nano-gpt: all inputs). */
  measure(model: Model): Promise<number>;
  readonly settings: Pick<TrainOptions, 'batch' | 'epochs' | 'learningRate' | 'optimizer'> & {
    readonly weightDecay?: number;
    readonly clipNorm?: number;
  };
}

type Opening = (engine: Engine, options: SubjectOptions) => Promise<Subject>;

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

export function unpackPictures(zoo: string, archives: readonly string[], into: string): void {
  for (const archive of archives)
    execFileSync('tar', ['xzf', path.join(zoo, 'data/cifar10', archive), '-C', into]);
}

export const trainable = async (engine: Engine, file: string) =>
  (await compressModel(openModel(file).model, { recipe: preset('trainable'), engine })).model;

interface Pictures {
  readonly folder: string;
  readonly indices?: readonly number[];
  readonly limit?: number;
  readonly labels?: string;
}

async function pictures(
  engine: Engine,
  model: Model,
  { augment, hold }: SubjectOptions,
  training: Pictures,
  test: Pictures,
): Promise<Omit<Subject, 'model' | 'settings'>> {
  const open = ({ folder, limit, labels }: Pictures) =>
    openData(folder, portsOf(model), { seed: 0, preprocess: 'imagenet', limit, labels });
  const own = await open(training);
  const all = training.indices ?? range(0, own.length);
  const order = hold > 0 ? createRandom(1).shuffle([...all]) : all;
  const augmentation = augmentationSchema.parse(augment ? { flip: true, crop: 4 } : {});
  const indices = order.slice(hold);
  /** Opened when asked for: what only trains reads no test data. */
  const meter = (source: () => Promise<{ data: TrainingData }>) => {
    let opened: ReturnType<typeof openHeldOut> | null = null;
    return async (m: Model) => {
      opened ??= source().then(({ data }) =>
        openHeldOut({ engine, data, batch: 50, teacher: null, scores: true }),
      );
      return (await (await opened)?.measure(m)) ?? Number.NaN;
    };
  };
  return {
    data: await sampleData(own, indices, { augmentation }),
    plain: await sampleData(own, indices),
    ...(hold > 0 && { held: meter(async () => ({ data: await sampleData(own, order.slice(0, hold)) })) }),
    measure: meter(async () => {
      const source = await open(test);
      return { data: await sampleData(source, test.indices ?? range(0, source.length)) };
    }),
  };
}

export const subjects: Readonly<Record<string, Opening>> = {
  async resnet56(engine, options) {
    const model = await trainable(engine, path.join(options.zoo, 'models/cifar10-resnet/resnet56.onnx'));
    const training = { folder: options.train, limit: options.images };
    const found = await pictures(engine, model, options, training, { folder: options.test });
    const settings = {
      batch: 128,
      epochs: 4,
      learningRate: 0.005,
      optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true },
      weightDecay: 5e-4,
    } as const;
    return { model, ...found, settings };
  },
  async mobilenetv2(engine, options) {
    const file = path.join(options.zoo, 'models/imagenet-mobilenetv2-f32/mobilenetv2.onnx');
    const model = await trainable(engine, file);
    const folder = path.join(options.zoo, 'data/imagenet');
    const order = createRandom(1).shuffle(range(0, 500));
    const training = { folder, indices: order.slice(0, 300) };
    const labels = path.join(folder, 'labels.json');
    const found = await pictures(engine, model, options, training, {
      folder,
      indices: order.slice(300),
      labels,
    });
    const settings = { batch: 10, epochs: 3, learningRate: 1e-4, optimizer: { kind: 'adamw' } } as const;
    return { model, ...found, settings };
  },
  async 'nano-gpt'(engine, options) {
    const model = await trainable(engine, path.join(options.zoo, 'models/nano-gpt-sort/gpt-nano-sort.onnx'));
    const letters = Array.from({ length: 729 }, (_, i) =>
      Array.from({ length: 6 }, (_, k) => Math.floor(i / 3 ** k) % 3),
    );
    const all = letters.flatMap((row) => [...row, ...row.toSorted().slice(0, 5)]);
    const order = createRandom(1).shuffle(range(0, 729));
    const idx = rows(tensorOf('int64', [729, 11], all), order.slice(0, 529));
    const settings = {
      batch: 32,
      epochs: 60,
      learningRate: 1e-3,
      optimizer: { kind: 'adamw' },
      clipNorm: 1,
    } as const;
    return {
      model,
      data: tensorData({ idx }),
      settings,
      async measure(m) {
        const session = await openKernel(engine, m);
        const written = await generateAll(openDecoder(session), letters, { maxTokens: 6 });
        await session.close();
        return written.filter((row, i) => `${row}` === `${letters[i]?.toSorted()}`).length / 729;
      },
    };
  },
};
