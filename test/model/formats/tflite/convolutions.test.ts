/** Convolutions, pools and products, in float and quantised: what we read computes what LiteRT computes. */

import { beforeAll, describe } from 'vitest';
import type { Engine } from '../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../src/compute/engine/open.ts';
import { type Tensor, tensorOf } from '../../../../src/model/ir/tensor.ts';
import { normalTensor } from '../../../run-model.ts';

import { type Case, checkAll, given, list, type Operand, weights } from './one-operator.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});
const check = (cases: readonly Case[]) => checkAll(() => engine, cases);

const windows = [1, 2, 3].flatMap((stride) =>
  [1, 2, 3, 5].flatMap((kernel) => [0, 1].map((padding) => ({ stride, kernel, padding }))),
);
const named = ({ stride, kernel, padding }: (typeof windows)[number]) =>
  `${kernel}×${kernel}, stride ${stride}, ${padding ? 'VALID' : 'SAME'}`;
const size = (from: number, { stride, kernel, padding }: (typeof windows)[number]) =>
  padding ? Math.ceil((from - kernel + 1) / stride) : Math.ceil(from / stride);

describe('CONV_2D', () => {
  check(
    windows.map((window) => ({
      name: named(window),
      op: 'CONV_2D',
      inputs: [given(2, 9, 8, 3), weights(4, window.kernel, window.kernel, 3), weights(4)],
      outputs: [{ dims: [2, size(9, window), size(8, window), 4] }],
      options: ['Conv2DOptions', { padding: window.padding, strideH: window.stride, strideW: window.stride }],
      transposes: 2,
    })),
  );
  const settings = { padding: 0, strideH: 1, strideW: 1 };
  check([
    ...[0, 1, 2, 3].map(
      (fused): Case => ({
        name: `activation ${fused}`,
        op: 'CONV_2D',
        inputs: [given(1, 5, 5, 3), weights(4, 3, 3, 3), weights(4)],
        outputs: [{ dims: [1, 5, 5, 4] }],
        options: ['Conv2DOptions', { ...settings, fusedActivationFunction: fused }],
      }),
    ),
    {
      name: 'dilated',
      op: 'CONV_2D',
      inputs: [given(1, 9, 8, 2), weights(3, 3, 3, 2), weights(3)],
      outputs: [{ dims: [1, 9, 8, 3] }],
      options: ['Conv2DOptions', { ...settings, dilationHFactor: 2, dilationWFactor: 3 }],
    },
    {
      name: 'in groups',
      op: 'CONV_2D',
      inputs: [given(1, 6, 6, 4), weights(6, 3, 3, 2), weights(6)],
      outputs: [{ dims: [1, 6, 6, 6] }],
      options: ['Conv2DOptions', settings],
    },
    ...[5, 6].map(
      (height): Case => ({
        name: `of an open height (${height}), stride 2`,
        op: 'CONV_2D',
        inputs: [{ ...given(1, height, 6, 2), open: [1] }, weights(3, 3, 3, 2), weights(3)],
        outputs: [{ dims: [1, 3, 3, 3] }],
        options: ['Conv2DOptions', { padding: 0, strideH: 2, strideW: 2 }],
      }),
    ),
    {
      name: 'of an open batch and height, stride 1',
      op: 'CONV_2D',
      inputs: [{ ...given(2, 6, 6, 2), open: [0, 1] }, weights(3, 3, 3, 2), weights(3)],
      outputs: [{ dims: [2, 6, 6, 3] }],
      options: ['Conv2DOptions', settings],
    },
  ]);
});

describe('DEPTHWISE_CONV_2D', () => {
  check(
    windows.flatMap((window) =>
      [1, 2].map((multiplier) => ({
        name: `${named(window)}, multiplier ${multiplier}`,
        op: 'DEPTHWISE_CONV_2D',
        inputs: [
          given(1, 9, 8, 3),
          weights(1, window.kernel, window.kernel, 3 * multiplier),
          weights(3 * multiplier),
        ],
        outputs: [{ dims: [1, size(9, window), size(8, window), 3 * multiplier] }],
        options: [
          'DepthwiseConv2DOptions',
          {
            padding: window.padding,
            strideH: window.stride,
            strideW: window.stride,
            depthMultiplier: multiplier,
          },
        ],
      })),
    ),
  );
});

