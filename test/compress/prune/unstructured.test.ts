/** Zeros in weights: how many, which, and what happens to the weights that stay. Oracles are sums written out here. */
import { beforeAll, describe, expect, it } from 'vitest';
import { pruneWeights } from '../../../passes/prune-weights.ts';
import type { PassContext } from '../../../src/compress/pipeline/pass.ts';
import { inverseFactor } from '../../../src/compress/prune/unstructured-compensate.ts';
import { findWeightLayers, sparsityOf } from '../../../src/compress/prune/unstructured-layers.ts';
import { observe } from '../../../src/compute/calibrate/observe.ts';
import { noStatistics } from '../../../src/compute/calibrate/statistics.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { buildKernel, type KernelBuilder } from '../../../src/compute/engine/kernel.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { elementCount, float32Values, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { findValue } from '../../../src/model/ir/walk.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';
import { createRandom } from '../../../src/support/random.ts';
import { runModel } from '../../run-model.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});

const random = createRandom(11);
const normal = (dims: readonly number[]): Tensor =>
  tensorOf(
    'float32',
    dims,
    Float32Array.from({ length: elementCount(dims) }, () => random.normal()),
  );

function modelOf(build: (b: KernelBuilder) => void): Model {
  const model = buildKernel(build, 17);
  inferShapes(model);
  return model;
}

/** Conv 3×3 in two groups, Conv 1×1, Gemm with transB, MatMul. */
const network = (): Model =>
  modelOf((b) => {
    const x = b.input('x', 'float32', [1, 8, 6, 6]);
    const a = b.op('Conv', [x, b.constant(normal([16, 4, 3, 3]), 'grouped')], {
      kernel_shape: [3, 3],
      pads: [1, 1, 1, 1],
      strides: [2, 2],
      group: 2,
    });
    const c = b.op('Conv', [b.op('Relu', [a]), b.constant(normal([12, 16, 1, 1]), 'point')], {
      kernel_shape: [1, 1],
    });
    const flat = b.op('Reshape', [c, b.constant(tensorOf('int64', [2], [1, -1]))]);
    const d = b.op('Gemm', [flat, b.constant(normal([20, 108]), 'gemm')], { transB: 1 });
    b.output('y', b.op('MatMul', [d, b.constant(normal([20, 8]), 'matmul')]), 'float32', [1, 8]);
  });

async function prune(model: Model, options: object, samples?: readonly Record<string, Tensor>[]) {
  const o = pruneWeights.options.parse({ minElements: 1, ...options });
  const context: PassContext = {
    engine,
    statistics: noStatistics,
    clean: null,
    target: 'wasm',
    random: createRandom(1),
  };
  const requests = pruneWeights.observe?.(model, o, context) ?? [];
  const statistics = samples
    ? await observe(engine, model, requests, {
        count: samples.length,
        read: async (i) => ({ id: String(i), inputs: samples[i] as Record<string, Tensor> }),
      })
    : noStatistics;
  const result = await pruneWeights.apply(model, o, { ...context, statistics });
  return result;
}

const weightsOf = (model: Model, name: string) => float32Values(findValue(model, name)!.constant!);
const shareOfZeros = (w: Float32Array) => w.filter((v) => v === 0).length / w.length;
const names = ['grouped', 'point', 'gemm', 'matmul'];

describe('how many weights become zero', () => {
  it.each(['global', 'uniform', 'erk'] as const)('meets the share over all layers (%s)', async (scope) => {
    const model = network();
    await prune(model, { sparsity: 0.7, scope });
    // Each layer's count is rounded to a whole weight.
    expect(sparsityOf(findWeightLayers(model))).toBeCloseTo(0.7, 2);
  });

  it('takes the smallest of all weights when the scope is global', async () => {
    const [dense, model] = [network(), network()];
    for (const name of names) weightsOf(model, name).set(weightsOf(dense, name));
    await prune(model, { sparsity: 0.6, scope: 'global' });
    const gone = names.flatMap((n) =>
      [...weightsOf(model, n)].flatMap((w, i) => (w === 0 ? [Math.abs(weightsOf(dense, n)[i]!)] : [])),
    );
    const kept = names.flatMap((n) => [...weightsOf(model, n)].filter((w) => w !== 0).map(Math.abs));
    expect(Math.max(...gone)).toBeLessThanOrEqual(Math.min(...kept));
  });

  it('takes the same share of every layer when uniform, and less of small ones by ERK', async () => {
    const [uniform, erk] = [network(), network()];
    await prune(uniform, { sparsity: 0.5, scope: 'uniform' });
    for (const name of names) expect(shareOfZeros(weightsOf(uniform, name))).toBeCloseTo(0.5, 2);
    await prune(erk, { sparsity: 0.5, scope: 'erk' });
    expect(shareOfZeros(weightsOf(erk, 'matmul'))).toBeLessThan(shareOfZeros(weightsOf(erk, 'gemm')));
  });

  it('leaves each layer its least share, and takes the rest elsewhere', async () => {
    const model = network();
    const tiny = findValue(model, 'point')!;
    float32Values(tiny.constant!).forEach((_, i, all) => {
      all[i]! *= 1e-3;
    });
    await prune(model, { sparsity: 0.5, leave: 0.25, scope: 'global' });
    expect(shareOfZeros(weightsOf(model, 'point'))).toBeCloseTo(0.75, 2);
    expect(sparsityOf(findWeightLayers(model))).toBeCloseTo(0.5, 2);
  });
});

describe('N:M', () => {
  it('leaves two of every four channels at a place of the kernel, and two of every four inputs', async () => {
    const model = network();
    await prune(model, { pattern: '2:4' });
    const count = (w: Float32Array, at: (i: number) => number) =>
      [0, 1, 2, 3].filter((i) => w[at(i)] !== 0).length;
    const grouped = weightsOf(model, 'grouped');
    for (let o = 0; o < 16; o++)
      for (let p = 0; p < 9; p++) expect(count(grouped, (i) => (o * 4 + i) * 9 + p)).toBe(2);
    const gemm = weightsOf(model, 'gemm');
    for (let o = 0; o < 20; o++)
      for (let k = 0; k < 108; k += 4) expect(count(gemm, (i) => o * 108 + k + i)).toBe(2);
    const matmul = weightsOf(model, 'matmul');
    for (let o = 0; o < 8; o++)
      for (let k = 0; k < 20; k += 4) expect(count(matmul, (i) => (k + i) * 8 + o)).toBe(2);
  });
});

describe('scores from data', () => {
  it('unfolds what a grouped, strided, padded convolution sums over', async () => {
    const model = network();
    const x = normal([1, 8, 6, 6]);
    const layer = findWeightLayers(model)[0]!;
    const request = layer.moments(false)!;
    const found = await observe(engine, model, [request], {
      count: 1,
      read: async () => ({ id: '0', inputs: { x } }),
    });
    const { values, groups, columns } = found.moments!(request)!;
    expect([groups, columns]).toEqual([2, 36]);
    const input = float32Values(x);
    const at = (c: number, row: number, column: number) =>
      row < 0 || column < 0 || row > 5 || column > 5 ? 0 : input[(c * 6 + row) * 6 + column]!;
    const expected = new Float64Array(2 * 36 * 36);
    for (let g = 0; g < 2; g++)
      for (let i = 0; i < 3; i++)
        for (let j = 0; j < 3; j++) {
          const patch = Array.from({ length: 36 }, (_, k) => {
            const [c, p] = [Math.floor(k / 9), k % 9];
            return at(g * 4 + c, 2 * i - 1 + Math.floor(p / 3), 2 * j - 1 + (p % 3));
          });
          patch.forEach((a, r) => {
            patch.forEach((b, c) => {
              expected[(g * 36 + r) * 36 + c]! += (a * b) / 9;
            });
          });
        }
    // Sums of nine products of numbers of order one in float32.
    expect(Math.max(...expected.map((e, i) => Math.abs(e - values[i]!)))).toBeLessThan(1e-5);
  });

  it('keeps, of each output, the weights with the largest magnitude times activation (Wanda)', async () => {
    const scales = [10, 0.1, 1, 5, 0.01, 2, 3, 0.5];
    const w = normal([8, 3]);
    const model = modelOf((b) => {
      const x = b.input('x', 'float32', [2, 8]);
      b.output('y', b.op('MatMul', [x, b.constant(w, 'w')]), 'float32', [2, 3]);
    });
    const samples = [0, 1, 2].map(() => {
      const x = float32Values(normal([2, 8])).map((v, i) => v * scales[i % 8]!);
      return { x: tensorOf('float32', [2, 8], x) };
    });
    const before = float32Values(w).slice();
    await prune(model, { sparsity: 0.5, score: 'wanda' }, samples);
    const norm = (k: number) =>
      Math.sqrt(
        samples
          .flatMap(({ x }) => [float32Values(x)[k]!, float32Values(x)[8 + k]!])
          .reduce((n, v) => n + v * v, 0),
      );
    for (let o = 0; o < 3; o++) {
      const ranked = [0, 1, 2, 3, 4, 5, 6, 7].sort(
        (a, b) => Math.abs(before[b * 3 + o]!) * norm(b) - Math.abs(before[a * 3 + o]!) * norm(a),
      );
      const kept = [0, 1, 2, 3, 4, 5, 6, 7].filter((k) => weightsOf(model, 'w')[k * 3 + o] !== 0);
      expect(kept).toEqual(ranked.slice(0, 4).sort());
    }
  });
});

describe('weights that make up for those that go', () => {
  it('factors the inverse: H · UᵀU is the identity', () => {
    const n = 7;
    const a = Float64Array.from({ length: 3 * n * n }, () => random.normal());
    const h = new Float64Array(n * n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++)
        for (let k = 0; k < 3 * n; k++) h[i * n + j]! += a[k * n + i]! * a[k * n + j]!;
    const u = inverseFactor(h.slice(), n, 0);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let k = 0; k < n; k++)
          for (let l = 0; l < n; l++) sum += h[i * n + k]! * u[l * n + k]! * u[l * n + j]!;
        expect(sum).toBeCloseTo(i === j ? 1 : 0, 9);
      }
  });

  /** Inputs that depend on one another, as activations do: with independent ones there is nothing to make up. */
  const correlated = (count: number, width: number) => {
    const mix = float32Values(normal([6, width]));
    return Array.from({ length: count }, () => {
      const x = new Float32Array(8 * width);
      for (let r = 0; r < 8; r++) {
        const z = float32Values(normal([6]));
        for (let c = 0; c < width; c++)
          x[r * width + c] = z.reduce((n, v, k) => n + v * mix[k * width + c]!, 0.3 * random.normal());
      }
      return { x: tensorOf('float32', [8, width], x) };
    });
  };

  it.each([{ sparsity: 0.6 }, { pattern: '2:4' }])(
    'changes outputs less than half as much as magnitude alone does: %o',
    async (target) => {
      const w = normal([48, 16]);
      const dense = modelOf((b) => {
        const x = b.input('x', 'float32', [8, 48]);
        b.output('y', b.op('MatMul', [x, b.constant(w, 'w')]), 'float32', [8, 16]);
      });
      const samples = correlated(24, 48);
      const lost = async (score: string) => {
        const model = cloneModel(dense);
        await prune(model, { ...target, score, scope: 'uniform', block: 16 }, samples);
        if ('sparsity' in target) expect(shareOfZeros(weightsOf(model, 'w'))).toBeCloseTo(0.6, 2);
        else expect(shareOfZeros(weightsOf(model, 'w'))).toBe(0.5);
        let error = 0;
        for (const feeds of samples) {
          const a = float32Values((await runModel(engine, dense, feeds))['y']!);
          const b = float32Values((await runModel(engine, model, feeds))['y']!);
          error += a.reduce((n, v, i) => n + (v - b[i]!) ** 2, 0);
        }
        return error;
      };
      expect(await lost('sparsegpt')).toBeLessThan(0.5 * (await lost('magnitude')));
    },
  );

  it('handles every kind of layer, and says where magnitude had to do', async () => {
    const model = network();
    const samples = [0, 1, 2].map(() => ({ x: normal([1, 8, 6, 6]) }));
    const options = { sparsity: 0.5, score: 'sparsegpt', scope: 'uniform', maxColumns: 100 };
    const { skipped } = await prune(model, options, samples);
    expect(skipped).toEqual([{ at: 'gemm', reason: 'scored-by-magnitude: Gemm' }]);
    for (const name of names) expect(shareOfZeros(weightsOf(model, name))).toBeCloseTo(0.5, 1);
  });
});

it.each(['5:4', '0:4', '2:64', 'two of four'])('refuses the pattern %s', async (pattern) => {
  await expect(prune(network(), { pattern })).rejects.toMatchObject({ code: 'SPARSITY_PATTERN' });
});
