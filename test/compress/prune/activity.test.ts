import { beforeAll, expect, it } from 'vitest';
import { measureActivity } from '../../../src/compress/prune/activity.ts';
import { findChannelGroups } from '../../../src/compress/prune/channel-groups.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/parse-model.ts';
import { printModel } from '../../../src/model/formats/onnx-text/print-model.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

async function activityOf(model: Model, inputs: readonly Record<string, Tensor>[]) {
  const { groups } = findChannelGroups(model);
  const activity = await measureActivity(engine, model, groups, {
    count: inputs.length,
    read: async (i) => ({ id: String(i), inputs: inputs[i]! }),
  });
  return Object.fromEntries([...activity].map(([name, values]) => [name, [...values]]));
}

/** x times the identity, and what `second` makes of the two hidden columns h. */
const network = (opset: number, second: string, weight: string) =>
  parseModel(`<ir_version: 8, opset_import: ["" : ${opset}]>
    g (float[N,2] x) => (float[N,1] y)
    <float[2,2] W = {1, 0, 0, 1}, ${weight}>
    {
      h = MatMul (x, W)
      ${second}
    }`);

const rows = (...values: number[]) => ({ x: tensorOf('float32', [values.length / 2, 2], values) });

// Before opset 18 the axes of ReduceMean are an attribute, from then on an input.
it.each([13, 18])('of a hidden layer: over rows, then over samples, in opset %i', async (opset) => {
  const model = network(opset, 'y = MatMul (h, V)', 'float[2,1] V = {1, 1}');
  // Column 0: √((3² + 5²)/2 + 1²)/2) = 3; column 1: √(((4² + 0²)/2 + 2²)/2) = √6.
  const found = await activityOf(model, [rows(3, 4, 5, 0), rows(1, 2)]);
  expect(Object.keys(found)).toEqual(['V']);
  expect(found['V']![0]).toBeCloseTo(3, 6);
  expect(found['V']![1]).toBeCloseTo(Math.sqrt(6), 6);
});

it('of Gemm with a transposed weight, whose columns are summed over', async () => {
  const model = network(17, 'y = Gemm <transB = 1> (h, V)', 'float[1,2] V = {1, 1}');
  const found = await activityOf(model, [rows(3, 4, 3, 0)]);
  expect(found['V']![0]).toBeCloseTo(3, 6);
  expect(found['V']![1]).toBeCloseTo(Math.sqrt(8), 6);
});

it('of a weight on the left, over the columns of what it is multiplied with', async () => {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
    g (float[N,2,3] x) => (float[N,1,3] y)
    <float[2,2] W = {1, 0, 0, 1}, float[1,2] V = {1, 1}>
    {
      h = MatMul (W, x)
      y = MatMul (V, h)
    }`);
  const x = tensorOf('float32', [1, 2, 3], [1, 2, 2, 6, 0, 0]);
  const found = await activityOf(model, [{ x }]);
  expect(found['V']![0]).toBeCloseTo(Math.sqrt(3), 6);
  expect(found['V']![1]).toBeCloseTo(Math.sqrt(12), 6);
});

it('of a convolution, over places, and of it alone: the model stays as it was', async () => {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
    g (float[N,2,1,2] x) => (float[N,1,1,2] y)
    <float[2,2,1,1] W = {1, 0, 0, 1}, float[1,2,1,1] V = {1, 1}>
    {
      h = Conv (x, W)
      r = Relu (h)
      y = Conv (r, V)
    }`);
  findChannelGroups(model);
  const before = printModel(model);
  // Relu cuts −9 off.
  const x = tensorOf('float32', [1, 2, 1, 2], [4, -9, 1, 7]);
  const found = await activityOf(model, [{ x }]);
  expect(found['V']![0]).toBeCloseTo(Math.sqrt(8), 6);
  expect(found['V']![1]).toBeCloseTo(5, 6);
  expect(printModel(model)).toBe(before);
});

it('is nothing, and runs nothing, where no group is', async () => {
  const model = network(17, 'y = MatMul (h, V)', 'float[2,1] V = {1, 1}');
  const never = { count: 1, read: () => Promise.reject(new Error('read')) };
  expect((await measureActivity(engine, model, [], never)).size).toBe(0);
});
