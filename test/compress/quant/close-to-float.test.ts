/** Each lossy pass on each op it knows, in every form: what comes out is close to what float gives. Fixtures show that
 *  the graph is the one that was meant; the runtimes say here that it means the same. */
import { beforeAll, describe, expect, it } from 'vitest';
import { loadPasses } from '../../../src/compress/compress.ts';
import type { Pass } from '../../../src/compress/pipeline/pass.ts';
import { parseRecipe } from '../../../src/compress/pipeline/recipe.ts';
import { runRecipe } from '../../../src/compress/pipeline/run.ts';
import { observe } from '../../../src/compute/calibrate/observe.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { createComparer } from '../../../src/judge/analyze/compare.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { addInitializer, createValue, removeInput, replaceAllUses } from '../../../src/model/ir/edit.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { elementCount, tensorOf } from '../../../src/model/ir/tensor.ts';
import { isStatic, tensorType } from '../../../src/model/ir/type.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';
import { createRandom } from '../../../src/support/random.ts';
import { seededFeeds } from '../../run-model.ts';
import { saturatesSums } from '../../saturating-sums.ts';

const passes = await loadPasses();

/** A graph whose inputs with a capital letter become constants of seeded normal numbers. */
function network(signature: string, body: string): Model {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>\ng (${signature}) {\n${body}\n}`);
  const random = createRandom(21);
  for (const input of [...model.graph.inputs]) {
    if (!/^[A-Z]/.test(input.name) || input.type?.kind !== 'tensor' || !isStatic(input.type.shape)) continue;
    const dims = input.type.shape;
    const values = Array.from({ length: elementCount(dims) }, () => random.normal() / 2);
    const constant = createValue(model.graph.names, `${input.name}.value`, tensorType('float32', dims), true);
    addInitializer(model.graph, constant, tensorOf('float32', dims, values));
    replaceAllUses(input, constant);
    removeInput(model.graph, input);
  }
  inferShapes(model);
  return model;
}

const cases: readonly [name: string, signature: string, body: string][] = [
  [
    'Conv with bias, stride and dilation',
    'float[2,3,9,9] x, float[8,3,3,3] W, float[8] B) => (float[2,8,?,?] y',
    'y = Conv <strides = [2, 2], dilations = [2, 2], pads = [1, 1, 1, 1]> (x, W, B)',
  ],
  [
    'Conv over one axis',
    'float[1,4,20] x, float[6,4,5] W, float[6] B) => (float[1,6,?] y',
    'y = Conv (x, W, B)',
  ],
  ['grouped Conv', 'float[1,4,6,6] x, float[8,2,3,3] W) => (float[1,8,?,?] y', 'y = Conv <group = 2> (x, W)'],
  [
    'Conv with SAME_UPPER padding',
    'float[1,3,7,7] x, float[4,3,3,3] W, float[4] B) => (float[1,4,?,?] y',
    'y = Conv <auto_pad = "SAME_UPPER", strides = [2, 2]> (x, W, B)',
  ],
  [
    'residual block',
    'float[1,4,6,6] x, float[4,4,3,3] W, float[4] B, float[4,4,3,3] V) => (float[1,4,6,6] y',
    `a = Conv <pads = [1, 1, 1, 1]> (x, W, B)
     r = Relu (a)
     b = Conv <pads = [1, 1, 1, 1]> (r, V)
     s = Add (b, r)
     t = Relu (s)
     y = Conv <pads = [1, 1, 1, 1]> (t, V)`,
  ],
  [
    'pools and Concat',
    'float[1,4,8,8] x, float[4,4,1,1] W, float[4,4,1,1] V, float[4,8,1,1] U) => (float[1,4,?,?] y',
    `a = Conv (x, W)
     r = Relu (a)
     p = MaxPool <kernel_shape = [2, 2], strides = [2, 2]> (r)
     b = Conv (x, V)
     q = AveragePool <kernel_shape = [2, 2], strides = [2, 2]> (b)
     c = Concat <axis = 1> (p, q)
     y = Conv (c, U)`,
  ],
  [
    'transposed Conv in groups',
    'float[1,4,5,5] x, float[4,3,3,3] W, float[6] B) => (float[1,6,?,?] y',
    'y = ConvTranspose <group = 2, strides = [2, 2]> (x, W, B)',
  ],
  ['MatMul', 'float[3,5,16] x, float[16,8] W) => (float[3,5,8] y', 'y = MatMul (x, W)'],
  ['MatMul of a vector', 'float[16] x, float[16,8] W) => (float[8] y', 'y = MatMul (x, W)'],
  [
    'MatMul with a batch of weights',
    'float[3,5,16] x, float[3,16,8] W) => (float[3,5,8] y',
    'y = MatMul (x, W)',
  ],
  [
    'two MatMuls',
    'float[4,16] x, float[16,16] W, float[16,8] V) => (float[4,8] y',
    'h = MatMul (x, W)\ny = MatMul (h, V)',
  ],
  [
    'Gemm with everything',
    'float[4,16] x, float[8,16] W, float[8] B) => (float[4,8] y',
    'y = Gemm <transB = 1, alpha = 0.5, beta = 2.0> (x, W, B)',
  ],
  [
    'Gemm with a bias a row',
    'float[4,16] x, float[16,8] W, float[4,1] B) => (float[4,8] y',
    'y = Gemm (x, W, B)',
  ],
  [
    'square Gemm with a bias a row',
    'float[8,16] x, float[16,8] W, float[8,1] B) => (float[8,8] y',
    'y = Gemm (x, W, B)',
  ],
  [
    'Gemms with Relu between',
    'float[4,16] x, float[8,16] W, float[8] B, float[8,3] V, float[3] C) => (float[4,3] y',
    'h = Gemm <transB = 1> (x, W, B)\nr = Relu (h)\ny = Gemm (r, V, C)',
  ],
  [
    'one weight both ways round',
    'float[4,8] x, float[8,8] W) => (float[4,8] y',
    'h = Gemm (x, W)\ny = Gemm <transB = 1> (h, W)',
  ],
  [
    'LSTM both ways',
    'float[5,2,6] x, float[2,16,6] W, float[2,16,4] R, float[2,32] B) => (float[5,2,2,4] y, float[2,2,4] h',
    'y, h = LSTM <hidden_size = 4, direction = "bidirectional"> (x, W, R, B)',
  ],
  [
    'GRU',
    'float[5,2,6] x, float[1,12,6] W, float[1,12,4] R, float[1,24] B) => (float[5,1,2,4] y',
    'y = GRU <hidden_size = 4, linear_before_reset = 1> (x, W, R, B)',
  ],
  [
    'embedding with indices of two axes',
    'int64[2,3] ids, float[7,16] T) => (float[2,3,16] y',
    'y = Gather (T, ids)',
  ],
  [
    'embedding tied to the last layer',
    'int64[3] ids, float[7,16] T) => (float[3,7] y',
    'e = Gather (T, ids)\ny = Gemm <transB = 1> (e, T)',
  ],
  [
    'branches',
    'float[4,16] x, bool flag, float[16,8] W, float[16,8] V) => (float[4,8] y',
    `y = If (flag) <
       then_branch = yes () => (float[4,8] t) { t = MatMul (x, W) },
       else_branch = no () => (float[4,8] e) { e = MatMul (x, V) }
     >`,
  ],
];

const recipes = {
  'static, asymmetric': [{ pass: 'quantize-static', options: { everywhere: true } }],
  'static, symmetric, one scale a weight': [
    { pass: 'quantize-static', options: { everywhere: true, symmetric: true, perChannel: false } },
  ],
  'static, signed': [
    { pass: 'quantize-static', options: { everywhere: true, activation: 'int8', weight: 'int8' } },
  ],
  dynamic: [{ pass: 'quantize-dynamic', options: { everywhere: true, minElements: 1 } }],
  'dynamic, signed weights, one scale a weight': [
    {
      pass: 'quantize-dynamic',
      options: { everywhere: true, minElements: 1, weight: 'int8', perChannel: false },
    },
  ],
  weights: [{ pass: 'quantize-weights', options: { minElements: 1 } }],
  'weights, one scale a weight': [
    { pass: 'quantize-weights', options: { minElements: 1, perChannel: false } },
  ],
};

let engines: Engine[];
/** Those that add up products with int8 weights exactly: natively not on every processor. */
let exact: Set<Engine>;
beforeAll(async () => {
  engines = [await openEngine('node'), await openEngine('wasm')];
  const saturating = await Promise.all(engines.map(saturatesSums));
  exact = new Set(engines.filter((_, i) => !saturating[i]));
});

describe.each(Object.entries(recipes))('%s', (_, steps) => {
  it.each(cases)('%s', async (_name, signature, body) => {
    const source = network(signature, body);
    const feeds = seededFeeds(source, 5);
    const recipe = parseRecipe({ edgepress: 1, name: 'test', stages: [{ name: 'only', passes: steps }] });
    const { model } = await runRecipe(source, recipe, {
      passes: passes as ReadonlyMap<string, Pass>,
      engine: engines[0]!,
      calibrate: (m, requests) =>
        observe(engines[0]!, m, requests, { count: 1, read: async () => ({ id: 'one', inputs: feeds }) }),
    });
    for (const engine of engines.filter((e) => exact.has(e) || !JSON.stringify(steps).includes('"int8"'))) {
      const run = async (m: Model) => {
        const session = await engine.open({ bytes: encodeModel(m) });
        const outputs = await session.run(feeds);
        await session.close();
        return { ports: session.outputs, outputs };
      };
      const [before, after] = [await run(source), await run(model)];
      const comparer = createComparer(before.ports);
      comparer.add(before.outputs, after.outputs);
      // Eight bits give about 40 dB a tensor; three or four of them in a row, and one scale for all, leave 24. A wrong
      // axis, sign, zero point or bias gives less than 10.
      for (const { sqnrDb, name, maxAbsError } of comparer.result().outputs)
        if (maxAbsError > 0) expect(sqnrDb, `${name} in ${engine.name}`).toBeGreaterThan(24);
    }
  });
});
