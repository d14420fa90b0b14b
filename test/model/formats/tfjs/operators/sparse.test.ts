/** Sums over rows, tensors given by places, projective maps, drawn numbers: as TensorFlow.js computes them. */
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { float32Values } from '../../../../../src/model/ir/tensor.ts';
import { runModel } from '../../../../run-model.ts';
import { checkRows, constant, type Given, list, readTiny, real, values, whole, x } from '../tiny-graph.ts';

const places = whole([5, 2], [0, 1, 0, 3, 2, 0, 2, 2, 4, 4]);

describe('rows', () => {
  checkRows(
    ['SparseSegmentSum', 'SparseSegmentMean'].flatMap((op) => [
      { op, inputs: [x(4, 3), whole([5], [0, 1, 1, 3, 2]), whole([5], [0, 0, 1, 3, 3])] },
      { op, of: 'of a list', inputs: [x(4), whole([3], [3, 0, 0]), whole([3], [0, 0, 0])] },
      { op, of: 'of three axes', inputs: [x(3, 2, 2), whole([2], [2, 2]), whole([2], [1, 1])] },
    ]),
  );
});

describe('places', () => {
  checkRows([
    { op: 'SparseReshape', inputs: [places, list(5, 6), list(3, -1)], ports: 2 },
    { op: 'SparseReshape', of: 'of one more axis', inputs: [places, list(5, 6), list(5, 2, 3)], ports: 2 },
    {
      op: 'SparseFillEmptyRows',
      inputs: [places, values([5], [1, 2, 3, 4, 5]), constant(whole([2], [6, 6])), real(-1)],
      ports: 4,
    },
    {
      op: 'SparseFillEmptyRows',
      of: 'rows in no order',
      inputs: [
        whole([4, 2], [3, 1, 0, 0, 3, 0, 1, 2]),
        whole([4], [7, 8, 9, 6]),
        constant(whole([2], [5, 3])),
        constant(whole([], [4])),
      ],
      ports: 4,
    },
    {
      op: 'SparseFillEmptyRows',
      of: 'no row empty',
      inputs: [whole([2, 1], [0, 1]), values([2], [5, 6]), constant(whole([1], [2])), real(0)],
      ports: 4,
    },
  ]);
});

/** Turned by 20°, with a little perspective; and moved by a whole number of pixels, so that nothing lies on a tie. */
const turned = [0.94, 0.34, -2.1, -0.34, 0.94, 3.3, 0.01, -0.02];
const moved = [1, 0, -3, 0, 1, 2, 0, 0];

/** The CPU backend of TensorFlow.js ends after the first picture; its wasm backend presses what 'reflect' would mirror. */
describe('a projective map', () => {
  const inputs = (pictures: number, maps: Given, height: number, width: number) => [
    x(pictures, 6, 5, 3),
    maps,
    list(height, width),
    real(0.25),
  ];
  const attr = (interpolation: string, mode: string) => ({ interpolation, fill_mode: mode });
  const op = 'ImageProjectiveTransformV3';
  checkRows(
    ['NEAREST', 'BILINEAR'].flatMap((method) => [
      ...['CONSTANT', 'NEAREST', 'REFLECT', 'WRAP'].map((mode) => ({
        ...{ op, of: `${method}, ${mode}`, attr: attr(method, mode), tolerance: 1e-4 },
        inputs: inputs(1, values([1, 8], turned), 6, 5),
      })),
      ...['CONSTANT', 'NEAREST', 'WRAP'].flatMap((mode) => [
        {
          ...{ op, of: `${method}, ${mode}, a map for each picture`, attr: attr(method, mode) },
          ...{ tolerance: 1e-4, backend: 'wasm' as const },
          inputs: inputs(2, values([2, 8], [...turned, ...moved]), 7, 8),
        },
        {
          ...{ op, of: `${method}, ${mode}, one for all`, attr: attr(method, mode) },
          ...{ tolerance: 1e-4, backend: 'wasm' as const },
          inputs: inputs(2, values([1, 8], turned), 6, 5),
        },
      ]),
    ]),
  );
});

describe('numbers that are drawn', () => {
  it('within two deviations of their mean have the spread of such', async () => {
    const model = readTiny({
      given: { shape: list(200, 500) },
      nodes: [
        {
          name: 'y',
          op: 'TruncatedNormal',
          input: ['shape'],
          attr: { dtype: 'DT_FLOAT', T: 'DT_INT32', means: { f: 3 }, stddev: { f: 2 } },
        },
      ],
      outputs: ['y:0'],
    });
    const drawn = float32Values((await runModel(await openEngine('node'), model, {}))['y:0']!);
    const mean = drawn.reduce((a, b) => a + b, 0) / drawn.length;
    const deviation = Math.sqrt(drawn.reduce((a, b) => a + (b - mean) ** 2, 0) / drawn.length);
    expect(Math.min(...drawn.subarray(0, 50_000))).toBeGreaterThanOrEqual(-1);
    expect(Math.max(...drawn.subarray(0, 50_000))).toBeLessThanOrEqual(7);
    // Of a normal distribution cut at two deviations: 0.8796 of one. Six standard errors of 100 000 draws.
    expect(Math.abs(mean - 3)).toBeLessThan(0.034);
    expect(Math.abs(deviation - 2 * 0.8796)).toBeLessThan(0.024);
  });
});
