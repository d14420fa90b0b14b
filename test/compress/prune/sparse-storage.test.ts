/** Packed sparse weights: the same bits on both runtimes, and fewer bytes than Brotli makes of the zeros. */
import { brotliCompressSync, constants } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { packSparseWeights } from '../../../passes/pack-sparse-weights.ts';
import { cleanUp } from '../../../passes/presets/clean-up.ts';
import { compressModel } from '../../../src/compress/compress.ts';
import { parseRecipe, type RecipeInit } from '../../../src/compress/pipeline/recipe.ts';
import { sparseContent } from '../../../src/compress/prune/sparsity-pack.ts';
import { noStatistics } from '../../../src/compute/calibrate/statistics.ts';
import { buildKernel } from '../../../src/compute/engine/kernel.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import type { DType } from '../../../src/model/ir/dtype.ts';
import { elementCount, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../src/support/random.ts';

const random = createRandom(9);
function sparse(dtype: DType, dims: readonly number[], zero = 0): Tensor {
  const values = Array.from({ length: elementCount(dims) }, () =>
    random.next() < 0.7 ? zero : dtype.startsWith('float') ? random.normal() : zero + 1 + random.integer(90),
  );
  return tensorOf(dtype, dims, values);
}

/** Hands its constants out, so that any change of a bit shows. */
const showing = (tensors: readonly Tensor[]) =>
  buildKernel((b) => {
    const one = b.input('one', 'int64', [1]);
    tensors.forEach((t, i) => {
      const shown = b.op('Gather', [b.constant(t, `w${i}`), one], { axis: 0 });
      b.output(`y${i}`, shown, t.dtype);
    });
  }, 17);

const context = async (runtime: 'wasm' | 'node') => ({
  engine: await openEngine(runtime),
  statistics: noStatistics,
  clean: null,
  target: 'wasm' as const,
  random: createRandom(1),
});

const quality9 = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };

describe('packed weights', () => {
  it.each(['wasm', 'node'] as const)('are the same bits when the model is loaded on %s', async (runtime) => {
    const tensors = [
      sparse('float32', [37, 31]),
      sparse('float32', [40, 9, 3, 3]),
      sparse('float16', [40, 33]),
      sparse('int8', [45, 45]),
      sparse('uint8', [45, 47], 128),
      sparse('uint8', [45, 48]),
    ];
    const dense = showing(tensors);
    const packed = cloneModel(dense);
    const c = await context(runtime);
    // Groups of 2 000: some of one tensor, some of several.
    const o = packSparseWeights.options.parse({ groupElements: 2000, minElements: 100 });
    expect(await packSparseWeights.apply(packed, o, c)).toEqual({ changed: 6, skipped: [] });
    expect(encodeModel(packed).length).toBeLessThan(0.6 * encodeModel(dense).length);
    const run = async (bytes: Uint8Array) => {
      const session = await c.engine.open({ bytes });
      const found = await session.run({ one: tensorOf('int64', [1], [5]) });
      await session.close();
      return Object.fromEntries(Object.entries(found).map(([k, t]) => [k, [...t.bytes()]]));
    };
    expect(await run(encodeModel(packed))).toEqual(await run(encodeModel(dense)));
  });

  it('take at least a twentieth off what Brotli makes of float zeros', async () => {
    const dense = showing([sparse('float32', [160, 160])]);
    const packed = cloneModel(dense);
    await packSparseWeights.apply(packed, packSparseWeights.options.parse({}), await context('node'));
    const [a, b] = [dense, packed].map((m) => brotliCompressSync(encodeModel(m), quality9).length) as [
      number,
      number,
    ];
    expect(b).toBeLessThan(0.95 * a);
  });

  it.each([
    ['pack-sparse-weights', {}],
    ['cluster-weights', { k: 16 }],
  ])('stay as %s left them when a model is cleaned up once more', async (pass, options) => {
    const { engine } = await context('node');
    const matrix = sparse('float32', [64, 64]);
    const dense = buildKernel((b) => {
      const x = b.input('x', 'float32', [1, 64]);
      b.output('y', b.op('MatMul', [x, b.constant(matrix, 'w')]), 'float32', [1, 64]);
    }, 17);
    const recipe = (stages: RecipeInit['stages']) => parseRecipe({ edgepress: 1, name: 'test', stages });
    const stored = await compressModel(dense, {
      engine,
      recipe: recipe([{ name: 'store', passes: [{ pass, options }] }]),
    });
    const again = await compressModel(stored.model, { engine, recipe: recipe([cleanUp]) });
    const [a, b] = [stored, again].map(({ model }) => encodeModel(model).length) as [number, number];
    // Folded, the weights would take 16 kB again.
    expect(b).toBeLessThan(1.1 * a);
  });

  it('keep every element, whatever it is', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 1, maxLength: 70 }), (list) => {
        const { bits, values, common } = sparseContent(tensorOf('uint8', [list.length], list))!;
        let at = 1;
        const back = list.map((_, i) => (bits[i >> 3]! & (1 << (i & 7)) ? values[at++] : values[0]));
        expect(back).toEqual(list);
        expect(common).toBe(list.length - values.length + 1);
      }),
      { seed: 4 },
    );
  });
});
