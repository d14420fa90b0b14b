/** Attributes that operators' schemas don't allow are refused before any rule reads them. Oracle: onnxruntime doesn't open or run the
 *  model either, and takes the same one with the attribute mended. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { inspect } from '../../../src/jobs/inspect.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { attributeRules } from '../../../src/model/ops/attributes.ts';
import { inferShapes, isKnownOp } from '../../../src/model/ops/shapes.ts';
import { runModel, seededFeeds } from '../../run-model.ts';

const constants = `float[4,2,3,3] W = {${Array(72).fill(0.5).join()}}, float[2,3,2,2] T = {${Array(24).fill(0.5).join()}},
  float[2] pair = {1, 1}, float[1] one = {1}, float s = {0.5}, uint8[2] zeros = {0, 0}, int64[1] first = {0}, int64[1] k = {1}, int64[1,1,1,1] places = {0},
  int64[2] sizes = {2, 2}, float[1,1,1,1] update = {1}, bool[1] mask = {1}`;

/** The operator reads x [1,2,6,6]. Its answer is summed, so that every shape of it is one. */
const modelOf = (opset: number, call: string, outputs = 't') =>
  parseModel(
    `<ir_version: 8, opset_import: ["" : ${opset}]>
    g (float[1,2,6,6] x) => (float y) < ${constants} > {
      ${outputs} = ${call}
      f = Cast <to = 1> (t)
      y = ReduceSum <keepdims = 0> (f)
    }`,
    'attributes',
  );

interface Case {
  readonly op: string;
  readonly attribute: string;
  readonly opset?: number;
  readonly inputs?: string;
  /** Beside the one that is tried. */
  readonly beside?: string;
  readonly outputs?: string;
  readonly right: readonly string[];
  readonly wrong: readonly string[];
}

const kernel = 'kernel_shape = [2,2]';
const conv = { op: 'Conv', inputs: 'x, W' };
const transposed = { op: 'ConvTranspose', inputs: 'x, T' };
const axis = { attribute: 'axis', right: ['0', '3', '-4'], wrong: ['4', '-5', '[0]'] };

const cases: Case[] = [
  { ...conv, attribute: 'strides', right: ['[1,2]'], wrong: ['[1]', '[1,1,1]', '[0,1]', '2'] },
  { ...conv, attribute: 'dilations', right: ['[1,2]'], wrong: ['[1]', '[1,1,1]', '[-1,1]'] },
  { ...conv, attribute: 'pads', right: ['[0,1,2,1]'], wrong: ['[1,1]', '[1,1,1,1,1,1]', '[-1,0,0,0]'] },
  { ...conv, attribute: 'kernel_shape', right: ['[3,3]'], wrong: ['[3]', '[3,3,3]'] },
  { ...conv, attribute: 'group', right: ['1'], wrong: ['0', '-1'] },
  {
    ...transposed,
    attribute: 'output_padding',
    beside: 'strides = [2,2]',
    right: ['[1,0]'],
    wrong: ['[0]', '[0,0,0]', '[-1,0]'],
  },
  { ...transposed, attribute: 'output_shape', right: ['[7,7]'], wrong: ['[7]', '[3,7,7]', '[1,1,3,7,7]'] },
  ...['MaxPool', 'AveragePool', 'LpPool'].flatMap((op): Case[] => [
    { op, attribute: 'kernel_shape', right: ['[2,3]'], wrong: ['[2]', '[2,2,2]', '[0,2]'] },
    { op, attribute: 'strides', beside: kernel, right: ['[2,1]'], wrong: ['[2]', '[1,1,1]', '[0,1]'] },
    { op, attribute: 'pads', beside: kernel, right: ['[0,1,1,0]'], wrong: ['[1,1]', '[0,0,0,0,0,0]'] },
  ]),
  { op: 'MaxPool', attribute: 'dilations', beside: kernel, right: ['[2,1]'], wrong: ['[2]', '[1,1,1]'] },
  {
    op: 'Transpose',
    attribute: 'perm',
    right: ['[3,1,0,2]'],
    wrong: ['[0,1,2,3,4]', '[0,1,2,2]', '[0,1,2,4]', '[-1,0,1,2]'],
  },
  { op: 'Squeeze', opset: 11, attribute: 'axes', right: ['[0]', '[-4]'], wrong: ['[4]', '[-5]'] },
  {
    op: 'Unsqueeze',
    opset: 11,
    attribute: 'axes',
    right: ['[0,5]', '[-5]'],
    wrong: ['[5]', '[-6]', '[0,6]'],
  },
  { op: 'ReduceMean', opset: 13, attribute: 'axes', right: ['[1,-1]'], wrong: ['[4]', '[-5]'] },
  {
    op: 'Slice',
    opset: 9,
    attribute: 'ends',
    beside: 'starts = [0,1]',
    right: ['[1,2]'],
    wrong: ['[1]', '[1,2,3]'],
  },
  {
    op: 'Slice',
    opset: 9,
    attribute: 'axes',
    beside: 'starts = [1], ends = [3]',
    right: ['[2]', '[-1]'],
    wrong: ['[1,2]', '[4]', '[-5]'],
  },
  {
    op: 'Split',
    opset: 11,
    attribute: 'split',
    beside: 'axis = 2',
    outputs: 't, u',
    right: ['[2,4]', '[0,6]'],
    wrong: ['[6]', '[2,2]', '[2,2,2]', '[-1,7]'],
  },
  {
    op: 'Pad',
    opset: 9,
    attribute: 'pads',
    right: ['[0,0,1,1,0,0,1,1]', '[0,0,-1,0,0,0,0,0]'],
    wrong: ['[1,1,1,1]', '[0,0,0,0,0,0,0]'],
  },
  {
    op: 'Upsample',
    opset: 7,
    attribute: 'scales',
    right: ['[1.0,1.0,2.0,2.0]'],
    wrong: ['[2.0,2.0]', '[1.0,1.0,2.0,2.0,1.0]'],
  },
  {
    op: 'Resize',
    opset: 18,
    inputs: 'x, , pair',
    attribute: 'axes',
    right: ['[2,3]', '[-1,-2]'],
    wrong: ['[2,7]', '[-5,2]'],
  },
  {
    op: 'CenterCropPad',
    opset: 18,
    inputs: 'x, sizes',
    attribute: 'axes',
    right: ['[2,3]'],
    wrong: ['[2,7]', '[-5,2]'],
  },
  { op: 'DepthToSpace', attribute: 'blocksize', right: ['1'], wrong: ['0', '-2'] },
  { op: 'SpaceToDepth', attribute: 'blocksize', right: ['2'], wrong: ['0', '-2'] },
  { op: 'LRN', attribute: 'size', right: ['3'], wrong: ['0', '-3'] },
  {
    op: 'QuantizeLinear',
    inputs: 'x, pair, zeros',
    attribute: 'axis',
    right: ['1', '-3'],
    wrong: ['4', '-5'],
  },
  ...['Softmax', 'LogSoftmax', 'Hardmax', 'ArgMax', 'ArgMin', 'LpNormalization', 'Unique'].map((op) => ({
    ...axis,
    op,
  })),
  { ...axis, op: 'Concat', inputs: 'x, x' },
  { ...axis, op: 'Gather', inputs: 'x, first' },
  { ...axis, op: 'GatherElements', inputs: 'x, places' },
  { ...axis, op: 'ScatterElements', inputs: 'x, places, update' },
  { ...axis, op: 'Compress', inputs: 'x, mask' },
  { ...axis, op: 'TopK', inputs: 'x, k', outputs: 't, u' },
  { op: 'LayerNormalization', inputs: 'x, one', attribute: 'axis', right: ['3', '-1'], wrong: ['-5'] },
  { op: 'Flatten', attribute: 'axis', right: ['4', '0', '-4'], wrong: ['5', '-5'] },
];

