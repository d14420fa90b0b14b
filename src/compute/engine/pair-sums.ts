/** Sums of two weights that lie side by side, which decide whether products of uint8 and int8 are exact where a processor
 *  adds them in 16 bits: x86 without VNNI multiplies two neighbours at once, and cuts their sum off at 32767.
 *  Source: onnxruntime's MLAS, kernels for AVX2 and AVX-512 (vpmaddubsw). */

import type { Model } from '../../model/ir/model.ts';
import { slicedTensor } from '../../model/ir/slice.ts';
import { elementCount, float32Values, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import type { Engine, Session } from './contract.ts';
import { buildKernel, chunkElements, openKernel } from './kernel.ts';

/** Steps that two neighbours may have between them: 255 · 128 < 2¹⁵. */
export const mostPairSum = 128;

/** The same before they are rounded, which may add one. */
export const mostPairSteps = mostPairSum - 1;

export interface PairSums {
  /** Largest |w₀| + |w₁| of neighbours, whichever of them comes first, for each slice along the first axis of `order`.
   *  @param weight  float32
   *  @param order  its axes as the kernel packs them: outputs first, what moves fastest last
   *  @returns [size of the first axis]; |w| alone where a slice has one weight */
  largest(weight: Tensor, order: readonly number[]): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Sessions are opened once for each order and kept until close. */
export function createPairSums(engine: Engine): PairSums {
  const sessions = new Map<string, Promise<Session>>();
  const open = (order: readonly number[]) => {
    const key = order.join(' ');
    const session = sessions.get(key) ?? openKernel(engine, pairGraph(order));
    sessions.set(key, session);
    return session;
  };
  return {
    async largest(weight, order) {
      const [outputs] = order as readonly [number];
      const session = await open(order);
      const channels = weight.dims[outputs]!;
      const step = Math.max(1, Math.floor((chunkElements * channels) / elementCount(weight.dims)));
      // A tensor in a file would be read for every part.
      const whole = step < channels ? tensorOf('float32', weight.dims, float32Values(weight)) : weight;
      const result = new Float32Array(channels);
      for (let from = 0; from < channels; from += step) {
        const to = Math.min(channels, from + step);
        const some = step < channels ? slicedTensor(whole, outputs, from, to) : whole;
        const { largest } = await session.run({ weight: some });
        result.set(float32Values(largest!), from);
      }
      return result;
    },
    async close() {
      for (const session of sessions.values()) await (await session).close();
      sessions.clear();
    },
  };
}

/** weight → largest:  max over i of |w[i]| + |w[i + 1]|, a zero behind the last one. */
const pairGraph = (order: readonly number[]): Model =>
  buildKernel((b) => {
    const dims = order.map((_, i) => `d${i}`);
    const integers = (...values: number[]) => b.constant(tensorOf('int64', [values.length], values));
    const packed = b.op('Transpose', [b.input('weight', 'float32', dims)], { perm: [...order] });
    const sizes = b.op('Abs', [b.op('Reshape', [packed, integers(0, -1)])]);
    const next = b.op('Slice', [
      b.op('Pad', [sizes, integers(0, 0, 0, 1)]),
      integers(1),
      integers(2 ** 31),
      integers(1),
    ]);
    const sums = b.op('Add', [sizes, next]);
    b.output('largest', b.op('ReduceMax', [sums, integers(1)], { keepdims: 0 }), 'float32', [`d${order[0]}`]);
  });
