/** Dilation as TensorFlow's converter leaves it in graph-models: after clean-up, one Conv that computes what TensorFlow.js
 *  does with the blocks. */
import { expect, it } from 'vitest';
import { cleanUp } from '../../../../passes/presets/clean-up.ts';
import { loadPasses } from '../../../../src/compress/compress.ts';
import { parseRecipe } from '../../../../src/compress/pipeline/recipe.ts';
import { runRecipe } from '../../../../src/compress/pipeline/run.ts';
import { openEngine } from '../../../../src/compute/engine/open.ts';
import { intsAttribute } from '../../../../src/model/ir/attribute.ts';
import { largestDifference, runModel } from '../../../run-model.ts';
import { constant, expectSame, type Given, list, type TinyGraph, whole, x } from './tiny-graph.ts';

const pairs = (...numbers: number[]): Given => constant(whole([numbers.length / 2, 2], numbers));

/** The convolution between blocks of `rate`. */
const inBlocks = (op: string, given: TinyGraph['given']): TinyGraph => ({
  given,
  nodes: [
    { name: 'stack', op: 'SpaceToBatchND', input: ['x', 'rate', 'paddings'] },
    {
      name: 'conv',
      op,
      input: ['stack', 'filter'],
      attr: { strides: [1, 1, 1, 1], padding: 'VALID', data_format: 'NHWC', dilations: [1, 1, 1, 1] },
    },
    { name: 'y', op: 'BatchToSpaceND', input: ['conv', 'rate', 'crops'] },
  ],
  outputs: ['y'],
});

it.each([
  {
    of: 'Conv2D, SAME on a size that is no multiple',
    graph: inBlocks('Conv2D', {
      x: x(2, 7, 9, 3),
      rate: list(2, 2),
      paddings: pairs(2, 3, 2, 3),
      filter: constant(x(3, 3, 3, 4)),
      crops: pairs(0, 1, 0, 1),
    }),
    dilations: [2, 2],
    pads: [2, 2, 2, 2],
  },
  {
    of: 'Conv2D of one picture, whose batch Transposes move along',
    graph: inBlocks('Conv2D', {
      x: x(1, 7, 9, 3),
      rate: list(2, 2),
      paddings: pairs(2, 3, 2, 3),
      filter: constant(x(3, 3, 3, 4)),
      crops: pairs(0, 1, 0, 1),
    }),
    dilations: [2, 2],
    pads: [2, 2, 2, 2],
  },
  {
    of: 'Conv2D of one picture, in one direction',
    graph: inBlocks('Conv2D', {
      x: x(1, 8, 5, 3),
      rate: list(2),
      paddings: pairs(2, 2),
      filter: constant(x(3, 3, 3, 2)),
      crops: pairs(0, 0),
    }),
    dilations: [2, 1],
    pads: [2, 0, 2, 0],
  },
  {
    of: 'Conv1D of one signal, as Keras writes it',
    graph: {
      given: {
        x: x(1, 12, 4),
        rate: list(2),
        paddings: pairs(4, 0),
        axis: constant(whole([], [-3])),
        filter: constant(x(1, 3, 4, 2)),
        crops: pairs(0, 0),
      },
      nodes: [
        { name: 'stack', op: 'SpaceToBatchND', input: ['x', 'rate', 'paddings'] },
        { name: 'row', op: 'ExpandDims', input: ['stack', 'axis'] },
        {
          name: 'conv',
          op: 'Conv2D',
          input: ['row', 'filter'],
          attr: { strides: [1, 1, 1, 1], padding: 'VALID', data_format: 'NHWC', dilations: [1, 1, 1, 1] },
        },
        { name: 'line', op: 'Squeeze', input: ['conv'], attr: { squeeze_dims: [1] } },
        { name: 'y', op: 'BatchToSpaceND', input: ['line', 'rate', 'crops'] },
      ],
      outputs: ['y'],
    },
    dilations: [1, 2],
    pads: [0, 4, 0, 0],
  },
  {
    of: 'DepthwiseConv2dNative of one picture, rate 3',
    graph: inBlocks('DepthwiseConv2dNative', {
      x: x(1, 9, 9, 4),
      rate: list(3, 3),
      paddings: pairs(3, 3, 3, 3),
      filter: constant(x(3, 3, 4, 1)),
      crops: pairs(0, 0, 0, 0),
    }),
    dilations: [3, 3],
    pads: [3, 3, 3, 3],
  },
  {
    of: 'DepthwiseConv2dNative, SAME, rate 4',
    graph: inBlocks('DepthwiseConv2dNative', {
      x: x(2, 10, 8, 4),
      rate: list(4, 4),
      paddings: pairs(4, 6, 4, 4),
      filter: constant(x(3, 3, 4, 1)),
      crops: pairs(0, 2, 0, 0),
    }),
    dilations: [4, 4],
    pads: [4, 4, 4, 4],
  },
])('$of', async ({ graph, dilations, pads }) => {
  const read = await expectSame(graph);
  const engine = await openEngine('node');
  const recipe = parseRecipe({ edgepress: 1, name: 'clean', stages: [cleanUp] });
  const { model } = await runRecipe(read, recipe, { passes: await loadPasses(), engine });
  const conv = model.graph.nodes.find((node) => node.opType === 'Conv')!;
  expect(intsAttribute(conv, 'dilations')).toEqual(dilations);
  expect(intsAttribute(conv, 'pads')).toEqual(pads);
  expect(model.graph.nodes.filter(({ opType }) => ['Slice', 'Pad'].includes(opType))).toEqual([]);
  const feeds = { x: graph.given['x']!.tensor };
  const [before, after] = [await runModel(engine, read, feeds), await runModel(engine, model, feeds)];
  const { difference, magnitude } = largestDifference(before['y']!, after['y']!);
  // Sums in another order.
  expect(difference).toBeLessThanOrEqual(1e-5 * Math.max(1, magnitude));
});
