/** Transformers as onnxruntime's transformer optimiser writes them (EmbedLayerNormalization, Attention, BiasGelu,
 *  SkipLayerNormalization), with seeded weights: what is taken apart computes the same, and no table stays in float. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../../src/compress/compress.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { setConstant } from '../../../src/model/ir/edit.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { elementCount, tensorOf } from '../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../src/support/random.ts';
import { largestDifference, runModel, seededFeeds } from '../../run-model.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});

const width = 64;

/** The model with normal weights in place of the zeros of the text: deviation 0.1, vectors around 1. */
function withWeights(text: string, shapes: Readonly<Record<string, readonly number[]>>): Model {
  const declared = Object.keys(shapes).map((name) => `float[1] ${name} = {0}`);
  const model = parseModel(text.replace('WEIGHTS', declared.join(', ')));
  const random = createRandom(5);
  for (const value of model.graph.initializers) {
    const dims = shapes[value.name]!;
    const offset = dims.length === 1 && !value.name.startsWith('b') ? 1 : 0;
    const values = Float32Array.from({ length: elementCount(dims) }, () => offset + random.normal() * 0.1);
    setConstant(value, tensorOf('float32', dims, values));
  }
  return model;
}

const bert = () =>
  withWeights(
    `<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>
    g (int32[B,S] ids, int32[B,S] kinds, int32[B,S] mask) => (float[B,S,${width}] y) <WEIGHTS>
    {
      x, ends = com.microsoft.EmbedLayerNormalization <epsilon = 0.00001>
        (ids, kinds, words, places, segments, scale0, bias0, mask)
      a = com.microsoft.Attention <num_heads = 4> (x, qkv, bqkv, ends)
      o = MatMul (a, out)
      s = com.microsoft.SkipLayerNormalization <epsilon = 0.00001> (o, x, scale1, bias1, bout)
      u = MatMul (s, up)
      h = com.microsoft.BiasGelu (u, bup)
      d = MatMul (h, down)
      y = com.microsoft.SkipLayerNormalization <epsilon = 0.00001> (d, s, scale2, bias2, bdown)
    }`,
    {
      words: [200, width],
      places: [32, width],
      segments: [2, width],
      ...Object.fromEntries(
        ['scale0', 'bias0', 'scale1', 'bias1', 'scale2', 'bias2'].map((n) => [n, [width]]),
      ),
      qkv: [width, 3 * width],
      bqkv: [3 * width],
      out: [width, width],
      bout: [width],
      up: [width, 4 * width],
      bup: [4 * width],
      down: [4 * width, width],
      bdown: [width],
    },
  );

const gpt = () =>
  withWeights(
    `<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>
    g (float[B,S,${width}] x, float[2,B,4,P,16] past) => (float[B,S,${width}] y, float[2,B,4,T,16] present) <WEIGHTS>
    {
      a, present = com.microsoft.Attention <num_heads = 4, unidirectional = 1> (x, qkv, bqkv, , past)
      f = com.microsoft.FusedMatMul <alpha = 0.5, transB = 1> (a, up)
      h = com.microsoft.FastGelu (f, bup)
      y = MatMul (h, down)
    }`,
    {
      qkv: [width, 3 * width],
      bqkv: [3 * width],
      up: [4 * width, width],
      bup: [4 * width],
      down: [4 * width, width],
    },
  );

describe.each([
  ['an encoder', bert, {}],
  ['a decoder with a cache', gpt, { P: 3 }],
] as const)('%s of fused operators', (_, make, dims) => {
  it.each(['int8-dynamic', 'q4'] as const)(
    'loses nothing by being taken apart, and all its tables by %s',
    async (name) => {
      const model = make();
      const { clean, model: small, journal } = await compressModel(model, { recipe: preset(name), engine });
      expect(journal.skips.filter((s) => s.pass === 'decompose-fused')).toEqual([]);
      const feeds = seededFeeds(model, 3, { dims: { B: 2, S: 7, ...dims }, integers: 2 });
      const [before, after] = [await runModel(engine, model, feeds), await runModel(engine, clean, feeds)];
      // float32 sums in another order.
      for (const [output, tensor] of Object.entries(before))
        expect(largestDifference(tensor, after[output]!).difference, output).toBeLessThan(1e-4);
      expect(encodeModel(small).length).toBeLessThan(0.36 * encodeModel(model).length);
      await runModel(engine, small, feeds);
    },
  );
});
