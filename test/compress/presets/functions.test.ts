/** A model's own functions: those whose weight changes are written out, the others stay calls, in float16 as well. */
import { beforeAll, describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../../src/compress/compress.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { opKey } from '../../../src/model/ir/model.ts';
import { createRandom } from '../../../src/support/random.ts';
import { largestDifference, runModel, seededFeeds } from '../../run-model.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});

const random = createRandom(7);
const numbers = Array.from({ length: 32 * 32 }, () => (random.normal() / 6).toFixed(4)).join(', ');

/** Dense has the weight, Gate has none. */
const source = () =>
  parseModel(`<ir_version: 8, opset_import: ["" : 17, "my" : 1]>
    g (float[N,32] x) => (float[N,32] y) <float[32,32] W = {${numbers}}> {
      h = my.Dense (x, W)
      g = my.Gate (h)
      y = my.Dense (g, W)
    }
    <domain: "my", opset_import: ["" : 17]>
    Dense (a, b) => (o) { o = MatMul (a, b) }
    <domain: "my", opset_import: ["" : 17]>
    Gate (a) => (o) { s = Sigmoid (a)  o = Mul (a, s) }`);

describe.each([
  { recipe: 'int8-weights', most: 0.02 },
  { recipe: 'q4', most: 0.2 },
  { recipe: 'float16', most: 0.005 },
] as const)('two functions under $recipe', ({ recipe, most }) => {
  it('keeps the call of the one without weights and computes the same', async () => {
    const model = source();
    const { model: result } = await compressModel(model, { recipe: preset(recipe), engine });
    expect(result.graph.nodes.map(opKey).filter((key) => key.startsWith('my:'))).toEqual(['my:Gate']);
    expect(result.functions.map((f) => f.name)).toEqual(['Gate']);
    const feeds = seededFeeds(source(), 3);
    const [before, after] = [await runModel(engine, source(), feeds), await runModel(engine, result, feeds)];
    const { difference, magnitude } = largestDifference(before['y']!, after['y']!);
    // The step of the stored weights, through two products.
    expect(difference).toBeLessThan(most * magnitude);
  });
});

it('calls a function without constants in float16: Casts stand at input and output alone', async () => {
  const { model } = await compressModel(source(), { recipe: preset('float16'), engine });
  expect(model.graph.nodes.map(opKey)).toEqual(['Cast', 'MatMul', 'my:Gate', 'MatMul', 'Cast']);
});
