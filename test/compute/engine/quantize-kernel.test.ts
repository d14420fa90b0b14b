import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { createWeightQuantizer, type WeightQuantizer } from '../../../src/compute/engine/quantize-kernel.ts';
import {
  elementCount,
  float32Values,
  numbers,
  type Tensor,
  tensorOf,
  typedArray,
} from '../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../src/support/random.ts';

/** Which slice along `axis` each element belongs to. */
function channelOf(dims: readonly number[], axis: number | null): (index: number) => number {
  if (axis === null) return () => 0;
  const inner = elementCount(dims.slice(axis + 1));
  return (index) => Math.floor(index / inner) % dims[axis]!;
}

/** ONNX QuantizeLinear's rounding: to nearest, ties to even. */
function roundHalfEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

/** Written from the definition, one element at a time, in float32 where the graph is. */
function reference(weight: Tensor, axis: number | null, dtype: 'int8' | 'uint8', minScale?: Float32Array) {
  const values = float32Values(weight);
  const channel = channelOf(weight.dims, axis);
  const scale = new Float32Array(axis === null ? 1 : weight.dims[axis]!);
  values.forEach((v, i) => {
    const c = channel(i);
    scale[c] = Math.max(scale[c]!, Math.fround(Math.abs(v) / 127));
  });
  minScale?.forEach((s, c) => {
    scale[c] = Math.max(scale[c]!, s);
  });
  scale.forEach((s, c) => {
    if (s <= 1e-35) scale[c] = 1;
  });
  const zero = dtype === 'uint8' ? 128 : 0;
  const [low, high] = dtype === 'uint8' ? [0, 255] : [-128, 127];
  const quantized = [...values].map((v, i) =>
    Math.min(high!, Math.max(low!, roundHalfEven(Math.fround(v / scale[channel(i)]!)) + zero)),
  );
  return { quantized, scale: [...scale], zeroPoint: [...scale].map(() => zero) };
}

const normal = (dims: number[], seed: number) => {
  const random = createRandom(seed);
  return tensorOf(
    'float32',
    dims,
    Array.from({ length: elementCount(dims) }, () => random.normal()),
  );
};

