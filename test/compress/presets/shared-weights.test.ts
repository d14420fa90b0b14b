/** Weights that two branches share are there once in the result, whatever is folded into them. */
import { beforeAll, expect, it } from 'vitest';
import { compressModel, preset } from '../../../src/compress/compress.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { batchNorm, conv, networkBuilder } from '../../../src/model/build/index.ts';
import type { Model, Value } from '../../../src/model/ir/model.ts';
import { sizeBytes } from '../../../src/model/ir/tensor.ts';
import { constantsOf } from '../../../src/model/ir/walk.ts';
import { largestDifference, runModel, seededFeeds } from '../../run-model.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});

/** Two inputs through the same Conv; each has statistics of its own where `levels`, as heads of detectors have. */
function towers(levels: boolean): Model {
  const b = networkBuilder({ name: 'towers' });
  const tower = (side: string): Value => {
    const x = b.input(side, 'float32', [1, 16, 8, 8]);
    const product = conv(b, 'conv', x, { inputs: 16, outputs: 32, bias: false });
    return b.op('Relu', [batchNorm(b, levels ? `norm-${side}` : 'norm', product, 32)]);
  };
  b.output('left-out', tower('left'));
  b.output('right-out', tower('right'));
  return b.build();
}

const bytesOf = (model: Model) => constantsOf(model).reduce((sum, { tensor }) => sum + sizeBytes(tensor), 0);

it.each([
  { recipe: 'clean', levels: false, share: 1 },
  { recipe: 'clean', levels: true, share: 1 },
  { recipe: 'float16', levels: false, share: 0.51 },
  { recipe: 'float16', levels: true, share: 0.51 },
  { recipe: 'int8-weights', levels: false, share: 0.28 },
  { recipe: 'int8-weights', levels: true, share: 0.3 },
] as const)('$recipe, with statistics for each: $levels', async ({ recipe, levels, share }) => {
  const { model } = await compressModel(towers(levels), { recipe: preset(recipe), engine });
  expect(bytesOf(model)).toBeLessThanOrEqual(share * bytesOf(towers(levels)));
  const feeds = seededFeeds(towers(levels), 3);
  const [before, after] = [
    await runModel(engine, towers(levels), feeds),
    await runModel(engine, model, feeds),
  ];
  for (const name of ['left-out', 'right-out']) {
    const { difference, magnitude } = largestDifference(before[name]!, after[name]!);
    expect(difference).toBeLessThan(0.02 * magnitude);
  }
});