describe('pools', () => {
  check(
    ['AVERAGE_POOL_2D', 'MAX_POOL_2D', 'L2_POOL_2D'].flatMap((op) =>
      windows.map((window) => ({
        name: `${op} ${named(window)}`,
        op,
        inputs: [given(1, 9, 8, 3)],
        outputs: [{ dims: [1, size(9, window), size(8, window), 3] }],
        options: [
          'Pool2DOptions',
          {
            padding: window.padding,
            strideH: window.stride,
            strideW: window.stride,
            filterWidth: window.kernel,
            filterHeight: window.kernel,
          },
        ] as const,
      })),
    ),
  );
});

describe('TRANSPOSE_CONV', () => {
  check(
    windows.flatMap((window): Case[] => {
      const { stride, kernel, padding } = window;
      const grown = (from: number) =>
        padding ? (from - 1) * stride + Math.max(kernel, stride) : from * stride;
      const dims = [1, grown(5), grown(4), 3];
      return [
        {
          name: named(window),
          op: 'TRANSPOSE_CONV',
          inputs: [list(...dims), weights(3, kernel, kernel, 2), given(1, 5, 4, 2)],
          outputs: [{ dims }],
          options: ['TransposeConvOptions', { padding, strideH: stride, strideW: stride }],
        },
      ];
    }),
  );
  check([
    {
      name: 'of an odd size that a stride of 2 makes even',
      op: 'TRANSPOSE_CONV',
      inputs: [list(1, 9, 7, 3), weights(3, 3, 3, 2), given(1, 5, 4, 2), weights(3)],
      outputs: [{ dims: [1, 9, 7, 3] }],
      options: ['TransposeConvOptions', { padding: 0, strideH: 2, strideW: 2, fusedActivationFunction: 1 }],
    },
  ]);
});

describe('Convolution2DTransposeBias of MediaPipe', () => {
  const settings = (padding: number, stride: number) =>
    new Uint8Array(Int32Array.of(padding, stride, stride, 0, 0).buffer);
  check(
    [
      { padding: 1, stride: 2, kernel: 2, sizes: [9, 8] },
      { padding: 1, stride: 2, kernel: 3, sizes: [9, 8] },
      { padding: 2, stride: 2, kernel: 3, sizes: [11, 9] },
    ].map(({ padding, stride, kernel, sizes }) => ({
      name: `${kernel}×${kernel}, stride ${stride}, ${padding === 1 ? 'SAME' : 'VALID'}`,
      op: 'Convolution2DTransposeBias',
      inputs: [given(1, 5, 4, 2), weights(3, kernel, kernel, 2), weights(3)],
      outputs: [{ dims: [1, ...sizes, 3] }],
      customOptions: settings(padding, stride),
      // Only XNNPACK knows it.
      delegate: true,
    })),
  );
});

describe('FULLY_CONNECTED', () => {
  check([
    {
      name: 'of rows',
      op: 'FULLY_CONNECTED',
      inputs: [given(3, 5), weights(4, 5), weights(4)],
      outputs: [{ dims: [3, 4] }],
      options: ['FullyConnectedOptions', { fusedActivationFunction: 1 }],
    },
    {
      name: 'that flattens, no bias',
      op: 'FULLY_CONNECTED',
      inputs: [given(2, 3, 5), weights(4, 15), null],
      outputs: [{ dims: [2, 4] }],
      options: ['FullyConnectedOptions', {}],
    },
    {
      name: 'that keeps axes',
      op: 'FULLY_CONNECTED',
      inputs: [given(2, 3, 5), weights(4, 5), weights(4)],
      outputs: [{ dims: [2, 3, 4] }],
      options: ['FullyConnectedOptions', { keepNumDims: 1 }],
    },
    {
      name: 'of weights that are computed',
      op: 'FULLY_CONNECTED',
      inputs: [given(3, 5), given(4, 5)],
      outputs: [{ dims: [3, 4] }],
      options: ['FullyConnectedOptions', {}],
    },
  ]);
});

