/** A small run that has everything random in it: order, flips and crops, dropout, batch statistics. */

import type { Engine } from '../../../src/compute/engine/contract.ts';
import { augmentationSchema } from '../../../src/compute/train/augment.ts';
import type { TrainOptions } from '../../../src/compute/train/loop.ts';
import { sampleData } from '../../../src/compute/train/samples.ts';
import type { DataSource } from '../../../src/data/source.ts';
import { cnn } from '../../../src/model/build/index.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../src/support/random.ts';

export const count = 40;

/** Pictures of 8×8 levels, bright on the left or on the right. */
export function pictures(length = count): DataSource {
  const levels = (index: number) => {
    const random = createRandom(index + 1);
    return Array.from({ length: 64 }, (_, i) =>
      Math.min(255, random.integer(100) + (i % 8 < 4 === (index % 2 === 0) ? 100 : 0)),
    );
  };
  return {
    name: 'pictures',
    kind: 'images',
    length,
    labelled: true,
    classes: null,
    guessed: [],
    preprocessing: { layout: 'NCHW', scale: 1 / 255, mean: [0.5], std: [0.25] },
    hash: async () => 'pictures',
    label: (index) => index % 2,
    read: async (index) => ({
      id: `${index}`,
      label: index % 2,
      inputs: {
        image: tensorOf(
          'float32',
          [1, 1, 8, 8],
          levels(index).map((v) => (v * (1 / 255) - 0.5) / 0.25),
        ),
      },
    }),
  };
}

export const student = (seed = 1): Model =>
  cnn({ side: 8, channels: 1, filters: [4, 6], hidden: 8, classes: 2, batchNorm: true, dropout: 0.25, seed });

/** Three epochs of five batches. */
export async function settings(engine: Engine): Promise<TrainOptions> {
  const indices = Array.from({ length: count }, (_, i) => i);
  const augmentation = augmentationSchema.parse({ flip: true, crop: 1 });
  return {
    engine,
    data: await sampleData(pictures(), indices, { augmentation }),
    batch: 8,
    epochs: 3,
    learningRate: 0.01,
    schedule: { kind: 'cosine', warmup: 0.1 },
    optimizer: { kind: 'adamw' },
    weightDecay: 0.01,
    ema: 0.9,
    clipNorm: 1,
    seed: 3,
    losses: [{ kind: 'cross-entropy', smoothing: 0.1 }],
    threads: 1,
  };
}

export const weightsOf = (model: Model): Record<string, string> =>
  Object.fromEntries(
    [...model.graph.initializers].map((v) => [
      v.name,
      Buffer.from((v.constant as Tensor).bytes()).toString('base64'),
    ]),
  );
