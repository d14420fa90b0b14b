/** Tensors without elements, wherever a graph may have them: every preset, and pruning, gives what onnxruntime computes of the original. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../../src/compress/compress.ts';
import { pruneModel } from '../../../src/compress/prune/prune.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { shapeOf } from '../../../src/model/ir/model.ts';
import { numbers } from '../../../src/model/ir/tensor.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';
import { largestDifference, normalTensor, runModel, seededFeeds } from '../../run-model.ts';

const weight = `float[32,32] W = {${numbers(normalTensor([32, 32], 1)).join()}}`;
const kernel = `float[16,16,3,3] K = {${numbers(normalTensor([16, 16, 3, 3], 2)).join()}}`;

/** A graph around z = x·W [2,32]. */
const products: Readonly<Record<string, readonly [constants: string, body: string]>> = {
  'an initializer joined to rows': ['float[0,32] e = {}', 'y = Concat <axis = 0> (z, e)'],
  'a weight without columns': ['float[32,0] E = {}', 'p = MatMul (z, E)  y = Concat <axis = 1> (z, p)'],
  'a sum over nothing': [
    'float[32,0] L = {}, float[0,32] R = {}',
    'p = MatMul (z, L)  q = MatMul (p, R)  y = Add (z, q)',
  ],
  'constants whose product sums over nothing': [
    'float[2,0] L = {}, float[0,32] R = {}',
    'q = MatMul (L, R)  y = Add (z, q)',
  ],
  'Gemm over nothing': [
    'float[32,0] L = {}, float[0,32] R = {}, float[1] b = {3}',
    'p = MatMul (z, L)  q = Gemm (p, R, b)  y = Add (z, q)',
  ],
  'a weight taken by no index': ['int64[0] i = {}', 'g = Gather (W, i)  y = Concat <axis = 0> (z, g)'],
  'a table without rows': [
    'float[0,32] T = {}, int64[0] i = {}',
    'g = Gather (T, i)  y = Concat <axis = 0> (z, g)',
  ],
  'a Slice of nothing': [
    'int64[1] s = {4}, int64[1] a = {1}',
    'g = Slice (z, s, s, a)  y = Concat <axis = 1> (g, z)',
  ],
  'a Split with an empty part': [
    'int64[2] s = {0, 32}',
    'p, q = Split <axis = 1> (z, s)  y = Concat <axis = 1> (q, p)',
  ],
  'a weight in blocks, one of them empty': [
    'int64[3] s = {16, 0, 16}',
    'a, b, c = Split <axis = 1> (W, s)  p = MatMul (x, b)  q = MatMul (x, a)  y = Concat <axis = 1> (p, q)',
  ],
  'no repetition': ['int64[2] s = {1, 0}', 'g = Tile (z, s)  y = Concat <axis = 1> (z, g)'],
  'a shape of no size': ['int64[2] s = {0, 32}', 'c = ConstantOfShape (s)  y = Concat <axis = 0> (z, c)'],
  'a shape of no axis': [
    'int64[0] s = {}',
    'c = ConstantOfShape <value = float[1] {2.5}> (s)  y = Add (z, c)',
  ],
  'an Expand to no axis': ['int64[0] s = {}', 'y = Expand (z, s)'],
  'no axis to slice': ['int64[0] s = {}', 'y = Slice (z, s, s, s)'],
  'no axis to squeeze, so all of 1': [
    'int64[0] s = {}, int64[1] u = {0}',
    'g = Unsqueeze (z, u)  y = Squeeze (g, s)',
  ],
  'no axis to reduce, so all': ['int64[0] s = {}', 'y = ReduceSum (z, s)'],
  'no axis to reduce, so none': ['int64[0] s = {}', 'y = ReduceSum <noop_with_empty_axes = 1> (z, s)'],
  'an empty range': [
    'int64 o = {0}, int64 d = {1}',
    'i = Range (o, o, d)  g = Gather (z, i)  y = Concat <axis = 0> (z, g)',
  ],
  'a mask that finds nothing': [
    'float[3] s = {0, 0, 0}, int64[2] a = {0, 1}',
    'n = NonZero (s)  f = Cast <to = 1> (n)  t = ReduceSum (f, a)  y = Add (z, t)',
  ],
  'updates of nothing': ['int64[0,2] i = {}, float[0] u = {}', 'y = ScatterND (z, i, u)'],
  'a choice among nothing': [
    'bool[0] c = {}, float[1] p = {1}, float[1] q = {2}',
    'e = Where (c, p, q)  s = ReduceSum (e)  y = Add (z, s)',
  ],
  'an int8 weight without columns': [
    'int8[32,0] Q = {}, float s = {0.5}',
    'd = DequantizeLinear (Q, s)  p = MatMul (z, d)  y = Concat <axis = 1> (z, p)',
  ],
  'a scale of nothing': [
    'float[32,0] L = {}, float[0] g = {}',
    'p = MatMul (z, L)  n = Mul (p, g)  y = Concat <axis = 1> (z, n)',
  ],
};

