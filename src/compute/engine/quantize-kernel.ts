/** Integer weights, computed by the engine: absolute maximum a channel, scale, QuantizeLinear, as one small graph. */

import { type DType, dtypes } from '../../model/ir/dtype.ts';
import type { Model, Value } from '../../model/ir/model.ts';
import { slicedTensor } from '../../model/ir/slice.ts';
import {
  denseTensor,
  elementCount,
  float32Values,
  scalar,
  type Tensor,
  tensorOf,
  typedArray,
} from '../../model/ir/tensor.ts';
import type { QuantDType, WeightDType } from '../../model/quantization/spec.ts';
import type { Engine, Session } from './contract.ts';
import { buildKernel, chunkElements, openKernel } from './kernel.ts';

export interface QuantizedWeight {
  /** Same dims as the weight. */
  readonly quantized: Tensor;
  /** float32, [channels] or a scalar. */
  readonly scale: Tensor;
  /** As scale, in the integer type (int8 for int4, which is widened before it is used). */
  readonly zeroPoint: Tensor;
}

export interface WeightQuantizer {
  /** Symmetric quantisation of a float32 weight; limits ±127 around the zero point (0, or 128 for uint8). int4 takes
   *  −8…7 and, of a few scales, the one a channel that leaves the least squared error.
   *  @param axis one scale a slice along this axis; null for one scale in all
   *  @param minScale lower bounds of the scales, [channels] (for biases that must fit int32) */
  quantize(
    weight: Tensor,
    axis: number | null,
    dtype: WeightDType,
    minScale?: Float32Array,
  ): Promise<QuantizedWeight>;
  close(): Promise<void>;
}

/** Sessions are opened once for each (rank, axis, dtype) and kept until close. A tensor asked for again gives the very
 *  same result, so that a weight which several nodes read is stored once; what no bound changed is also known to quantisers
 *  made later. */
export function createWeightQuantizer(engine: Engine): WeightQuantizer {
  const sessions = new Map<string, Promise<Session>>();
  const open = (rank: number, axis: number | null, dtype: WeightDType) => {
    const key = `${rank}/${axis}/${dtype}`;
    let session = sessions.get(key);
    if (!session) {
      session = openKernel(
        engine,
        dtype === 'int4' ? fourBitGraph(rank, axis) : quantizeGraph(rank, axis, dtype),
      );
      sessions.set(key, session);
    }
    return session;
  };
  const known: Known = new Map();
  const free = unboundedOf(engine);
  return {
    async quantize(weight, axis, dtype, minScale) {
      const key = `${axis}/${dtype}`;
      const made = known.get(weight)?.get(key) ?? free.get(weight)?.get(key);
      if (made && (!minScale || float32Values(made.scale).every((s, i) => s >= minScale[i]!))) return made;
      const session = await open(weight.dims.length, axis, dtype);
      const { quantized, scale } = await inChunks(session, weight, axis, minScale);
      const zeros = new Array(elementCount(scale.dims)).fill(dtype === 'uint8' ? 128 : 0);
      const result = {
        quantized: dtype === 'int4' ? tensorOf('int4', weight.dims, typedArray(quantized)) : quantized,
        scale,
        zeroPoint: tensorOf(dtype === 'int4' ? 'int8' : dtype, scale.dims, zeros),
      };
      remember(known, weight, key, result);
      const isBound = minScale && float32Values(scale).some((s, i) => s === minScale[i]);
      if (!isBound && dtype !== 'int4') remember(free, weight, key, result);
      return result;
    },
    async close() {
      for (const s of sessions.values()) await (await s).close();
      sessions.clear();
    },
  };
}

type Known = Pick<WeakMap<Tensor, Map<string, QuantizedWeight>>, 'get' | 'set'>;

/** Results that no bound changed, by engine: the same whenever they are asked for, as where a pass is tried in several ways. */
const unbounded = new WeakMap<Engine, Known>();

function unboundedOf(engine: Engine): Known {
  const known = unbounded.get(engine) ?? new WeakMap<Tensor, Map<string, QuantizedWeight>>();
  unbounded.set(engine, known);
  return known;
}

function remember(known: Known, weight: Tensor, key: string, made: QuantizedWeight): void {
  known.set(weight, (known.get(weight) ?? new Map()).set(key, made));
}

type Made = Pick<QuantizedWeight, 'quantized' | 'scale'>;

