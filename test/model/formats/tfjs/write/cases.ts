/** Models of one operator that the writer is tested with, on each backend: one row, one case. ONNX's own tests
 *  (node-tests.test.ts) have many more; here stand forms that exporters write and those tests don't have. */

import { type AttributeInit, float } from '../../../../../src/model/ir/attribute.ts';
import type { DType } from '../../../../../src/model/ir/dtype.ts';
import {
  addInitializer,
  addInput,
  addNode,
  addOutput,
  createModel,
  createValue,
} from '../../../../../src/model/ir/edit.ts';
import type { Model } from '../../../../../src/model/ir/model.ts';
import { elementCount, type Tensor, tensorOf } from '../../../../../src/model/ir/tensor.ts';
import { tensorType } from '../../../../../src/model/ir/type.ts';
import { inferShapes } from '../../../../../src/model/ops/shapes.ts';
import { normalTensor } from '../../../../run-model.ts';

export interface Case {
  readonly name: string;
  readonly op: string;
  /** By default ONNX's own. */
  readonly domain?: string;
  readonly x: Tensor;
  /** Which of the inputs it is; by default the first. The others are constants. */
  readonly at?: number;
  readonly rest?: readonly (Tensor | null)[];
  readonly attributes?: Readonly<Record<string, AttributeInit>>;
  readonly outputs?: number;
  /** Sizes of the input are not in the model. */
  readonly open?: boolean;
}

const ints = (...values: number[]) => tensorOf('int64', [values.length], values);
const scalarOf = (dtype: DType, value: number) => tensorOf(dtype, [], [value]);
const image = normalTensor([2, 4, 9, 8], 1);

export function modelOf(row: Case): Model {
  const { op, domain = '', x, rest = [], attributes = {}, outputs = 1, open = false, at = 0 } = row;
  const opsets = new Map([['', 20], ...(domain ? [[domain, 1] as const] : [])]);
  const model = createModel({ opsets, irVersion: 9 });
  const shape = open ? x.dims.map((d, i) => (i === 1 ? d : `d${i}`)) : x.dims;
  const input = addInput(model.graph, createValue(model.names, 'x', tensorType(x.dtype, shape), true));
  const constants = rest.map((t) => t && addInitializer(model.graph, 'c', t));
  const inputs = constants.toSpliced(at, 0, input);
  const node = addNode(model.graph, { opType: op, domain, name: 'tested', inputs, outputs, attributes });
  for (const v of node.outputs) addOutput(model.graph, v!);
  inferShapes(model);
  return model;
}

const filter = (...dims: number[]) => normalTensor(dims, 2);

function convolutions(): Case[] {
  const both = (row: Case): Case[] => [row, { ...row, name: `${row.name}, open sizes`, open: true }];
  return [
    ...[1, 2, 3].flatMap((stride) =>
      [1, 3, 5].flatMap((kernel) =>
        both({
          name: `${kernel}×${kernel}, stride ${stride}, SAME_UPPER`,
          op: 'Conv',
          x: image,
          rest: [filter(6, 4, kernel, kernel), normalTensor([6], 3)],
          attributes: { strides: [stride, stride], auto_pad: 'SAME_UPPER' },
        }),
      ),
    ),
    ...both({
      name: 'PyTorch’s pads at stride 2',
      op: 'Conv',
      x: image,
      rest: [filter(6, 4, 3, 3)],
      attributes: { strides: [2, 2], pads: [1, 1, 1, 1] },
    }),
    {
      name: 'uneven pads',
      op: 'Conv',
      x: image,
      rest: [filter(6, 4, 3, 3), normalTensor([6], 3)],
      attributes: { pads: [0, 2, 1, 0] },
    },
    {
      name: 'depthwise',
      op: 'Conv',
      x: image,
      rest: [filter(4, 1, 3, 3)],
      attributes: { group: 4, pads: [1, 1, 1, 1] },
    },
    {
      name: 'depthwise, two channels each',
      op: 'Conv',
      x: image,
      rest: [filter(8, 1, 3, 3)],
      attributes: { group: 4 },
    },
    {
      name: 'two groups',
      op: 'Conv',
      x: image,
      rest: [filter(6, 2, 3, 3), normalTensor([6], 3)],
      attributes: { group: 2 },
    },
    { name: 'dilated', op: 'Conv', x: image, rest: [filter(6, 4, 3, 3)], attributes: { dilations: [2, 2] } },
    {
      name: 'dilated and strided',
      op: 'Conv',
      x: image,
      rest: [filter(6, 4, 3, 2)],
      attributes: { dilations: [2, 3], strides: [2, 2] },
    },
    {
      name: 'one axis',
      op: 'Conv',
      x: normalTensor([2, 4, 9], 1),
      rest: [filter(6, 4, 3)],
      attributes: { pads: [1, 1] },
    },
    {
      name: 'three axes, uneven pads',
      op: 'Conv',
      x: normalTensor([1, 2, 5, 6, 7], 1),
      rest: [filter(4, 2, 3, 2, 3)],
      attributes: { pads: [1, 0, 1, 0, 0, 1] },
    },
    ...[1, 2, 3].flatMap((stride) =>
      both({
        name: `stride ${stride}`,
        op: 'ConvTranspose',
        x: image,
        rest: [filter(4, 3, 3, 3), normalTensor([3], 3)],
        attributes: {
          strides: [stride, stride],
          pads: [1, 1, 1, 1],
          output_padding: [stride - 1, stride - 1],
        },
      }),
    ),
    {
      name: 'two groups, dilated',
      op: 'ConvTranspose',
      x: image,
      rest: [filter(4, 3, 3, 3)],
      attributes: { group: 2, dilations: [2, 1] },
    },
  ];
}

