/** Weights in every place and type that operators read them in are compressed, and the results stay close: the oracle is
 *  onnxruntime running both models. */
import { describe, expect, it } from 'vitest';
import { compressModel, type PresetName, preset } from '../../../src/compress/compress.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import type { DType } from '../../../src/model/ir/dtype.ts';
import { addInitializer, removeInput } from '../../../src/model/ir/edit.ts';
import { dtypeOf, type Model, shapeOf } from '../../../src/model/ir/model.ts';
import { elementCount, numbers, sizeBytes, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { initializersOf } from '../../../src/model/ir/walk.ts';
import { createRandom } from '../../../src/support/random.ts';
import { seededFeeds } from '../../run-model.ts';

const engine = await openEngine();

/** The model with its inputs named w… as weights, of standard deviation 0.3. */
function network(body: string): Model {
  const model = parseModel(`<ir_version: 10, opset_import: ["" : 21, "com.microsoft" : 1]>\ng ${body}`);
  const random = createRandom(5);
  for (const v of [...model.graph.inputs].filter((input) => input.name.startsWith('w'))) {
    const dims = shapeOf(v) as number[];
    const values = Array.from({ length: elementCount(dims) }, () => 0.3 * random.normal());
    removeInput(model.graph, v);
    addInitializer(model.graph, v, tensorOf(dtypeOf(v) as DType, dims, values));
  }
  return model;
}

/** As a user runs them, with the runtime's own rewrites. */
async function run(model: Model, feeds: Readonly<Record<string, Tensor>>): Promise<number[]> {
  const session = await engine.open({ bytes: encodeModel(model) }, { threads: 1 });
  try {
    return Object.values(await session.run(feeds)).flatMap(numbers);
  } finally {
    await session.close();
  }
}

const weightBytes = (model: Model) =>
  [...initializersOf(model)].reduce((sum, { value }) => sum + sizeBytes(value.constant!), 0);

async function compressed(body: string, name: PresetName) {
  const model = network(body);
  const recipe = { ...preset(name), target: 'wasm' as const };
  const { model: small } = await compressModel(model, { recipe, engine });
  const feeds = seededFeeds(model, 1);
  const [x, y] = [await run(model, feeds), await run(small, feeds)];
  const signal = x.reduce((sum, v) => sum + v * v, 0);
  const noise = x.reduce((sum, v, i) => sum + (v - y[i]!) ** 2, 0);
  const decibels = 10 * Math.log10(signal / noise);
  return { small, ratio: weightBytes(small) / weightBytes(model), decibels };
}

const float32 = {
  'left of a product': '(float[2,48,5] x, float[64,48] w) => (float[] y) { y = MatMul (w, x) }',
  'left of a Gemm, transposed':
    '(float[48,5] x, float[48,64] w) => (float[] y) { y = Gemm <transA = 1> (w, x) }',
  'an Einsum':
    '(float[2,5,48] x, float[48,64] w) => (float[] y) { y = Einsum <equation = "bij,jk->bik"> (x, w) }',
  'an Einsum into heads':
    '(float[2,5,48] x, float[48,4,16] w) => (float[] y) { y = Einsum <equation = "bsd,dnh->bnsh"> (x, w) }',
  'several matrices': '(float[5,48] x, float[3,1,48,32] w) => (float[] y) { y = MatMul (x, w) }',
  'a fused product':
    '(float[5,48] x, float[64,48] w) => (float[] y) { y = com.microsoft.FusedMatMul <transB = 1, alpha = 0.5> (x, w) }',
  'a fused convolution':
    '(float[1,8,6,6] x, float[16,8,3,3] w) => (float[] y) { y = com.microsoft.FusedConv <activation = "Relu"> (x, w) }',
  'two readers of one weight': `(float[5,48] x, float[48,48] w) => (float[] y) {
    a = MatMul (x, w)  r = Relu (a)  y = MatMul (r, w) }`,
  'a transposed convolution with groups':
    '(float[1,8,6,6] x, float[8,16,3,3] w) => (float[] y) { y = ConvTranspose <group = 2> (x, w) }',
};

const narrow = {
  'float16 behind a Cast, a convolution': `(float[1,8,6,6] x, float16[16,8,3,3] w) => (float[] y) {
    c = Cast <to = 1> (w)  y = Conv (x, c) }`,
  'float16 behind a Cast, a product': `(float[9,96] x, float16[96,64] w) => (float[] y) {
    c = Cast <to = 1> (w)  y = MatMul (x, c) }`,
  'float16 all through': '(float16[9,96] x, float16[96,64] w) => (float16[] y) { y = MatMul (x, w) }',
  'float16 in a table': '(int64[3] ids, float16[40,32] w) => (float16[] y) { y = Gather (w, ids) }',
  'bfloat16 behind a Cast': `(float[9,96] x, bfloat16[96,64] w) => (float[] y) {
    c = Cast <to = 1> (w)  y = MatMul (x, c) }`,
  'float64 all through': '(double[9,96] x, double[96,64] w) => (double[] y) { y = Gemm (x, w) }',
};

describe('int8 without data', () => {
  it.each(Object.entries(float32))('reaches a float32 weight in %s', async (_, body) => {
    const { ratio, decibels } = await compressed(body, 'int8-dynamic');
    // A quarter, and a scale a channel.
    expect(ratio).toBeLessThan(0.32);
    expect(decibels).toBeGreaterThan(34);
  });

  it.each(Object.entries(narrow))('reaches %s', async (_, body) => {
    const { ratio, decibels } = await compressed(body, 'int8-dynamic');
    // Half of 16 bits, and a scale a channel.
    expect(ratio).toBeLessThan(0.62);
    expect(decibels).toBeGreaterThan(34);
  });
});

describe('4 bits', () => {
  const tied = (width: number) => `(int64[2,3] ids, float[96,${width}] w) => (float[] y) {
    x = Gather (w, ids)  back = Transpose <perm = [1, 0]> (w)  y = MatMul (x, back) }`;

  it('store a tied table once, in 4 bits where its rows are whole blocks', async () => {
    const { small, ratio, decibels } = await compressed(tied(64), 'q4');
    expect(small.graph.nodes.map((n) => n.opType)).toEqual([
      'Reshape',
      'GatherBlockQuantized',
      'MatMulNBits',
    ]);
    expect(ratio).toBeLessThan(0.17);
    expect(decibels).toBeGreaterThan(15);
  });

  it('store a tied table once, in int8 where they are not', async () => {
    const { ratio, decibels } = await compressed(tied(50), 'q4');
    expect(ratio).toBeLessThan(0.28);
    expect(decibels).toBeGreaterThan(34);
  });

  it.each([
    [
      'of one matrix in three dimensions',
      '(float[2,5,83] x, float[1,83,50] w) => (float[] y) { y = MatMul (x, w) }',
    ],
    ['of several matrices', '(float[5,48] x, float[3,1,48,32] w) => (float[] y) { y = MatMul (x, w) }'],
    [
      'with fewer inputs than a block',
      '(float[5,20] x, float[20,64] w) => (float[] y) { y = MatMul (x, w) }',
    ],
  ])('are never larger than int8: a weight %s', async (_, body) => {
    const [four, eight] = [await compressed(body, 'q4'), await compressed(body, 'int8-weights')];
    expect(four.ratio).toBeLessThanOrEqual(eight.ratio);
    expect(four.decibels).toBeGreaterThan(15);
  });
});
