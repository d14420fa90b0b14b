import { describe, expect, it } from 'vitest';
import { openNodeEngine } from '../../../src/compute/engine/onnxruntime-node.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { shapeOf } from '../../../src/model/ir/model.ts';
import type { Tensor } from '../../../src/model/ir/tensor.ts';
import { transposeTensor } from '../../../src/model/ir/transpose.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { changeBoundary } from '../../../src/model/layout/boundary.ts';
import { channelsLast } from '../../../src/model/layout/channels-last.ts';
import { largestDifference, runModel, seededFeeds } from '../../run-model.ts';
import { modelWithWeights } from './equal-models.ts';

const engine = await openNodeEngine();

const nchw = () =>
  modelWithWeights(
    '(float[N,3,6,6] x, float[4,3,3,3] w) => (float[] y, float[] z) { a = Conv (x, w)  y = Sigmoid (a)  z = GlobalMaxPool (y) }',
  );

describe('the layout that callers meet', () => {
  it('changes for the inputs and outputs named, which answer the same in the new order', async () => {
    const [before, after] = [nchw(), nchw()];
    const left = changeBoundary(after, { to: 'nhwc', inputs: ['x'], outputs: ['y'] });
    verifyModel(after);
    expect(left.map(({ reason }) => reason)).toEqual([
      'between-input-and-Conv',
      'between-Sigmoid-and-output',
    ]);
    expect(after.graph.inputs.map(shapeOf)).toEqual([['N', 6, 6, 3]]);
    expect(after.graph.outputs.map((v) => [v.name, shapeOf(v)])).toEqual([
      ['y', ['N', 4, 4, 4]],
      ['z', ['N', 4, 1, 1]],
    ]);
    const feeds = seededFeeds(before, 3);
    const expected = await runModel(engine, before, feeds);
    const found = await runModel(engine, after, { x: transposeTensor(feeds['x']!, [0, 2, 3, 1]) });
    const y = transposeTensor(expected['y'] as Tensor, [0, 2, 3, 1]);
    expect(largestDifference(y, found['y']!).difference).toBe(0);
    expect(largestDifference(expected['z']!, found['z']!).difference).toBe(0);
  });

  it('leaves no transpose at all around a channels-last model', () => {
    const model = nchw();
    channelsLast(model);
    expect(changeBoundary(model, { to: 'nhwc', inputs: ['x'], outputs: ['y', 'z'] })).toEqual([]);
  });

  it('goes back to where it was', async () => {
    const [before, after] = [nchw(), cloneModel(nchw())];
    changeBoundary(after, { to: 'nhwc', inputs: ['x'], outputs: ['y'] });
    expect(changeBoundary(after, { to: 'nchw', inputs: ['x'], outputs: ['y'] })).toEqual([]);
    expect(after.graph.nodes.map((n) => n.opType)).toEqual(before.graph.nodes.map((n) => n.opType));
  });

  it.each([
    ['LAYOUT_UNKNOWN_PORT', '(float[1,2,3] x) => (float[1,2,3] y) { y = Relu (x) }', { inputs: ['y'] }],
    ['LAYOUT_FIXED', '(float[2,3] x) => (float[2,3] y) { y = Relu (x) }', { inputs: ['x'] }],
    ['LAYOUT_FIXED', '(float[1,2,3] x) => (float[1,2,3] x) { y = Relu (x) }', { inputs: ['x'] }],
  ])('refuses what it does not apply to: %s', (code, body, ports) => {
    const model = modelWithWeights(body);
    expect(() => changeBoundary(model, { to: 'nhwc', ...ports })).toThrow(expect.objectContaining({ code }));
  });
});