const callOf = ({ op, attribute, inputs = 'x', beside }: Case, value: string) =>
  `${op} <${beside ? `${beside}, ` : ''}${attribute} = ${value}> (${inputs})`;

const invalid = expect.objectContaining({ code: 'ATTRIBUTE_INVALID' });

describe('attributes', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine('node');
  });

  for (const one of cases)
    describe(`${one.attribute} of ${one.op}`, () => {
      const model = (value: string) => modelOf(one.opset ?? 17, callOf(one, value), one.outputs);

      it.each(one.right)('%s is taken, as onnxruntime takes it', async (value) => {
        const given = model(value);
        await expect(runModel(engine, given, seededFeeds(given, 1))).resolves.toHaveProperty('y');
        expect(inferShapes(given).missing).toEqual([]);
      });

      it.each(one.wrong)('%s is refused, as onnxruntime refuses it', async (value) => {
        const given = model(value);
        await expect(runModel(engine, given, seededFeeds(given, 1))).rejects.toThrow();
        expect(() => inferShapes(given)).toThrow(invalid);
      });
    });

  it('are named with what was expected, and what came', async () => {
    const model = modelOf(17, 'Conv <strides = [2]> (x, W)');
    const { report } = await inspect(encodeModel(model));
    expect(report.problems.refused).toBe(
      'Attribute "strides" of Conv "t" is [2]; expected: 2 entries, 1 for each spatial axis.',
    );
  });

  it('of a function are those of the call', () => {
    const model = (strides: string) =>
      parseModel(
        `<ir_version: 8, opset_import: ["" : 17, "own" : 1]>
        g (float[1,2,6,6] x) => (float[a,b,c,d] y) <float[4,2,3,3] W = {${Array(72).fill(1).join()}}> {
          y = own.Layer <steps = ${strides}> (x, W)
        }
        <opset_import: ["" : 17], domain: "own">
        Layer <steps> (a, b) => (c) { c = Conv <strides: ints = @steps> (a, b) }`,
        'function',
      );
    expect(inferShapes(model('[2,2]')).missing).toEqual([]);
    expect(() => inferShapes(model('[2]'))).toThrow(invalid);
  });

  it('in a branch that may never run are reported, not refused', () => {
    // onnxruntime opens the model, and runs it while c is true.
    const model = parseModel(
      `<ir_version: 8, opset_import: ["" : 11]>
      g (float[1,2] x, bool c) => (float[a,b] y) {
        y = If (c) <
          then_branch = t () => (float[a,b] u) { u = Identity (x) },
          else_branch = e () => (float[a,b] v) { v = Squeeze <axes = [7]> (x) }
        >
      }`,
      'branch',
    );
    expect(inferShapes(model).missing.map((m) => m.node)).toContain('v');
  });

  it('are looked at where a shape rule reads them', () => {
    expect(Object.keys(attributeRules).filter((key) => !isKnownOp(key))).toEqual([]);
  });
});
