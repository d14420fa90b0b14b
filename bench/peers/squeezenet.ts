/** SqueezeNet 1.1 (Iandola et al. 2016) for 224 × 224 pictures. Its weights are drawn, not trained: what it costs in time, memory and
 *  bytes is that of a trained one, and the distance between int8 and float can be told; there is nothing that it recognises. */
import { buildKernel } from '../../src/compute/engine/kernel.ts';
import type { Model, Value } from '../../src/model/ir/model.ts';
import { elementCount, tensorOf } from '../../src/model/ir/tensor.ts';
import { createRandom } from '../../src/support/random.ts';

/** Channels that a fire module squeezes to, and that each of its two expanding convolutions has; null: a pool. */
const fires: readonly (readonly [number, number] | null)[] = [
  [16, 64],
  [16, 64],
  null,
  [32, 128],
  [32, 128],
  null,
  [48, 192],
  [48, 192],
  [64, 256],
  [64, 256],
];

export const squeezenet = (): Model =>
  buildKernel((b) => {
    const random = createRandom(11);
    const normal = (dims: readonly number[], deviation: number) =>
      tensorOf(
        'float32',
        dims,
        Float32Array.from({ length: elementCount(dims) }, () => deviation * random.normal()),
      );
    const conv = (x: Value, from: number, to: number, kernel: number, strides = [1, 1], pad = 0) => {
      const weight = b.constant(normal([to, from, kernel, kernel], Math.sqrt(2 / (from * kernel ** 2))));
      const bias = b.constant(normal([to], 0.05));
      const attributes = { kernel_shape: [kernel, kernel], strides, pads: [pad, pad, pad, pad] };
      return b.op('Relu', [b.op('Conv', [x, weight, bias], attributes)]);
    };
    const pool = (x: Value) => b.op('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], ceil_mode: 1 });
    let x = pool(conv(b.input('input', 'float32', ['N', 3, 224, 224]), 3, 64, 3, [2, 2]));
    let channels = 64;
    for (const fire of fires) {
      if (!fire) {
        x = pool(x);
        continue;
      }
      const [squeezed, expanded] = fire;
      const small = conv(x, channels, squeezed, 1);
      const wide = conv(small, squeezed, expanded, 3, [1, 1], 1);
      x = b.op('Concat', [conv(small, squeezed, expanded, 1), wide], { axis: 1 });
      channels = 2 * expanded;
    }
    const scores = b.op('GlobalAveragePool', [conv(x, channels, 1000, 1)]);
    b.output('output', b.op('Flatten', [scores]), 'float32', ['N', 1000]);
  }, 13);