describe.each(['node', 'wasm'] as const)('integer weights made by the %s engine', (name) => {
  let engine: Engine;
  let weights: WeightQuantizer;
  beforeAll(async () => {
    engine = await openEngine(name);
    weights = createWeightQuantizer(engine);
  });
  afterAll(() => weights.close());

  async function check(weight: Tensor, axis: number | null, dtype: 'int8' | 'uint8', floor?: Float32Array) {
    const made = await weights.quantize(weight, axis, dtype, floor);
    const expected = reference(weight, axis, dtype, floor);
    expect(made.quantized.dims).toEqual(weight.dims);
    expect(made.quantized.dtype).toBe(dtype);
    expect(made.scale.dims).toEqual(axis === null ? [] : [weight.dims[axis]]);
    expect(numbers(made.scale)).toEqual(expected.scale);
    expect(numbers(made.quantized).map((q) => q + 0)).toEqual(expected.quantized.map((q) => q + 0));
    expect(made.zeroPoint.dtype).toBe(dtype);
    expect(numbers(made.zeroPoint)).toEqual(expected.zeroPoint);
  }

  describe.each(['int8', 'uint8'] as const)('%s', (dtype) => {
    it.each([
      [[5, 3, 3, 3], 0],
      [[5, 3, 3, 3], null],
      [[17, 6], 1],
      [[17, 6], 0],
      [[1, 12, 7], 1],
      [[2, 3, 4], 2],
      [[2, 3, 4], null],
      [[9], null],
      [[9], 0],
      [[1, 1], 0],
    ])('%j along axis %j equals the definition', async (dims, axis) => {
      await check(normal(dims as number[], 3), axis as number | null, dtype);
    });

    it('rounds ties to even', async () => {
      await check(tensorOf('float32', [1, 6], [127, 0.5, 1.5, 2.5, -0.5, -1.5]), 0, dtype);
    });

    it('gives a channel of zeros, and one of denormal numbers, the step 1', async () => {
      await check(tensorOf('float32', [3, 2], [0, 0, 1e-40, -1e-41, 5, 1]), 0, dtype);
    });

    it('makes no step smaller than asked for', async () => {
      const floor = Float32Array.from([0.5, 0, 1e-3]);
      await check(tensorOf('float32', [3, 2], [1, -1, 1, -1, 0, 0]), 0, dtype, floor);
    });

    it('takes the largest numbers of float32', async () => {
      await check(tensorOf('float32', [2, 2], [3.4e38, -3.4e38, 1, 2]), 0, dtype);
    });
  });

  // Each channel from a matrix of its own: the kernel takes so many weights in parts.
  it.each([
    [[3, 710, 1000], 1],
    [[1500, 1410], 1],
    [[1500, 1410], 0],
  ])('%j weights along axis %j are those of a few channels alone', async (dims, axis) => {
    const some = normal([1, 4099], 11);
    const values = Float32Array.from(
      { length: elementCount(dims) },
      (_, i) => float32Values(some)[i % 4099]!,
    );
    const weight = tensorOf('float32', dims, values);
    const floor = Float32Array.from({ length: dims[axis]! }, (_, c) => c / 1e5);
    const made = await weights.quantize(weight, axis, 'int8', floor);
    const bytes = typedArray(made.quantized);
    const inner = elementCount(dims.slice(axis + 1));
    const places = (c: number) =>
      Array.from({ length: values.length / dims[axis]! }, (_, i) => {
        const row = Math.floor(i / inner);
        return (row * dims[axis]! + c) * inner + (i % inner);
      });
    for (const c of [0, 700, dims[axis]! - 1]) {
      const own = Float32Array.from(places(c), (i) => values[i]!);
      const expected = reference(
        tensorOf('float32', [1, own.length], own),
        0,
        'int8',
        floor.subarray(c, c + 1),
      );
      expect(float32Values(made.scale)[c]).toBe(expected.scale[0]);
      expect(places(c).map((i) => bytes[i])).toEqual(expected.quantized.map((q) => q + 0));
    }
  });

  describe('int4', () => {
    /** Squared error of each channel at `share` of max(|w|)/7, from the definition. */
    const errors = (weight: Tensor, axis: number | null, share: number) => {
      const values = float32Values(weight);
      const channel = channelOf(weight.dims, axis);
      const largest = new Float64Array(axis === null ? 1 : weight.dims[axis]!);
      values.forEach((v, i) => {
        largest[channel(i)] = Math.max(largest[channel(i)]!, Math.abs(v));
      });
      return values.reduce((sums, v, i) => {
        const s = (largest[channel(i)]! * share) / 7;
        sums[channel(i)]! += (v - s * Math.min(7, Math.max(-8, roundHalfEven(v / s)))) ** 2;
        return sums;
      }, new Float64Array(largest.length));
    };

    it.each([
      [[6, 3, 3, 3], 0],
      [[40, 5], 1],
      [[7, 30], null],
    ])('%j along axis %j clips the largest weights as far as that lowers the error', async (dims, along) => {
      const [weight, axis] = [normal(dims as number[], 4), along as number | null];
      const made = await weights.quantize(weight, axis, 'int4');
      const levels = numbers(made.quantized);
      expect(made.quantized.dtype).toBe('int4');
      expect(made.quantized.bytes().length).toBe(Math.ceil(levels.length / 2));
      expect(made.zeroPoint.dtype).toBe('int8');
      const channel = channelOf(weight.dims, axis);
      const scale = numbers(made.scale);
      const error = new Float64Array(scale.length);
      float32Values(weight).forEach((v, i) => {
        error[channel(i)]! += (v - scale[channel(i)]! * levels[i]!) ** 2;
      });
      const unclipped = errors(weight, axis, 1);
      const tried = Array.from({ length: 14 }, (_, k) => errors(weight, axis, 1 - 0.05 * k));
      error.forEach((e, c) => {
        const least = Math.min(...tried.map((t) => t[c]!));
        // The kernel's sums are float32.
        expect(e).toBeLessThan(least * 1.0001);
        expect(e).toBeLessThan(unclipped[c]!);
      });
    });

    it('is exact where sixteen levels are enough', async () => {
      const made = await weights.quantize(tensorOf('float32', [2, 3], [7, -3, 1, 0, 0, 0]), 0, 'int4');
      expect(numbers(made.quantized)).toEqual([7, -3, 1, 0, 0, 0]);
      expect(numbers(made.scale)).toEqual([1, 1]);
    });

    it('makes no step smaller than asked for', async () => {
      const floor = Float32Array.from([2, 0.5]);
      const made = await weights.quantize(tensorOf('float32', [2, 2], [7, -4, 0, 0]), 0, 'int4', floor);
      expect(numbers(made.scale)).toEqual([2, 0.5]);
      expect(numbers(made.quantized)).toEqual([4, -2, 0, 0]);
    });
  });

  it('gives the very same tensors for a weight asked for twice, unless a larger step is needed', async () => {
    const weight = normal([4, 3], 8);
    const first = await weights.quantize(weight, 0, 'int8');
    expect(await weights.quantize(weight, 0, 'int8', new Float32Array(4))).toBe(first);
    expect(await weights.quantize(weight, 1, 'int8')).not.toBe(first);
    expect(await weights.quantize(weight, 0, 'uint8')).not.toBe(first);
    const coarse = await weights.quantize(weight, 0, 'int8', new Float32Array(4).fill(1));
    expect(numbers(coarse.scale)).toEqual([1, 1, 1, 1]);
  });
});
