import { describe, expect, it } from 'vitest';
import type { Samples } from '../../../src/compute/calibrate/run-samples.ts';
import { stack, stackedSamples } from '../../../src/compute/calibrate/stacked.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { numbers, type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';

/** A graph with these inputs. */
const graphOf = (inputs: string) =>
  parseModel(
    `<ir_version: 8, opset_import: ["" : 17]> g (${inputs}) => (float[N] y) { y = Identity (x) }`,
    'g',
  ).graph;

const samplesOf = (count: number, make: (i: number) => Record<string, Tensor>): Samples => ({
  count,
  read: async (i) => ({ id: `s${i}`, inputs: make(i) }),
});

const pairs = samplesOf(5, (i) => ({
  x: tensorOf('float32', [1, 2], [i, i + 0.5]),
  ids: tensorOf('int64', [1, 1], [10 * i]),
}));

describe('stacked samples', () => {
  it('go several at a time along the open axis, the last ones fewer', async () => {
    const found = await stackedSamples(pairs, graphOf('float[N,2] x, int64[N,1] ids'), 2);
    expect(found.count).toBe(3);
    const [first, , last] = await Promise.all([0, 1, 2].map((i) => found.read(i)));
    expect(first!.id).toBe('s0, s1');
    expect(first!.inputs['x']!.dims).toEqual([2, 2]);
    expect(numbers(first!.inputs['x']!)).toEqual([0, 0.5, 1, 1.5]);
    expect(first!.inputs['ids']!.dtype).toBe('int64');
    expect(numbers(first!.inputs['ids']!)).toEqual([0, 10]);
    expect(last!.id).toBe('s4');
    expect(last!.inputs['x']!.dims).toEqual([1, 2]);
    expect(numbers(last!.inputs['ids']!)).toEqual([40]);
  });

  it.each([
    ['a batch is fixed', 'float[1,2] x, int64[1,1] ids'],
    ['one of the batches is fixed', 'float[N,2] x, int64[1,1] ids'],
    ['another axis is open too', 'float[N,T] x, int64[N,1] ids'],
    ['the first axes are not the same one', 'float[N,2] x, int64[T,1] ids'],
  ])('are as they were where %s', async (_, inputs) => {
    expect(await stackedSamples(pairs, graphOf(inputs), 2)).toBe(pairs);
  });

  it('are as they were where one at a time was asked for, or there is but one', async () => {
    const graph = graphOf('float[N,2] x, int64[N,1] ids');
    const one = { ...pairs, count: 1 };
    expect(await stackedSamples(pairs, graph, 1)).toBe(pairs);
    expect(await stackedSamples(one, graph, 8)).toBe(one);
  });

  it('are as they were where the open axis is a length', async () => {
    const frames = samplesOf(4, (i) => ({ x: tensorOf('float32', [i + 2, 2], new Float32Array(2 * i + 4)) }));
    expect(await stackedSamples(frames, graphOf('float[T,2] x'), 2)).toBe(frames);
  });

  it('pass over weights that stand among the inputs', async () => {
    const { graph } = parseModel(
      `<ir_version: 3, opset_import: ["" : 17]>
      g (float[N,2] x, float[2,2] W) => (float[N,2] y) < float[2,2] W = {1, 0, 0, 1} > { y = MatMul (x, W) }`,
      'g',
    );
    const samples = samplesOf(4, (i) => ({ x: tensorOf('float32', [1, 2], [i, i]) }));
    expect((await stackedSamples(samples, graph, 4)).count).toBe(1);
  });
});

describe('stack', () => {
  it('joins tensors along the first axis, whatever it counts in each', () => {
    const joined = stack([
      tensorOf('float32', [1, 2], [1, 2]),
      tensorOf('float32', [2, 2], [3, 4, 5, 6]),
      tensorOf('float32', [1, 2], [7, 8]),
    ]);
    expect(joined.dims).toEqual([4, 2]);
    expect(numbers(joined)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });
});
