/** Palettes: exact with enough values, close to the best there is with fewer, and folded away when a model is loaded. */
import { describe, expect, it } from 'vitest';
import { clusterWeights } from '../../../passes/cluster-weights.ts';
import { makePalette } from '../../../src/compress/prune/palette.ts';
import { noStatistics } from '../../../src/compute/calibrate/statistics.ts';
import { buildKernel } from '../../../src/compute/engine/kernel.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { float32Values, tensorOf } from '../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../src/support/random.ts';

const random = createRandom(3);
const normal = (count: number) => Float32Array.from({ length: count }, () => random.normal());
const restored = ({ values, indices }: { values: Float32Array; indices: Uint8Array }) =>
  Float32Array.from(indices, (i) => values[i]!);

describe('a palette', () => {
  it('is exact when there are no more different weights than values', () => {
    const few = Float32Array.from({ length: 4000 }, () => Math.fround(random.integer(200) / 7 - 10));
    const palette = makePalette(few, 256);
    expect(restored(palette)).toEqual(few);
    expect(palette.error).toBe(0);
  });

  it('comes within 1 % of the least error of normal weights', () => {
    // Least squared errors of 4, 8 and 16 levels for a normal distribution: Max 1960, table I.
    const best = { 4: 0.1175, 8: 0.03454, 16: 0.009497 };
    const weights = normal(100_000);
    for (const [k, expected] of Object.entries(best)) {
      const { error } = makePalette(weights, Number(k), false);
      expect(error ** 2 / expected).toBeGreaterThan(0.97);
      expect(error ** 2 / expected).toBeLessThan(1.01);
    }
  });

  it('puts every weight to the nearest value', () => {
    const weights = normal(500);
    const { values, indices } = makePalette(weights, 9);
    weights.forEach((w, i) => {
      const distances = [...values].map((v) => Math.abs(v - w));
      expect(distances[indices[i]!]).toBe(Math.min(...distances));
    });
  });

  it('keeps zeros of pruning zero, and only those', () => {
    const weights = normal(2000).map((w) => (Math.abs(w) < 0.7 ? 0 : w));
    const back = restored(makePalette(weights, 8));
    weights.forEach((w, i) => {
      expect(back[i] === 0).toBe(w === 0);
    });
  });
});

it.each(['wasm', 'node'] as const)('gives the same outputs as its float weights on %s', async (runtime) => {
  const weights = normal(64 * 32).map((w) => Math.fround(Math.round(w * 3) / 3));
  const dense = buildKernel((b) => {
    const x = b.input('x', 'float32', [2, 64]);
    const w = b.constant(tensorOf('float32', [64, 32], weights), 'w');
    b.output('y', b.op('MatMul', [x, w]), 'float32', [2, 32]);
  });
  const model = cloneModel(dense);
  const engine = await openEngine(runtime);
  const context = {
    engine,
    statistics: noStatistics,
    clean: null,
    target: 'wasm' as const,
    random: createRandom(1),
  };
  for (const k of [32, 16]) {
    const copy = cloneModel(model);
    const { changed } = await clusterWeights.apply(copy, clusterWeights.options.parse({ k }), context);
    expect(changed).toBe(1);
    const run = async (bytes: Uint8Array) => {
      const session = await engine.open({ bytes }, { threads: 1 });
      const { y } = await session.run({ x: tensorOf('float32', [2, 64], normal64) });
      await session.close();
      return float32Values(y!).slice();
    };
    const plain = cloneModel(dense);
    if (k === 16) {
      const { values, indices } = makePalette(weights, k);
      [...plain.graph.initializers]
        .filter((v) => v.name === 'w')
        .forEach((v) => {
          float32Values(v.constant!).set(Float32Array.from(indices, (i) => values[i]!));
        });
    }
    expect(await run(encodeModel(copy))).toEqual(await run(encodeModel(plain)));
  }
});

const normal64 = normal(128);
