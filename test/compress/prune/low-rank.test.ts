/** Low rank: exact at full rank, the best there is below it, and better for outputs when data is known. */
import { beforeAll, describe, expect, it } from 'vitest';
import { factorizeWeights } from '../../../passes/factorize-weights.ts';
import { createFactorizer, errorAt, rankAt } from '../../../src/compress/prune/low-rank.ts';
import { observe } from '../../../src/compute/calibrate/observe.ts';
import { noStatistics } from '../../../src/compute/calibrate/statistics.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { buildKernel } from '../../../src/compute/engine/kernel.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { elementCount, float32Values, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { modelMacs } from '../../../src/model/ops/cost.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';
import { createRandom } from '../../../src/support/random.ts';
import { runModel } from '../../run-model.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});

const random = createRandom(5);
const normal = (dims: readonly number[]): Tensor =>
  tensorOf(
    'float32',
    dims,
    Float32Array.from({ length: elementCount(dims) }, () => random.normal()),
  );

function product(a: Tensor, b: Tensor): Float64Array {
  const [[m, k], [, n]] = [a.dims, b.dims] as [[number, number], [number, number]];
  const [x, y] = [float32Values(a), float32Values(b)];
  const values = new Float64Array(m * n);
  for (let i = 0; i < m; i++)
    for (let j = 0; j < n; j++)
      for (let l = 0; l < k; l++) values[i * n + j]! += x[i * k + l]! * y[l * n + j]!;
  return values;
}

const norm = (v: ArrayLike<number>) => Math.sqrt(Array.from(v).reduce((n, x) => n + x * x, 0));
const minus = (a: ArrayLike<number>, b: ArrayLike<number>) => Array.from(a, (x, i) => x - b[i]!);

/** Second moments of inputs that live mostly in few directions. */
function skewed(k: number): { inputs: Tensor; moments: Float32Array } {
  const x = new Float32Array(200 * k);
  const mix = float32Values(normal([4, k]));
  for (let r = 0; r < 200; r++) {
    const z = float32Values(normal([4]));
    for (let c = 0; c < k; c++)
      x[r * k + c] = z.reduce((n, v, i) => n + v * mix[i * k + c]!, 0.2 * random.normal());
  }
  const h = new Float32Array(k * k);
  for (let i = 0; i < k; i++)
    for (let j = 0; j < k; j++)
      for (let r = 0; r < 200; r++) h[i * k + j]! += (x[r * k + i]! * x[r * k + j]!) / 200;
  return { inputs: tensorOf('float32', [200, k], x), moments: h };
}

describe('two thin matrices', () => {
  it.each([
    [24, 10],
    [10, 24],
  ])('give a %i×%i matrix back at full rank, with data or without', async (k, n) => {
    const w = normal([k, n]);
    const { moments } = skewed(k);
    const factorizer = createFactorizer(engine);
    for (const h of [null, moments]) {
      const { a, b } = await (await factorizer.factorize(w, h)).atRank(Math.min(k, n));
      // Factors are stored in float32: a relative rounding of 6e-8 for each of at most ten terms.
      expect(norm(minus(product(a, b), float32Values(w))) / norm(float32Values(w))).toBeLessThan(2e-6);
    }
    await factorizer.close();
  });

  it('lose what the eigenvalues left out say, in the weights without data', async () => {
    const w = normal([16, 24]);
    const factorizer = createFactorizer(engine);
    const found = await factorizer.factorize(w, null);
    const total = norm(float32Values(w));
    expect(Math.sqrt(found.eigenvalues.reduce((x, y) => x + y, 0))).toBeCloseTo(total, 4);
    for (const rank of [3, 8, 12]) {
      const { a, b } = await found.atRank(rank);
      const lost = norm(minus(product(a, b), float32Values(w))) / total;
      expect(lost).toBeCloseTo(errorAt(found.eigenvalues, rank), 5);
    }
    await factorizer.close();
  });

  it.each([
    [24, 10],
    [10, 24],
  ])('lose less of the outputs of a %i×%i matrix when the data is known', async (k, n) => {
    const w = normal([k, n]);
    const { inputs, moments } = skewed(k);
    const factorizer = createFactorizer(engine);
    const outputs = product(inputs, w);
    const lost = async (h: Float32Array | null) => {
      const found = await factorizer.factorize(w, h);
      const { a, b } = await found.atRank(4);
      const whole = tensorOf('float32', [k, n], Float32Array.from(product(a, b)));
      const error = norm(minus(product(inputs, whole), outputs)) / norm(outputs);
      // The damping of a thousandth of the mean shows in the third digit.
      if (h) expect(error).toBeCloseTo(errorAt(found.eigenvalues, 4), 2);
      return error;
    };
    expect(await lost(moments)).toBeLessThan(0.6 * (await lost(null)));
    await factorizer.close();
  });

  it('choose the least rank that keeps the energy', () => {
    const values = Float64Array.from([6, 3, 0.9, 0.1]);
    expect([0.5, 0.6, 0.9, 0.95, 0.99, 1].map((e) => rankAt(values, e))).toEqual([1, 1, 2, 3, 3, 4]);
  });
});

describe('factorize-weights', () => {
  const network = (): Model => {
    const model = buildKernel((b) => {
      const x = b.input('x', 'float32', [1, 32, 5, 5]);
      const conv = b.op(
        'Conv',
        [x, b.constant(normal([48, 32, 1, 1]), 'point'), b.constant(normal([48]), 'bias')],
        { kernel_shape: [1, 1], strides: [2, 2] },
      );
      const flat = b.op('Reshape', [conv, b.constant(tensorOf('int64', [2], [9, 48]))]);
      const gemm = b.op('Gemm', [flat, b.constant(normal([40, 48]), 'gemm'), b.constant(normal([40]), 'c')], {
        transB: 1,
        alpha: 0.5,
      });
      b.output('y', b.op('MatMul', [gemm, b.constant(normal([40, 64]), 'matmul')]), 'float32', [9, 64]);
    }, 17);
    inferShapes(model);
    return model;
  };

  async function factorize(model: Model, options: object, samples: readonly Record<string, Tensor>[]) {
    const o = factorizeWeights.options.parse({ minElements: 1, ...options });
    const context = {
      engine,
      statistics: noStatistics,
      clean: null,
      target: 'wasm' as const,
      random: createRandom(1),
    };
    const requests = factorizeWeights.observe?.(model, o, context) ?? [];
    const statistics = await observe(engine, model, requests, {
      count: samples.length,
      read: async (i) => ({ id: String(i), inputs: samples[i] as Record<string, Tensor> }),
    });
    return factorizeWeights.apply(model, o, { ...context, statistics });
  }

  const samples = () => Array.from({ length: 8 }, () => ({ x: normal([1, 32, 5, 5]) }));

  it('answers as before where the rank is full', async () => {
    const model = network();
    const dense = cloneModel(model);
    const { changed } = await factorize(model, { rank: 1000, maxCost: 1 }, samples());
    expect(changed).toBe(0);
    const feeds = { x: normal([1, 32, 5, 5]) };
    // Nothing pays at full rank; forced to 32 of 32 channels, the 1×1 convolution is still exact.
    const all = factorizeWeights.options.parse({ rank: 32, minElements: 1, data: false, include: ['Conv'] });
    await factorizeWeights.apply(
      model,
      { ...all, maxCost: 2 },
      { engine, statistics: noStatistics, clean: null, target: 'wasm', random: createRandom(1) },
    );
    expect(model.graph.nodes.filter((n) => n.opType === 'Conv')).toHaveLength(2);
    const [a, b] = [await runModel(engine, dense, feeds), await runModel(engine, model, feeds)];
    const values = [a, b].map((o) => float32Values(o['y']!)) as [Float32Array, Float32Array];
    // Sums of thousands of products in float32.
    expect(norm(minus(...values)) / norm(values[0])).toBeLessThan(1e-5);
  });

  it('reaches a target of multiplications over all layers', async () => {
    const model = network();
    inferShapes(model);
    const before = modelMacs(model).macs;
    const { changed } = await factorize(model, { target: 0.5 }, samples());
    inferShapes(model);
    expect(changed).toBe(3);
    const share = modelMacs(model).macs / before;
    // Ranks are whole numbers: one of the convolution's costs a hundredth of all.
    expect(share).toBeLessThanOrEqual(0.51);
    expect(share).toBeGreaterThan(0.4);
  });

  it('refuses two goals at once', async () => {
    const o = factorizeWeights.options.parse({ rank: 2, error: 0.1 });
    expect(() =>
      factorizeWeights.requires?.(network(), o, {
        engine,
        statistics: noStatistics,
        clean: null,
        target: 'wasm',
        random: createRandom(1),
      }),
    ).toThrow(expect.objectContaining({ code: 'LOW_RANK_TARGET' }));
  });
});