/** Integers over the whole range of a type. */
const codes = (dims: readonly number[], dtype: 'int8' | 'uint8', seed: number): Tensor => {
  const low = dtype === 'int8' ? -128 : 0;
  const real = normalTensor(dims, seed);
  const values = new Float32Array(real.bytes().slice().buffer);
  return tensorOf(
    dtype,
    dims,
    Array.from(values, (v) => Math.max(low, Math.min(low + 255, Math.round(v * 50) + low + 128))),
  );
};
const input = (dims: readonly number[], dtype: 'int8' | 'uint8' = 'int8'): Operand => ({
  tensor: codes(dims, dtype, 3),
  more: { scale: [0.02], zeroPoint: [dtype === 'int8' ? -3 : 125] },
});
const perChannel = (dims: readonly number[], axis: number): Operand => {
  const count = dims[axis]!;
  return {
    tensor: codes(dims, 'int8', 5),
    isConstant: true,
    more: { scale: Array.from({ length: count }, (_, i) => 0.01 + 0.003 * i), axis },
  };
};
const bias = (count: number, scales: readonly number[]): Operand => ({
  tensor: tensorOf(
    'int32',
    [count],
    Array.from({ length: count }, (_, i) => 100 * (i - 1)),
  ),
  isConstant: true,
  more: { scale: scales },
});
const channelScales = (count: number) => Array.from({ length: count }, (_, i) => 0.02 * (0.01 + 0.003 * i));
const integers = (dims: readonly number[], type: 'int8' | 'uint8' = 'int8') => ({
  dims,
  type,
  more: { scale: [0.05], zeroPoint: [type === 'int8' ? 4 : 132] },
});

