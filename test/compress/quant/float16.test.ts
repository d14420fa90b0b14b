/** The shipped models in float16 and in 4 bits, on both runtimes, against the float32 originals. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compressModel, type PresetName, preset } from '../../../src/compress/compress.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { readModelFile } from '../../../src/model/formats/file.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { dtypeOf, isOp, type Model } from '../../../src/model/ir/model.ts';
import { elementCount, numbers } from '../../../src/model/ir/tensor.ts';
import { initializersOf, nodesOf } from '../../../src/model/ir/walk.ts';
import { seededFeeds } from '../../run-model.ts';

const folder = new URL('../../../fixtures/models/', import.meta.url);
const models = ['glyphs-cnn', 'glyphs-mlp', 'sequence-gru', 'sequence-lstm', 'sequence-transformer'];

let native: Engine;
let wasm: Engine;
beforeAll(async () => {
  native = await openEngine('node');
  wasm = await openEngine('wasm');
});

const converted = async (source: Model, name: PresetName) =>
  (await compressModel(source, { recipe: preset(name), engine: native })).model;

/** Cosine of all outputs taken together. */
async function likeness(engine: Engine, before: Model, after: Model): Promise<number> {
  const feeds = seededFeeds(before, 5, { dims: { batch: 4, length: 12 }, integers: 20 });
  const results = [];
  for (const model of [before, after]) {
    const session = await engine.open({ bytes: encodeModel(model) });
    results.push(Object.values(await session.run(feeds)).flatMap((t) => [...numbers(t)]));
    await session.close();
  }
  const [a, b] = results as [number[], number[]];
  const dot = (x: number[], y: number[]) => x.reduce((sum, v, i) => sum + v * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

// 4 bits on networks of some ten thousand weights, measured 0.997 at least; a wrong packing gives about 0.
describe.each([
  ['float16', 0.999, 0.62],
  ['q4', 0.99, 0.4],
  ['q4f16', 0.99, 0.58],
] as const)('%s', (name, least, share) => {
  it.each(models)('%s says the same on both runtimes', async (file) => {
    const source = readModelFile(new URL(`${file}.onnx`, folder).pathname);
    const result = await converted(source, name);
    expect(encodeModel(result).length / encodeModel(source).length).toBeLessThan(share);
    const types = (m: Model) => [...m.graph.inputs, ...m.graph.outputs].map((v) => `${v.name} ${dtypeOf(v)}`);
    expect(types(result)).toEqual(types(source));
    for (const engine of [native, wasm])
      expect(await likeness(engine, source, result), engine.name).toBeGreaterThan(least);
  });
});

it('stores the weights of an LSTM in float16 and computes it in float32, which is all that any provider can', async () => {
  const source = readModelFile(new URL('sequence-lstm.onnx', folder).pathname);
  const result = await converted(source, 'float16');
  const lstm = [...nodesOf(result)].find((n) => isOp(n, 'LSTM'))!;
  for (const index of [0, 1, 2]) {
    const cast = lstm.inputs[index]!.producer!;
    expect([cast.opType, cast.attributes.get('to')]).toEqual(['Cast', { type: 'int', value: 1n }]);
  }
  const large = [...initializersOf(result)].filter(({ value }) => elementCount(value.constant!.dims) > 1024);
  expect(new Set(large.map(({ value }) => dtypeOf(value)))).toEqual(new Set(['float16']));
});

it('runs natively where a leading axis is transposed before a product (onnxruntime 1.30 died of it)', async () => {
  const source = parseModel(
    `<ir_version: 8, opset_import: ["" : 17]>
     g (float[q,r,2] x) => (float[r,q,2] y) < float[2,2] W = {1,2,3,4} >
     { t = Transpose <perm = [1, 0, 2]> (x) y = MatMul (t, W) }`,
    'model',
  );
  const result = await converted(source, 'float16');
  expect(await likeness(native, source, result)).toBeGreaterThan(0.999);
});
