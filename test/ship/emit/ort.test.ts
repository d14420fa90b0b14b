/** .ort files: what onnxruntime computes from them, natively and in WebAssembly, against what it computes from .onnx. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { preset } from '../../../src/compress/compress.ts';
import type { Engine, ModelSource } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { prepareData } from '../../../src/data/prepare-data.ts';
import { runRecipeOn } from '../../../src/jobs/run-recipe.ts';
import { decodeModel } from '../../../src/model/formats/onnx/read.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { readOrt } from '../../../src/model/formats/ort/read.ts';
import { writeOrt } from '../../../src/model/formats/ort/write.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { portsOf } from '../../../src/model/ir/port.ts';
import type { Tensor } from '../../../src/model/ir/tensor.ts';
import { modelBytes } from '../../../src/ship/emit/model-bytes.ts';
import { convertToOrt } from '../../../src/ship/emit/ort.ts';
import { readFixture } from '../../fixture.ts';
import { largestDifference, seededFeeds } from '../../run-model.ts';

const zoo = process.env['EDGEPRESS_ZOO'];
if (!zoo) console.log('EDGEPRESS_ZOO is not set: MobileNetV2 is not converted to .ort.');

const shipped = ['glyphs-cnn', 'glyphs-mlp', 'sequence-lstm', 'sequence-gru', 'sequence-transformer'];
const fixture = (name: string) => readFileSync(`fixtures/models/${name}.onnx`);

let node: Engine;
let wasm: Engine;
beforeAll(async () => {
  [node, wasm] = [await openEngine('node'), await openEngine('wasm')];
});

async function outputs(engine: Engine, model: ModelSource, feeds: Record<string, Tensor>) {
  const session = await engine.open(model, { optimization: 'extended', threads: 1 });
  const result = await session.run(feeds);
  await session.close();
  return result;
}

/** Same graph, same kernels; where constants are unpacked at run time sums may round otherwise: 1e-5 of the largest
 *  output. */
async function expectEqual(engine: Engine, onnx: Uint8Array, ort: Uint8Array, model: Model) {
  const feeds = seededFeeds(model, 7, { dims: { batch: 2, length: 12, N: 1 }, integers: 10 });
  const expected = await outputs(engine, { bytes: onnx }, feeds);
  const found = await outputs(engine, { bytes: ort }, feeds);
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  for (const [name, tensor] of Object.entries(expected)) {
    const { difference, magnitude } = largestDifference(tensor, found[name]!);
    expect(magnitude).toBeGreaterThan(0);
    expect(difference).toBeLessThanOrEqual(1e-5 * magnitude);
  }
}

const operators = (ort: Uint8Array) => {
  const graph = (readOrt(ort)['model'] as { graph: { nodes: { opType: string; domain?: string }[] } }).graph;
  return graph.nodes.map(({ domain, opType }) => (domain ? `${domain}:${opType}` : opType));
};

async function made(model: Model, recipe: 'int8-static' | 'int8-dynamic'): Promise<Uint8Array> {
  const prepared =
    recipe === 'int8-static'
      ? await prepareData({ path: 'synthetic' }, portsOf(model), {
          seed: 1,
          calibration: 4,
          evaluation: 0,
          synthetic: 4,
        })
      : null;
  const options = { recipe: { ...preset(recipe), target: 'mobile' as const }, engine: node, prepared };
  const result = await runRecipeOn(model, { ...options, events: {} });
  return encodeModel(result.model);
}

