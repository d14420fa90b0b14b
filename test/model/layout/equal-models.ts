/** Models before and after a change of layout, run side by side on onnxruntime. */
import { expect } from 'vitest';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { addInitializer, removeInput } from '../../../src/model/ir/edit.ts';
import { type Model, opKey } from '../../../src/model/ir/model.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { graphsOf } from '../../../src/model/ir/walk.ts';
import { type PropagatedTransposes, propagateTransposes } from '../../../src/model/layout/propagate.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';
import { type FeedSettings, largestDifference, runModel, seededFeeds } from '../../run-model.ts';

/** A model in text whose inputs called w… become constants, seeded. */
export function modelWithWeights(body: string, opset = 17): Model {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : ${opset}]>\nagraph ${body}`);
  const weights = model.graph.inputs.filter((v) => v.name.startsWith('w'));
  const tensors = weights.length > 0 ? seededFeeds(model, 11) : {};
  for (const v of weights) {
    removeInput(model.graph, v);
    addInitializer(model.graph, v, tensors[v.name]!);
  }
  inferShapes(model);
  return model;
}

export const countNodes = (model: Model, ...keys: string[]): number =>
  [...graphsOf(model)].flatMap((g) => g.nodes).filter((n) => keys.includes(opKey(n))).length;

/** Propagates on a copy and runs both. @param tolerance  of a result's largest magnitude; 0 where elements only move */
export async function expectSameAfterPropagation(
  engine: Engine,
  model: Model,
  tolerance = 0,
  settings: FeedSettings = {},
): Promise<{ after: Model; result: PropagatedTransposes }> {
  const after = cloneModel(model);
  const result = propagateTransposes(after);
  verifyModel(after);
  await expectSameOutputs(engine, model, after, tolerance, settings);
  const again = propagateTransposes(cloneModel(after));
  expect(again).toEqual({ removed: 0, left: result.left });
  return { after, result };
}

export async function expectSameOutputs(
  engine: Engine,
  before: Model,
  after: Model,
  tolerance = 0,
  settings: FeedSettings = {},
): Promise<void> {
  const feeds = seededFeeds(before, 5, settings);
  const [a, b] = [await runModel(engine, before, feeds), await runModel(engine, after, feeds)];
  expect(Object.keys(b).sort()).toEqual(Object.keys(a).sort());
  for (const [name, tensor] of Object.entries(a)) {
    const { difference, magnitude } = largestDifference(tensor, b[name]!);
    expect(difference, name).toBeLessThanOrEqual(tolerance * Math.max(1, magnitude));
  }
}