function poolings(): Case[] {
  const window = { kernel_shape: [3, 3], strides: [2, 2] };
  return [
    { name: 'pads', op: 'MaxPool', x: image, attributes: { ...window, pads: [1, 1, 1, 1] } },
    { name: 'rounded up', op: 'MaxPool', x: image, attributes: { ...window, ceil_mode: 1 } },
    {
      name: 'halves, rounded up',
      op: 'MaxPool',
      x: image,
      attributes: { kernel_shape: [2, 2], strides: [2, 2], ceil_mode: 1 },
      open: true,
    },
    {
      name: 'volume',
      op: 'MaxPool',
      x: normalTensor([2, 3, 6, 7, 5], 1),
      attributes: { kernel_shape: [2, 3, 2], pads: [0, 1, 0, 1, 1, 0] },
    },
    {
      name: 'pads that don’t count',
      op: 'AveragePool',
      x: image,
      attributes: { ...window, pads: [1, 1, 1, 1] },
    },
    {
      name: 'pads that count',
      op: 'AveragePool',
      x: image,
      attributes: { ...window, pads: [1, 0, 1, 2], count_include_pad: 1 },
    },
    {
      name: 'SAME',
      op: 'AveragePool',
      x: image,
      attributes: { ...window, auto_pad: 'SAME_UPPER' },
      open: true,
    },
    {
      name: 'rounded up',
      op: 'AveragePool',
      x: image,
      attributes: { ...window, ceil_mode: 1, pads: [1, 1, 1, 1] },
    },
    { name: 'global', op: 'GlobalAveragePool', x: image, open: true },
  ];
}