describe('convertToOrt', () => {
  it.each(shipped)('makes a file that computes what %s computes, natively and in wasm', async (name) => {
    const onnx = fixture(name);
    const ort = await convertToOrt(onnx);
    await expectEqual(node, onnx, ort, decodeModel(onnx));
    await expectEqual(wasm, onnx, ort, decodeModel(onnx));
  });

  it('fuses quantised operators, and the file runs in wasm too', async () => {
    const { expected } = readFixture('fixtures/passes/quantize-static/02-residual.onnx.txt');
    const model = parseModel(expected as string);
    const ort = await convertToOrt(encodeModel(model), { target: 'arm' });
    expect(operators(ort)).toContain('QLinearConv');
    await expectEqual(node, encodeModel(model), ort, model);
    await expectEqual(wasm, encodeModel(model), ort, model);
  });

  it('leaves no operator that only one kind of processor has, unless told that the file stays here', async () => {
    const nchwc = (ops: string[]) => ops.filter((op) => op.includes('nchwc'));
    for (const level of ['basic', 'extended'] as const)
      expect(nchwc(operators(await convertToOrt(fixture('glyphs-cnn'), { level })))).toEqual([]);
    expect(operators(await convertToOrt(fixture('glyphs-cnn'), { level: 'basic' }))).not.toContain(
      'com.microsoft:FusedConv',
    );
  });

  it('gives the same bytes each time', async () => {
    // onnxruntime's own file differs: it writes initialisers in the order of a hash table of addresses.
    const files = [1, 2, 3].map(() => convertToOrt(fixture('sequence-transformer')));
    const [first, ...others] = await Promise.all(files);
    for (const other of others) expect(Buffer.compare(first!, other!)).toBe(0);
  });

  it('keeps weights small that the graph unpacks, and unpacks them when asked to', async () => {
    const model = decodeModel(fixture('glyphs-cnn'));
    const onnx = await made(model, 'int8-dynamic');
    const [small, folded] = [await convertToOrt(onnx), await convertToOrt(onnx, { foldConstants: true })];
    expect(small.length).toBeLessThan(1.4 * onnx.length);
    expect(folded.length).toBeGreaterThan(2 * small.length);
    for (const ort of [small, folded]) await expectEqual(wasm, onnx, ort, model);
  });

  it('takes weights that lie beside the model', async () => {
    const model = decodeModel(fixture('glyphs-mlp'));
    const { model: onnx, data } = modelBytes(model, 'model.onnx', 0);
    const externalData = new Map(data.map(({ location, bytes }) => [location, bytes]));
    await expectEqual(node, fixture('glyphs-mlp'), await convertToOrt(onnx, { externalData }), model);
  });

  it('says what is wrong with bytes that are no model, and with .ort files that are cut', async () => {
    await expect(convertToOrt(new Uint8Array([1, 2, 3]))).rejects.toMatchObject({ code: 'ORT_CONVERSION' });
    const ort = await convertToOrt(fixture('sequence-gru'));
    expect(() => readOrt(fixture('sequence-gru'))).toThrow(/ORT-format/);
    for (const length of [0, 7, 9, 100, ort.length >> 1])
      expect(() => readOrt(ort.subarray(0, length))).toThrowError(
        expect.objectContaining({ code: 'ORT_DAMAGED' }),
      );
  });

  it('reads what it writes', async () => {
    const root = readOrt(await convertToOrt(fixture('sequence-transformer')));
    expect(readOrt(writeOrt(root))).toEqual(root);
  });
});

describe.skipIf(!zoo)('MobileNetV2 as .ort (skipped without EDGEPRESS_ZOO)', () => {
  const path = join(zoo ?? '', 'models/imagenet-mobilenetv2-f32/mobilenetv2.onnx');

  it('computes the same in float, natively and in wasm', async () => {
    const onnx = readFileSync(path);
    const ort = await convertToOrt(onnx);
    for (const engine of [node, wasm]) await expectEqual(engine, onnx, ort, decodeModel(onnx));
  });

  it('computes the same in int8, stays small, and is fused for the phone', async () => {
    const source = decodeModel(readFileSync(path));
    const onnx = await made(source, 'int8-static');
    const ort = await convertToOrt(onnx, { target: 'arm' });
    expect(ort.length).toBeLessThan(3.9e6);
    expect(operators(ort).filter((op) => op === 'QLinearConv').length).toBeGreaterThan(30);
    for (const engine of [node, wasm]) await expectEqual(engine, onnx, ort, source);
  });
});
