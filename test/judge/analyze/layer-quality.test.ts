import { beforeAll, describe, expect, it } from 'vitest';
import { compressModel } from '../../../src/compress/compress.ts';
import { parseRecipe } from '../../../src/compress/pipeline/recipe.ts';
import type { Statistics } from '../../../src/compute/calibrate/statistics.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import type { Sample } from '../../../src/data/source.ts';
import { layerQuality } from '../../../src/judge/analyze/layer-quality.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { addOutput } from '../../../src/model/ir/edit.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { numbers, tensorOf } from '../../../src/model/ir/tensor.ts';
import { findValue } from '../../../src/model/ir/walk.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';
import { createRandom } from '../../../src/support/random.ts';

const random = createRandom(11);
const weights = (n: number) => Array.from({ length: n }, () => random.normal().toFixed(3)).join(', ');

const network = (): Model => {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[1,2,6,6] x) => (float[1,2,1,1] y)
< float[2,2,3,3] W1 = {${weights(36)}}, float[2,2,3,3] W2 = {${weights(36)}}, float[2,2,4,4] W3 = {${weights(64)}} >
{
  [one] a = Conv <pads = [1, 1, 1, 1]> (x, W1)
  r = Relu (a)
  [two] b = Conv (r, W2)
  [three] y = Conv (b, W3)
}`);
  inferShapes(model);
  return model;
};

const read = async (index: number): Promise<Sample> => {
  const own = createRandom(index);
  const values = Array.from({ length: 72 }, () => own.normal());
  return { id: `${index}`, inputs: { x: tensorOf('float32', [1, 2, 6, 6], values) } };
};
const samples = { count: 5, read };

const recipe = parseRecipe({
  edgepress: 1,
  name: 'int8',
  stages: [{ name: 'quantise', passes: [{ pass: 'quantize-static', options: { everywhere: true } }] }],
});
const statistics: Statistics = { samples: 1, range: () => ({ min: -12, max: 12 }) };

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

/** The named value on every sample, handed out by the engine as an extra output. */
async function valuesOf(model: Model, name: string): Promise<number[]> {
  const value = findValue(model, name)!;
  if (!model.graph.outputs.includes(value)) addOutput(model.graph, value);
  const session = await engine.open({ bytes: encodeModel(model) });
  const all: number[] = [];
  for (let i = 0; i < samples.count; i++)
    all.push(...numbers((await session.run((await read(i)).inputs, [name]))[name]!));
  await session.close();
  return all;
}

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

describe('the quality of layers', () => {
  it('is what values handed out give, computed one by one', async () => {
    const { clean, model } = await compressModel(network(), {
      recipe,
      engine,
      calibrate: async () => statistics,
    });
    const layers = await layerQuality(engine, clean, model, samples);
    const places = [
      ['one', 'r', 'r/dequantized'],
      ['two', 'b', 'b/dequantized'],
      ['three', 'y', 'y'],
    ] as const;
    expect(layers.map((l) => l.name)).toEqual(places.map(([name]) => name));
    for (const [at, [name, before, after]] of places.entries()) {
      const [x, y] = [await valuesOf(clean, before), await valuesOf(model, after)];
      const noise = x.map((v, i) => v - y[i]!);
      // Sums over 360 float32 numbers in another order: far below a hundredth of a decibel.
      expect(layers[at]!.sqnrDb, name).toBeCloseTo(10 * Math.log10(dot(x, x) / dot(noise, noise)), 2);
      expect(layers[at]!.cosine, name).toBeCloseTo(dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y)), 5);
    }
  });

  it('has no number for a layer in which nothing differs', async () => {
    const { clean } = await compressModel(network(), { recipe, engine, calibrate: async () => statistics });
    const layers = await layerQuality(engine, clean, clean, samples);
    expect(layers.map((l) => l.sqnrDb)).toEqual([null, null, null]);
    for (const layer of layers) expect(layer.cosine).toBeCloseTo(1, 6);
  });

  it('is asked of no engine when there are no samples', async () => {
    const { clean, model } = await compressModel(network(), {
      recipe,
      engine,
      calibrate: async () => statistics,
    });
    expect(await layerQuality(engine, clean, model, { count: 0, read })).toEqual([]);
  });

  it('stops when told to', async () => {
    const { clean, model } = await compressModel(network(), {
      recipe,
      engine,
      calibrate: async () => statistics,
    });
    await expect(layerQuality(engine, clean, model, samples, AbortSignal.abort())).rejects.toThrow(/abort/i);
  });
});
