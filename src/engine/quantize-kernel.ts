/** Integer weights, computed by the engine: absolute maximum a channel, scale, QuantizeLinear, as one small graph. */

import type { Model } from '../ir/model.ts';
import { elementCount, float32Values, scalar, type Tensor, tensorOf } from '../ir/tensor.ts';
import type { QuantDType } from '../quant/spec.ts';
import type { Engine, Session } from './contract.ts';
import { buildKernel, openKernel } from './kernel.ts';

export interface QuantizedWeight {
  /** Same dims as the weight. */
  readonly quantized: Tensor;
  /** float32, [channels] or a scalar. */
  readonly scale: Tensor;
  /** As scale, in the integer type. */
  readonly zeroPoint: Tensor;
}

export interface WeightQuantizer {
  /** Symmetric quantisation of a float32 weight; limits ±127 around the zero point (0, or 128 for uint8).
   *  @param axis one scale a slice along this axis; null for one scale in all
   *  @param minScale lower bounds of the scales, [channels] (for biases that must fit int32) */
  quantize(
    weight: Tensor,
    axis: number | null,
    dtype: QuantDType,
    minScale?: Float32Array,
  ): Promise<QuantizedWeight>;
  close(): Promise<void>;
}

/** Sessions are opened once for each (rank, axis, dtype) and kept until close. A tensor asked for again gives the very
 *  same result, so that a weight which several nodes read is stored once. */
export function createWeightQuantizer(engine: Engine): WeightQuantizer {
  const sessions = new Map<string, Promise<Session>>();
  const open = (rank: number, axis: number | null, dtype: QuantDType) => {
    const key = `${rank}/${axis}/${dtype}`;
    let session = sessions.get(key);
    if (!session) {
      session = openKernel(engine, quantizeGraph(rank, axis, dtype));
      sessions.set(key, session);
    }
    return session;
  };
  const known = new Map<Tensor, Map<string, QuantizedWeight>>();
  return {
    async quantize(weight, axis, dtype, minScale) {
      const made = known.get(weight)?.get(`${axis}/${dtype}`);
      if (made && (!minScale || float32Values(made.scale).every((s, i) => s >= minScale[i]!))) return made;
      const channels = axis === null ? null : weight.dims[axis]!;
      const session = await open(weight.dims.length, axis, dtype);
      const floor = minScale ?? new Float32Array(channels ?? 1);
      const minScaleTensor = tensorOf('float32', channels === null ? [] : [channels], floor);
      const { quantized, scale } = await session.run({ weight, min_scale: minScaleTensor });
      const zero = dtype === 'uint8' ? 128 : 0;
      const zeroPoint = tensorOf(dtype, scale!.dims, new Array(elementCount(scale!.dims)).fill(zero));
      const result = { quantized: quantized!, scale: scale!, zeroPoint };
      known.set(weight, (known.get(weight) ?? new Map()).set(`${axis}/${dtype}`, result));
      return result;
    },
    async close() {
      for (const s of sessions.values()) await (await s).close();
      sessions.clear();
    },
  };
}

/** weight, min_scale → quantized, scale.  scale = max(|w|)/127, 1 where a channel is all zero. */
const quantizeGraph = (rank: number, axis: number | null, dtype: QuantDType): Model =>
  buildKernel((b) => {
    const dims = Array.from({ length: rank }, (_, i) => `d${i}`);
    const scaleShape = axis === null ? [] : [`d${axis}`];
    const weight = b.input('weight', 'float32', dims);
    const minScale = b.input('min_scale', 'float32', scaleShape);
    const constant = (value: number) => b.constant(scalar('float32', value));
    const axes = Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis);
    const magnitude = b.op('Abs', [weight]);
    const reduce = () =>
      b.op('ReduceMax', [magnitude, b.constant(tensorOf('int64', [axes.length], axes))], { keepdims: 0 });
    const largest = axes.length === 0 ? magnitude : reduce();
    const scaled = b.op('Max', [b.op('Div', [largest, constant(127)]), minScale]);
    const scale = b.op('Where', [b.op('Greater', [scaled, constant(1e-35)]), scaled, constant(1)]);
    const zero = b.constant(scalar(dtype, dtype === 'uint8' ? 128 : 0));
    const zeroPoint = axis === null ? zero : b.op('Expand', [zero, b.op('Shape', [scale])]);
    b.output(
      'quantized',
      b.op('QuantizeLinear', [weight, scale, zeroPoint], { axis: axis ?? undefined }),
      dtype,
      dims,
    );
    b.output('scale', scale, 'float32', scaleShape);
  });
