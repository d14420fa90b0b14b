/** The fake-quantisation lowering against the runtime's own QuantizeLinear and DequantizeLinear (values) and against the
 *  published formula of LSQ (gradients). */
import { beforeAll, describe, expect, it } from 'vitest';
import { lower } from '../../../src/compute/autodiff/lower.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openKernel } from '../../../src/compute/engine/kernel.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import type { DType } from '../../../src/model/ir/dtype.ts';
import type { Value } from '../../../src/model/ir/model.ts';
import { denseTensor, float32Values, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../src/support/random.ts';
import { buildCase, type GradientCase, gradientsOf } from './check-gradient.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

const random = createRandom(11);
const draws = Float32Array.from({ length: 48 }, () => random.normal() * 2);

interface Setting {
  readonly name: string;
  readonly dtype: DType;
  readonly range: readonly [number, number];
  readonly scales: readonly number[];
  readonly zeros: readonly number[];
  readonly dims: readonly number[];
  readonly attributes?: Readonly<Record<string, number>>;
  /** Which scale an element of x [4, 12] has. */
  readonly of: (element: number) => number;
}

const settings: readonly Setting[] = [
  { name: 'int8', dtype: 'int8', range: [-128, 127], scales: [0.021], zeros: [0], dims: [], of: () => 0 },
  {
    name: 'uint8 with a zero point',
    dtype: 'uint8',
    range: [0, 255],
    scales: [0.011],
    zeros: [101],
    dims: [],
    of: () => 0,
  },
  {
    name: 'uint16',
    dtype: 'uint16',
    range: [0, 65535],
    scales: [4e-5],
    zeros: [30000],
    dims: [],
    of: () => 0,
  },
  { name: 'int4', dtype: 'int4', range: [-8, 7], scales: [0.31], zeros: [0], dims: [], of: () => 0 },
  {
    name: 'int8 by channel',
    dtype: 'int8',
    range: [-128, 127],
    scales: [0.01, 0.02, 0.017, 0.031],
    zeros: [0, 0, 0, 0],
    dims: [4],
    attributes: { axis: 0 },
    of: (i) => Math.floor(i / 12),
  },
  {
    name: 'uint4 in blocks with zero points',
    dtype: 'uint4',
    range: [0, 15],
    scales: [0.2, 0.3, 0.17, 0.31, 0.23, 0.25, 0.12, 0.4],
    zeros: [7, 8, 3, 9, 0, 15, 6, 5],
    dims: [4, 2],
    attributes: { axis: 1, block_size: 6 },
    of: (i) => Math.floor(i / 6),
  },
];

function stored(dtype: DType, dims: readonly number[], values: readonly number[]): Tensor {
  if (!dtype.endsWith('int4')) return tensorOf(dtype, dims, values);
  const bytes = new Uint8Array(Math.ceil(values.length / 2));
  values.forEach((v, i) => {
    bytes[i >> 1] = (bytes[i >> 1] ?? 0) | ((v & 15) << (4 * (i % 2)));
  });
  return denseTensor(dtype, dims, bytes);
}

const caseOf = (s: Setting): GradientCase => ({
  name: s.name,
  inputs: [tensorOf('float32', [4, 12], draws), tensorOf('float32', s.dims, s.scales)],
  build: (e, x, scale) => {
    const zero = e.constant(stored(s.dtype, s.dims, s.zeros));
    const q = e.op('QuantizeLinear', [x, scale, zero], s.attributes);
    return e.op('DequantizeLinear', [q, scale, zero], s.attributes);
  },
  opset: 21,
});

describe('fake quantisation', () => {
  it.each(settings)('gives what QuantizeLinear and DequantizeLinear give ($name)', async (s) => {
    const losses = [];
    for (const lowered of [false, true]) {
      const { model, feeds } = buildCase(caseOf(s), false);
      if (lowered) lower(model, 'train');
      const session = await openKernel(engine, model);
      losses.push(float32Values((await session.run(feeds))['loss'] as Tensor)[0] as number);
      await session.close();
    }
    // A weighted sum of 48 values of a few units, in float32.
    expect(losses[1]).toBeCloseTo(losses[0] as number, 4);
  });

  it.each(settings)('has the gradient of LSQ by its scale and by its input ($name)', async (s) => {
    const c = caseOf(s);
    const weights = float32Values(buildCase(c, false).weights[0] as Tensor);
    const ours = await gradientsOf(engine, c);
    const byInput: number[] = [];
    const byScale = s.scales.map(() => 0);
    // Esser et al. 2020, eq. 3 (with the zero point that eq. 1 leaves out) and eq. 5.
    draws.forEach((x, i) => {
      const k = s.of(i);
      const v = x / Math.fround(s.scales[k] as number);
      const [least, most] = s.range.map((bound) => bound - (s.zeros[k] as number)) as [number, number];
      const w = weights[i] as number;
      byInput.push(v > least && v < most ? w : 0);
      byScale[k] = (byScale[k] as number) + w * (v <= least ? least : v >= most ? most : Math.round(v) - v);
    });
    expect(
      byInput.some((v) => v === 0),
      'no value lies outside the range',
    ).toBe(true);
    const largest = Math.max(...byScale.map(Math.abs));
    // v = x/s is exact to a few millionths of the range, which round(v) − v inherits.
    const tolerance = largest * 1e-4 + (s.range[1] - s.range[0]) * 1e-5;
    float32Values(ours['x0'] as Tensor).forEach((g, i) => {
      expect(g).toBeCloseTo(byInput[i] as number, 5);
    });
    float32Values(ours['x1'] as Tensor).forEach((g, k) => {
      expect(Math.abs(g - (byScale[k] as number))).toBeLessThan(tolerance);
    });
  });
});

describe('integers that nothing turns back', () => {
  const x = tensorOf('float32', [4, 12], draws);
  const cases: readonly GradientCase[] = [
    {
      name: 'DynamicQuantizeLinear before DequantizeLinear',
      inputs: [x],
      build: (e, v) => e.op('DequantizeLinear', e.ops('DynamicQuantizeLinear', [v], 3)),
    },
    {
      name: 'DynamicQuantizeLinear before an integer product',
      inputs: [x],
      build: (e, v) => {
        const [q, scale, zero] = e.ops('DynamicQuantizeLinear', [v], 3) as [Value, Value, Value];
        const weight = e.constant(tensorOf('int8', [12, 1], new Array(12).fill(3)));
        const sums = e.op('MatMulInteger', [q, weight, zero]);
        return e.op('Mul', [e.op('Cast', [sums], { to: 1 }), scale]);
      },
    },
    {
      name: 'DynamicQuantizeLinear without its scale',
      inputs: [x],
      build: (e, v) =>
        e.op('Add', [v, e.op('Cast', [e.ops('DynamicQuantizeLinear', [v], 3)[0]!], { to: 1 })]),
    },
    {
      name: 'QuantizeLinear before a Cast',
      inputs: [x],
      build: (e, v) => e.op('Cast', [e.op('QuantizeLinear', [v, 0.1])], { to: 1 }),
    },
  ];

  it.each(cases)('are refused, for no gradient comes back through them ($name)', (c) => {
    expect(() => buildCase(c, true)).toThrow(expect.objectContaining({ code: 'GRADIENT_QUANTIZED' }));
  });

  it('stand in nobody’s way where nothing before them is trained', async () => {
    const c: GradientCase = {
      name: 'fixed',
      inputs: [x, [12]],
      wrt: [1],
      build: (e, fixed, trained) =>
        e.op('Mul', [e.op('DequantizeLinear', e.ops('DynamicQuantizeLinear', [fixed], 3)), trained]),
    };
    expect(float32Values((await gradientsOf(engine, c))['x1'] as Tensor).some((g) => g !== 0)).toBe(true);
  });
});
