/** Float16 and 4 bits on real models: size, agreement with the original, natively and on wasm.
 *  ZOO_REPORT=1 prints the figures. */
import { describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../src/compress/compress.ts';
import type { Engine } from '../../src/compute/engine/contract.ts';
import { openEngine } from '../../src/compute/engine/open.ts';
import { readModelFile } from '../../src/model/formats/file.ts';
import { encodeModel } from '../../src/model/formats/onnx/write.ts';
import { dtypeOf, type Model } from '../../src/model/ir/model.ts';
import { numbers, type Tensor, tensorOf } from '../../src/model/ir/tensor.ts';
import { initializersOf } from '../../src/model/ir/walk.ts';
import { seededFeeds } from '../run-model.ts';

const zoo = process.env['EDGEPRESS_ZOO'];

// On seeded noise, which is harder on 4 bits than the data a model was made for. Least cosine, largest share of bytes;
// q4 keeps convolutions in int8 (q4f16 in float16).
const cases = [
  ['imagenet-mobilenetv2-f32/mobilenetv2', { float16: [0.999, 0.51], q4: [0.99, 0.24], q4f16: [0.99, 0.45] }],
  ['onnx-kwt1/kwt1', { float16: [0.999, 0.51], q4: [0.93, 0.2], q4f16: [0.93, 0.18] }],
  ['tiny-llama-stories260K/stories260K', { float16: [0.999, 0.52], q4: [0.99, 0.25], q4f16: [0.99, 0.3] }],
  ['nano-gpt-sort/gpt-nano-sort', { float16: [0.999, 0.52], q4: [0.99, 0.3], q4f16: [0.99, 0.3] }],
] as const;

describe.skipIf(!zoo)('float16 and 4 bits on real models (set EDGEPRESS_ZOO to run)', () => {
  for (const [file, bounds] of cases)
    for (const name of ['float16', 'q4', 'q4f16'] as const)
      it(`${file} in ${name}`, async () => {
        const source = readModelFile(`${zoo}/models/${file}.onnx`);
        const engines = [await openEngine('node'), await openEngine('wasm')];
        const { model } = await compressModel(source, { recipe: preset(name), engine: engines[0]! });
        const share = encodeModel(model).length / encodeModel(source).length;
        const [least, most] = bounds[name];
        const found: string[] = [];
        for (const engine of engines) {
          const likeness = cosine(...(await runBoth(engine, source, model)));
          found.push(`${engine.name} cosine ${likeness.toFixed(5)}`);
          expect(likeness, engine.name).toBeGreaterThan(least);
        }
        if (process.env['ZOO_REPORT'])
          console.log(`${file} ${name}: ${share.toFixed(3)} of the bytes, ${found.join(', ')}`);
        expect(share).toBeLessThan(most);
      });
});

describe.skipIf(!zoo)('silero-vad, two networks with LSTMs in the branches of an If', () => {
  const samples = { 16000: 512, 8000: 256 };
  it.each([16000, 8000] as const)('is float16 in them too, and says the same at %i Hz', async (rate) => {
    const source = readModelFile(`${zoo}/models/onnx-silero-vad/silero_vad.onnx`);
    const engine = await openEngine('node');
    const { model } = await compressModel(source, { recipe: preset('float16'), engine });
    // The exponent of the spectrum's squares stays with them in float32, which they may need.
    const inFloat = [...initializersOf(model)].filter(
      ({ value }) => dtypeOf(value) === 'float32' && value.constant?.dims.length !== 0,
    );
    expect(inFloat.map(({ value }) => value.name)).toEqual([]);
    const feeds = seededFeeds(source, 3, {
      inputs: { input: [1, samples[rate]], state: [2, 1, 128] },
      tensors: { sr: tensorOf('int64', [], [rate]) },
    });
    for (const runtime of [engine, await openEngine('wasm')])
      expect(cosine(...(await runBoth(runtime, source, model, feeds))), runtime.name).toBeGreaterThan(0.9999);
  });
});

async function runBoth(
  engine: Engine,
  before: Model,
  after: Model,
  feeds = seededFeeds(before, 3, { dims: { seq: 8, T: 8, sequence: 8 } }),
): Promise<[Tensor[], Tensor[]]> {
  const results: Tensor[][] = [];
  for (const model of [before, after]) {
    const session = await engine.open({ bytes: encodeModel(model) });
    results.push(Object.values(await session.run(feeds)));
    await session.close();
  }
  return results as [Tensor[], Tensor[]];
}

function cosine(a: readonly Tensor[], b: readonly Tensor[]): number {
  let [ab, aa, bb] = [0, 0, 0];
  a.forEach((tensor, i) => {
    const [x, y] = [numbers(tensor), numbers(b[i]!)];
    x.forEach((v, k) => {
      ab += v * y[k]!;
      aa += v * v;
      bb += y[k]! * y[k]!;
    });
  });
  return ab / Math.sqrt(aa * bb);
}