/** Some channels at a time, where there are many weights. */
async function inChunks(
  session: Session,
  weight: Tensor,
  axis: number | null,
  minScale?: Float32Array,
): Promise<Made> {
  const { dims } = weight;
  const channels = axis === null ? 1 : dims[axis]!;
  const floor = minScale ?? new Float32Array(channels);
  const run = async (some: Tensor, from: number, to: number) => {
    const least = tensorOf('float32', axis === null ? [] : [to - from], floor.subarray(from, to));
    return (await session.run({ weight: some, min_scale: least })) as unknown as Made;
  };
  const count = elementCount(dims);
  if (axis === null || count <= chunkElements) return run(weight, 0, channels);
  // A tensor in a file would be read for every part.
  const whole = tensorOf('float32', dims, float32Values(weight));
  const step = Math.max(1, Math.floor((chunkElements * channels) / count));
  const inner = elementCount(dims.slice(axis + 1));
  const bytes = new Uint8Array(count);
  const scales = new Float32Array(channels);
  let dtype: DType = 'int8';
  for (let from = 0; from < channels; from += step) {
    const to = Math.min(channels, from + step);
    const part = await run(slicedTensor(whole, axis, from, to), from, to);
    dtype = part.quantized.dtype;
    scales.set(float32Values(part.scale), from);
    const [some, length] = [part.quantized.bytes(), (to - from) * inner];
    for (let row = 0; row * length < some.length; row++)
      bytes.set(some.subarray(row * length, (row + 1) * length), (row * channels + from) * inner);
  }
  return { quantized: denseTensor(dtype, dims, bytes), scale: tensorOf('float32', [channels], scales) };
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
    const others = b.constant(tensorOf('int64', [axes.length], axes));
    const reduce = (op: string) => b.op(op, [weight, others], { keepdims: 0 });
    // Not of its absolute value, which would be as large as the weight.
    const largest =
      axes.length === 0
        ? b.op('Abs', [weight])
        : b.op('Max', [reduce('ReduceMax'), b.op('Neg', [reduce('ReduceMin')])]);
    const scaled = b.op('Max', [b.op('Div', [largest, constant(127)]), minScale]);
    const scale = b.op('Where', [b.op('Greater', [scaled, constant(1e-35)]), scaled, constant(1)]);
    // What QuantizeLinear computes; along the last axis that takes six times as long.
    const along = axis === null ? scale : b.op('Reshape', [scale, b.constant(broadcastDims(rank, axis))]);
    const levels = b.op('Round', [b.op('Div', [weight, along])]);
    const stored = dtype === 'uint8' ? b.op('Add', [levels, constant(128)]) : levels;
    b.output('quantized', b.op('Cast', [stored], { to: dtypes[dtype].code }), dtype, dims);
    b.output('scale', scale, 'float32', scaleShape);
  });

/** The shape of one number a channel beside a weight. */
const broadcastDims = (rank: number, axis: number) =>
  tensorOf(
    'int64',
    [rank],
    Array.from({ length: rank }, (_, i) => (i === axis ? -1 : 1)),
  );

/** Shares of max(|w|)/7 that are tried as scale: with 16 levels, clipping the few largest weights pays. */
const fourBitCandidates = Array.from({ length: 14 }, (_, i) => 1 - 0.05 * i);

/** weight, min_scale → levels of int4 as int8, scale.  argmin over candidates s of Σ(w − s·clip(round(w/s), −8, 7))². */
const fourBitGraph = (rank: number, axis: number | null): Model =>
  buildKernel((b) => {
    const dims = Array.from({ length: rank }, (_, i) => `d${i}`);
    const scaleShape = axis === null ? [] : [`d${axis}`];
    const weight = b.input('weight', 'float32', dims);
    const minScale = b.input('min_scale', 'float32', scaleShape);
    const constant = (value: number) => b.constant(scalar('float32', value));
    const others = dims.flatMap((_, i) => (i === axis ? [] : [i]));
    const axes = b.constant(tensorOf('int64', [others.length], others));
    const over = (op: string, v: Value) => (others.length === 0 ? v : b.op(op, [v, axes], { keepdims: 0 }));
    const wide = b.constant(axis === null ? tensorOf('int64', [0], []) : broadcastDims(rank, axis));
    const largest = over('ReduceMax', b.op('Abs', [weight]));
    const steps = (s: Value) => {
      const along = b.op('Reshape', [s, wide]);
      const levels = b.op('Clip', [b.op('Round', [b.op('Div', [weight, along])]), constant(-8), constant(7)]);
      return { levels, along };
    };
    const tried = fourBitCandidates.map((share) => {
      const scaled = b.op('Max', [b.op('Mul', [largest, constant(share / 7)]), minScale]);
      const scale = b.op('Where', [b.op('Greater', [scaled, constant(1e-35)]), scaled, constant(1)]);
      const { levels, along } = steps(scale);
      const miss = b.op('Sub', [weight, b.op('Mul', [levels, along])]);
      return { scale, error: over('ReduceSum', b.op('Mul', [miss, miss])) };
    });
    const best = tried.reduce((a, c) => {
      const better = b.op('Less', [c.error, a.error]);
      const pick = (x: Value, y: Value) => b.op('Where', [better, x, y]);
      return { scale: pick(c.scale, a.scale), error: pick(c.error, a.error) };
    });
    b.output('quantized', b.op('Cast', [steps(best.scale).levels], { to: 3 }), 'int8', dims);
    b.output('scale', best.scale, 'float32', scaleShape);
  });