// One step: LiteRT multiplies by a scale of 31 bits and rounds half away from zero.
describe('integers', () => {
  check([
    {
      name: 'CONV_2D, int8 with a scale for each channel',
      op: 'CONV_2D',
      inputs: [input([1, 6, 6, 3]), perChannel([4, 3, 3, 3], 0), bias(4, channelScales(4))],
      outputs: [integers([1, 6, 6, 4])],
      options: ['Conv2DOptions', { padding: 0, strideH: 1, strideW: 1, fusedActivationFunction: 1 }],
      tolerance: 1,
    },
    {
      name: 'CONV_2D, uint8 weights with a zero point',
      op: 'CONV_2D',
      inputs: [
        input([1, 6, 6, 3], 'uint8'),
        {
          tensor: codes([4, 3, 3, 3], 'uint8', 6),
          isConstant: true,
          more: { scale: [0.01], zeroPoint: [121] },
        },
        bias(4, [0.0002]),
      ],
      outputs: [integers([1, 3, 3, 4], 'uint8')],
      options: ['Conv2DOptions', { padding: 0, strideH: 2, strideW: 2 }],
      tolerance: 1,
    },
    {
      name: 'DEPTHWISE_CONV_2D',
      op: 'DEPTHWISE_CONV_2D',
      inputs: [input([1, 6, 6, 4]), perChannel([1, 3, 3, 4], 3), bias(4, channelScales(4))],
      outputs: [integers([1, 6, 6, 4])],
      options: [
        'DepthwiseConv2DOptions',
        { padding: 0, strideH: 1, strideW: 1, depthMultiplier: 1, fusedActivationFunction: 3 },
      ],
      tolerance: 1,
    },
    {
      name: 'FULLY_CONNECTED',
      op: 'FULLY_CONNECTED',
      inputs: [
        input([3, 8]),
        { tensor: codes([5, 8], 'int8', 6), isConstant: true, more: { scale: [0.01] } },
        bias(5, [0.0002]),
      ],
      outputs: [integers([3, 5])],
      options: ['FullyConnectedOptions', {}],
      tolerance: 1,
    },
    {
      name: 'TRANSPOSE_CONV',
      op: 'TRANSPOSE_CONV',
      inputs: [list(1, 8, 8, 3), perChannel([3, 3, 3, 2], 0), input([1, 4, 4, 2]), bias(3, channelScales(3))],
      outputs: [integers([1, 8, 8, 3])],
      options: ['TransposeConvOptions', { padding: 0, strideH: 2, strideW: 2 }],
      tolerance: 1,
    },
    ...['AVERAGE_POOL_2D', 'MAX_POOL_2D'].map(
      (op): Case => ({
        name: op,
        op,
        inputs: [input([1, 6, 6, 3])],
        outputs: [{ dims: [1, 3, 3, 3], type: 'int8', more: { scale: [0.02], zeroPoint: [-3] } }],
        options: ['Pool2DOptions', { padding: 0, strideH: 2, strideW: 2, filterWidth: 3, filterHeight: 3 }],
        tolerance: op === 'MAX_POOL_2D' ? 0 : 1,
      }),
    ),
    {
      name: 'ADD',
      op: 'ADD',
      inputs: [input([1, 4, 4, 3]), { ...input([1, 4, 4, 3]), more: { scale: [0.03], zeroPoint: [5] } }],
      outputs: [integers([1, 4, 4, 3])],
      options: ['AddOptions', { fusedActivationFunction: 1 }],
      tolerance: 1,
    },
    {
      name: 'MUL',
      op: 'MUL',
      inputs: [input([1, 4, 4, 3]), input([1, 1, 1, 3])],
      outputs: [integers([1, 4, 4, 3])],
      options: ['MulOptions', {}],
      tolerance: 1,
    },
    {
      name: 'SOFTMAX',
      op: 'SOFTMAX',
      inputs: [input([2, 10])],
      outputs: [{ dims: [2, 10], type: 'int8', more: { scale: [1 / 256], zeroPoint: [-128] } }],
      options: ['SoftmaxOptions', { beta: 1 }],
      tolerance: 1,
    },
    {
      name: 'RESHAPE',
      op: 'RESHAPE',
      inputs: [input([2, 12]), list(2, 3, 4)],
      outputs: [{ dims: [2, 3, 4], type: 'int8', more: { scale: [0.02], zeroPoint: [-3] } }],
      options: ['ReshapeOptions', {}],
    },
    {
      name: 'CONV_2D, activations of 16 bits',
      op: 'CONV_2D',
      inputs: [
        {
          tensor: tensorOf(
            'int16',
            [1, 4, 4, 2],
            Array.from({ length: 32 }, (_, i) => ((i * 4001) % 60000) - 30000),
          ),
          more: { scale: [0.0001] },
        },
        perChannel([3, 3, 3, 2], 0),
        {
          tensor: tensorOf('int64', [3], [1000, -2000, 3000]),
          isConstant: true,
          more: { scale: [0.000001, 0.0000013, 0.0000016] },
        },
      ],
      outputs: [{ dims: [1, 4, 4, 3], type: 'int16', more: { scale: [0.001] } }],
      options: ['Conv2DOptions', { padding: 0, strideH: 1, strideW: 1 }],
      tolerance: 1,
    },
    {
      name: 'QUANTIZE from float',
      op: 'QUANTIZE',
      inputs: [given(2, 30)],
      outputs: [integers([2, 30])],
    },
    {
      name: 'QUANTIZE from uint8',
      op: 'QUANTIZE',
      inputs: [input([2, 30], 'uint8')],
      outputs: [integers([2, 30])],
      tolerance: 1,
    },
    {
      name: 'DEQUANTIZE',
      op: 'DEQUANTIZE',
      inputs: [input([2, 30])],
      outputs: [{ dims: [2, 30] }],
    },
  ]);
});