function resizes(): Case[] {
  const to = (...sizes: number[]) => [null, null, ints(...sizes)];
  const modes = ['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel'];
  const all: Case[] = modes.flatMap((mode) =>
    [
      [2, 4, 18, 16],
      [2, 4, 5, 3],
      [2, 4, 13, 11],
    ].flatMap((sizes) => [
      {
        name: `linear, ${mode}, to ${sizes}`,
        op: 'Resize',
        x: image,
        rest: to(...sizes),
        attributes: { mode: 'linear', coordinate_transformation_mode: mode },
      },
      ...['round_prefer_floor', 'floor', 'ceil'].map((nearest_mode) => ({
        name: `nearest, ${mode}, ${nearest_mode}, to ${sizes}`,
        op: 'Resize',
        x: image,
        rest: to(...sizes),
        attributes: { mode: 'nearest', coordinate_transformation_mode: mode, nearest_mode },
      })),
    ]),
  );
  return [
    ...all,
    {
      name: 'twice as large, open sizes',
      op: 'Resize',
      x: image,
      rest: [null, tensorOf('float32', [4], [1, 1, 2, 2])],
      attributes: { mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' },
      open: true,
    },
    {
      name: 'linear, twice as large, open sizes',
      op: 'Resize',
      x: image,
      rest: [null, tensorOf('float32', [4], [1, 1, 2, 2])],
      attributes: { mode: 'linear' },
      open: true,
    },
  ];
}

function rest(): Case[] {
  return [
    {
      name: 'a matrix behind rows, open sizes',
      op: 'MatMul',
      x: normalTensor([2, 3, 4], 1),
      rest: [filter(4, 5)],
      open: true,
    },
    {
      name: 'batches of other ranks',
      op: 'MatMul',
      x: normalTensor([3, 1, 2, 4], 1),
      rest: [filter(2, 4, 5)],
    },
    {
      name: 'turned, scaled',
      op: 'Gemm',
      x: normalTensor([4, 3], 1),
      rest: [filter(5, 4), filter(3, 1)],
      attributes: { transA: 1, transB: 1, alpha: float(0.5), beta: float(2) },
    },
    {
      name: 'three letters',
      op: 'Einsum',
      x: normalTensor([2, 3, 4], 1),
      rest: [filter(2, 4, 5)],
      attributes: { equation: 'bij,bjk->bki' },
    },
    { name: 'four axes', op: 'InstanceNormalization', x: image, rest: [filter(4), normalTensor([4], 3)] },
    {
      name: 'last axis',
      op: 'LayerNormalization',
      x: normalTensor([2, 3, 8], 1),
      rest: [filter(8), normalTensor([8], 3)],
    },
    { name: 'channels', op: 'Softmax', x: image, attributes: { axis: 1 } },
    {
      name: 'negative quotients',
      op: 'Div',
      x: tensorOf('int64', [4], [-7, 7, -8, 6]),
      rest: [ints(2, -2, 4, 3)],
    },
    { name: 'indices from the end', op: 'Gather', x: image, rest: [ints(-1, 0)], attributes: { axis: 1 } },
    {
      name: 'along channels',
      op: 'GatherElements',
      x: normalTensor([2, 3], 1),
      rest: [tensorOf('int64', [2, 2], [2, -1, 0, 1])],
      attributes: { axis: 1 },
    },
    {
      name: 'the smallest, not along the last axis',
      op: 'TopK',
      x: normalTensor([2, 5, 3], 1),
      rest: [ints(2)],
      attributes: { axis: 1, largest: 0 },
      outputs: 2,
    },
    {
      name: 'backwards to the start',
      op: 'Slice',
      x: image,
      rest: [ints(-1), ints(-(2 ** 40)), ints(3), ints(-2)],
    },
    {
      name: 'edges',
      op: 'Pad',
      x: image,
      rest: [ints(0, 0, 1, 2, 0, 0, 0, 3)],
      attributes: { mode: 'edge' },
    },
    {
      name: 'reflected',
      op: 'Pad',
      x: image,
      rest: [ints(0, 0, 1, 2, 0, 0, 0, 3)],
      attributes: { mode: 'reflect' },
    },
    { name: 'copied and open sizes', op: 'Reshape', x: image, rest: [ints(0, -1, 4)], open: true },
    { name: 'open sizes', op: 'Flatten', x: image, open: true },
    {
      name: 'CRD',
      op: 'DepthToSpace',
      x: normalTensor([2, 8, 3, 4], 1),
      attributes: { blocksize: 2, mode: 'CRD' },
    },
    { name: 'blocks', op: 'SpaceToDepth', x: normalTensor([2, 3, 4, 6], 1), attributes: { blocksize: 2 } },
    { name: 'five channels', op: 'LRN', x: image, attributes: { size: 3, alpha: float(0.1) } },
    { name: 'to the power of 3', op: 'Pow', x: image, rest: [scalarOf('float32', 3)] },
    { name: 'slopes', op: 'PRelu', x: image, rest: [filter(4, 1, 1)] },
    { name: 'below the diagonal', op: 'Trilu', x: image, attributes: { upper: 0 }, open: true },
  ];
}

function recurrent(): Case[] {
  const x = normalTensor([20, 2, 3], 1);
  const weights = (gates: number, directions: number) => [
    filter(directions, gates * 4, 3),
    normalTensor([directions, gates * 4, 4], 3),
    normalTensor([directions, gates * 8], 4),
  ];
  const all: Case[] = [
    { op: 'LSTM', gates: 4, outputs: 3, more: {} },
    { op: 'GRU', gates: 3, outputs: 2, more: {} },
    { op: 'GRU', gates: 3, outputs: 2, more: { linear_before_reset: 1 } },
    { op: 'RNN', gates: 1, outputs: 2, more: {} },
  ].flatMap(({ op, gates, outputs, more }) =>
    ['forward', 'reverse', 'bidirectional'].flatMap((direction) =>
      [20, 5].map((steps) => ({
        name: `${direction}, ${steps} steps ${Object.keys(more)}`,
        ...{ op, outputs },
        x: tensorOf(
          'float32',
          [steps, 2, 3],
          Array.from({ length: elementCount([steps, 2, 3]) }, (_, i) => Math.sin(i)),
        ),
        rest: weights(gates, direction === 'bidirectional' ? 2 : 1),
        attributes: { hidden_size: 4, direction, ...more },
      })),
    ),
  );
  return [
    ...all,
    {
      name: 'peepholes',
      op: 'LSTM',
      x,
      rest: [...weights(4, 1), null, null, null, normalTensor([1, 12], 5)],
      attributes: { hidden_size: 4 },
      outputs: 3,
    },
    {
      name: 'activations of its own in each direction',
      op: 'LSTM',
      x: normalTensor([5, 2, 3], 1),
      rest: weights(4, 2),
      attributes: {
        hidden_size: 4,
        direction: 'bidirectional',
        activations: ['HardSigmoid', 'Relu', 'Tanh', 'Sigmoid', 'Elu', 'HardSigmoid'],
      },
      outputs: 3,
    },
  ];
}

const random = (dims: readonly number[], below: number, from = 0) =>
  Array.from({ length: elementCount(dims) }, (_, i) => from + ((i * 7919) % below));

/** Weights in blocks, as com.microsoft packs them. */
function blocked(): Case[] {
  const domain = 'com.microsoft';
  const bytes = (dims: readonly number[], below = 256) => tensorOf('uint8', dims, random(dims, below));
  const scales = (...dims: number[]) => normalTensor(dims, 3);
  const x = normalTensor([2, 3, 80], 1);
  const product = (columns: number, block: number, bits = 4) => ({
    ...{ op: 'MatMulNBits', domain },
    attributes: { N: 24, K: columns, bits, block_size: block },
  });
  const rows = (bits: number, block: number) => ({
    ...{ op: 'GatherBlockQuantized', domain, at: 1 },
    x: tensorOf('int64', [2, 3], [0, 5, 2, 1, 7, 39]),
    attributes: { bits, block_size: block, gather_axis: 0, quantize_axis: 1 },
  });
  return [
    { name: 'symmetric', ...product(80, 16), x, rest: [bytes([24, 5, 8]), scales(24, 5)] },
    {
      name: 'a last block that is not full',
      ...product(80, 32),
      x,
      rest: [bytes([24, 3, 16]), scales(24, 3)],
    },
    {
      name: 'zero points',
      ...product(80, 16),
      x,
      rest: [bytes([24, 5, 8]), scales(24, 5), bytes([24, 3])],
      open: true,
    },
    {
      name: 'real zero points and a bias',
      ...product(80, 16),
      x,
      rest: [bytes([24, 5, 8]), scales(24, 5), normalTensor([24, 5], 4), null, normalTensor([24], 5)],
    },
    {
      name: '8 bits',
      ...product(80, 16, 8),
      x,
      rest: [bytes([24, 5, 16]), scales(24, 5), bytes([24, 5])],
    },
    { name: 'rows', ...rows(4, 16), rest: [bytes([40, 24]), scales(40, 3)] },
    { name: 'rows, open sizes', ...rows(4, 16), rest: [bytes([40, 24]), scales(40, 3)], open: true },
    {
      name: 'rows, zero points',
      ...rows(4, 16),
      rest: [bytes([40, 24]), scales(40, 3), bytes([40, 2])],
    },
    { name: 'rows, 8 bits', ...rows(8, 16), rest: [bytes([40, 48]), scales(40, 3)] },
    {
      name: 'rows of int4, a last block that is not full',
      ...rows(4, 32),
      rest: [tensorOf('int4', [40, 40], random([40 * 40], 16, -8)), scales(40, 2)],
    },
  ];
}

/** Operators of integers, as onnxruntime.quantization writes them. Scales are such that no result is half-way between two
 *  steps, where kernels differ. */
function integers(): Case[] {
  const domain = 'com.microsoft';
  const codes = (dtype: 'uint8' | 'int8', dims: readonly number[]) =>
    tensorOf(dtype, dims, random(dims, 256, dtype === 'int8' ? -128 : 0));
  const scale = (value: number) => scalarOf('float32', value);
  const zero = (value: number) => scalarOf('uint8', value);
  const each = (...values: number[]) => tensorOf('float32', [values.length], values);
  const x = codes('uint8', [2, 4, 9, 8]);
  const weight = codes('int8', [6, 4, 3, 3]);
  const own = tensorOf('int8', [6], [0, 3, -2, 5, 0, 1]);
  const bias = tensorOf('int32', [6], [1000, -2000, 30, 0, 5, -70000]);
  const steps = each(0.01, 0.02, 0.03, 0.011, 0.012, 0.013);
  const to = [scale(0.9), zero(120)];
  const rows = codes('uint8', [2, 3, 20]);
  const matrix = codes('int8', [20, 6]);
  const left = [scale(0.05), zero(100)];
  const reals = normalTensor([3, 20], 1);
  const slope = float(0.1);
  const pads = { pads: [1, 1, 1, 1] };
  return [
    {
      name: 'one zero point',
      op: 'ConvInteger',
      x,
      rest: [weight, zero(7), scalarOf('int8', 3)],
      attributes: pads,
    },
    {
      name: 'sums beyond what a float holds',
      op: 'ConvInteger',
      x: tensorOf('uint8', [1, 80, 3, 3], new Uint8Array(720).fill(255)),
      rest: [tensorOf('int8', [2, 80, 3, 3], new Int8Array(1440).fill(127))],
    },
    {
      name: 'channels',
      op: 'QLinearConv',
      x,
      rest: [...left, weight, steps, own, ...to, bias],
      attributes: pads,
    },
    {
      name: 'one scale',
      op: 'QLinearConv',
      x,
      rest: [...left, weight, scale(0.02), scalarOf('int8', 0), ...to],
    },
    {
      name: 'depthwise',
      op: 'QLinearConv',
      x,
      rest: [...left, codes('uint8', [4, 1, 3, 3]), scale(0.02), zero(131), scale(0.3), zero(128)],
      attributes: { group: 4, ...pads },
    },
    { name: 'columns', op: 'QLinearMatMul', x: rows, rest: [...left, matrix, steps, own, ...to] },
    { name: 'columns', op: 'MatMulInteger', x: codes('uint8', [3, 20]), rest: [matrix, zero(3), own] },
    {
      name: 'to integers',
      ...{ op: 'QGemm', domain },
      x: codes('uint8', [3, 20]),
      rest: [...left, codes('int8', [6, 20]), steps, own, bias, ...to],
      attributes: { transB: 1 },
    },
    {
      name: 'to floats',
      ...{ op: 'QGemm', domain },
      x: codes('uint8', [3, 20]),
      rest: [...left, matrix, scale(0.02), scalarOf('int8', 4), bias],
    },
    {
      name: 'columns',
      ...{ op: 'MatMulIntegerToFloat', domain },
      x: codes('uint8', [3, 20]),
      rest: [matrix, scale(0.1), steps, zero(9), own, normalTensor([6], 4)],
    },
    {
      name: 'columns',
      ...{ op: 'DynamicQuantizeMatMul', domain },
      x: reals,
      rest: [matrix, steps, own, normalTensor([6], 4)],
    },
    {
      name: 'broadcast',
      ...{ op: 'QLinearAdd', domain },
      x,
      rest: [...left, codes('uint8', [4, 1, 1]), scale(0.03), zero(90), scale(0.0937), zero(110)],
    },
    {
      name: 'broadcast',
      ...{ op: 'QLinearMul', domain },
      x,
      rest: [...left, codes('uint8', [4, 1, 1]), scale(0.03), zero(90), scale(0.0937), zero(110)],
    },
    {
      name: 'sigmoid',
      ...{ op: 'QLinearSigmoid', domain },
      x: rows,
      rest: [...left, scale(1 / 256), zero(0)],
    },
    {
      name: 'slope',
      ...{ op: 'QLinearLeakyRelu', domain },
      x: rows,
      rest: [...left, scale(0.06), zero(20)],
      attributes: { alpha: slope },
    },
    {
      name: 'rows',
      ...{ op: 'QLinearSoftmax', domain },
      x: rows,
      rest: [...left, scale(1 / 256), zero(0)],
      attributes: { axis: -1, opset: 13 },
    },
    {
      name: 'maps',
      ...{ op: 'QLinearGlobalAveragePool', domain },
      x,
      rest: [...left, scale(0.02), zero(100)],
    },
    {
      name: 'windows',
      ...{ op: 'QLinearAveragePool', domain },
      x,
      rest: [...left, scale(0.0413), zero(100)],
      attributes: { kernel_shape: [3, 3], ...pads },
    },
    {
      name: 'other steps',
      ...{ op: 'QLinearConcat', domain, at: 2 },
      x,
      rest: [scale(0.07), zero(80), ...left, codes('uint8', [2, 1, 9, 8]), scale(0.03), zero(3)],
      attributes: { axis: 1 },
    },
  ];
}

export const operatorCases: Readonly<Record<string, readonly Case[]>> = {
  convolutions: convolutions(),
  poolings: poolings(),
  resizes: resizes(),
  'products, normalisations and the rest': rest(),
  'recurrent networks': recurrent(),
  'weights in blocks': blocked(),
  integers: integers(),
};