/** A graph around z = x∗K [1,16,4,4]. */
const pictures: typeof products = {
  'channels that are none': ['float[1,0,4,4] E = {}', 'c = Concat <axis = 1> (z, E)  y = Relu (c)'],
  'roi and scales that say nothing': [
    'float[0] n = {}, int64[4] s = {1,16,8,8}',
    'y = Resize <mode = "linear"> (z, n, n, s)',
  ],
  'a roi that says nothing': ['float[0] n = {}, float[4] s = {1,1,2,2}', 'y = Resize (z, n, s)'],
};

/** Shares of the largest magnitude that a preset may be off by: none in exact ones, half a step of the stored weights, times
 *  the root of the 32 (144) terms of a sum, through one or two products. */
const presets = { clean: 1e-5, float16: 0.005, 'int8-weights': 0.03, 'int8-dynamic': 0.05, q4: 0.4 } as const;

describe('tensors without elements', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine('node');
  });

  const models = [
    ...Object.entries(products).map(([name, [constants, body]]) => ({
      name,
      text: `g (float[2,32] x) => (float[] y) <${weight}, ${constants}> { z = MatMul (x, W)  ${body} }`,
    })),
    ...Object.entries(pictures).map(([name, [constants, body]]) => ({
      name,
      text: `g (float[1,16,4,4] x) => (float[] y) <${kernel}, ${constants}> { z = Conv <pads = [1,1,1,1]> (x, K)  ${body} }`,
    })),
  ];
  for (const { name, text } of models) {
    const original = () => parseModel(`<ir_version: 8, opset_import: ["" : 17]> ${text}`, name);

    it.each(Object.entries(presets))(`${name}, under %s`, async (recipe, most) => {
      const feeds = seededFeeds(original(), 3);
      const { y: expected } = await runModel(engine, original(), feeds);
      const made = await compressModel(original(), {
        recipe: preset(recipe as keyof typeof presets),
        engine,
      });
      const { y: found } = await runModel(engine, made.model, feeds);
      const { difference, magnitude } = largestDifference(expected!, found!);
      expect(difference).toBeLessThanOrEqual(most * magnitude);
    });

    it(`${name}: its inferred sizes`, async () => {
      const model = original();
      const { y } = await runModel(engine, model, seededFeeds(model, 3));
      inferShapes(model);
      const sizes = shapeOf(model.graph.outputs[0])!.map((d, axis) =>
        typeof d === 'number' ? d : y!.dims[axis],
      );
      expect(sizes).toEqual(y!.dims);
    });

    it(`${name}, pruned`, async () => {
      const model = original();
      pruneModel(model, { ratio: 0.5, bestEffort: true });
      verifyModel(model);
      const feeds = seededFeeds(original(), 3);
      const [{ y: expected }, { y: found }] = [
        await runModel(engine, original(), feeds),
        await runModel(engine, model, feeds),
      ];
      expect(found!.dims).toEqual(expected!.dims);
    });
  }
});
