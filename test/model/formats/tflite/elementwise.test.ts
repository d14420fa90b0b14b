/** Arithmetic, functions of single elements, comparisons: what we read computes what LiteRT computes. */
import { beforeAll, describe } from 'vitest';
import type { Engine } from '../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../src/compute/engine/open.ts';
import type { TfliteType } from '../../../../src/model/formats/tflite/codes.ts';
import type { TfliteOptions } from '../../../../src/model/formats/tflite/options.ts';
import { type Case, checkAll, flags, given, list, type Operand, positive, whole } from './one-operator.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});
const check = (cases: readonly Case[]) => checkAll(() => engine, cases);

interface Row {
  readonly op: string;
  readonly inputs: readonly Operand[];
  readonly dims?: readonly number[];
  readonly type?: TfliteType;
  readonly options?: readonly [TfliteOptions, Readonly<Record<string, number | readonly number[]>>];
  readonly tolerance?: number;
}

const rows = (list: readonly Row[]) =>
  check(
    list.map(({ op, inputs, dims, type, options, tolerance }) => ({
      name: `${op} of ${inputs.map(({ tensor }) => `${tensor.dtype}[${tensor.dims}]`).join(', ')}${
        options ? ` ${JSON.stringify(options[1])}` : ''
      }`,
      op,
      inputs,
      outputs: [
        { dims: dims ?? inputs[0]!.tensor.dims, type: type ?? (inputs[0]!.tensor.dtype as TfliteType) },
      ],
      ...(options ? { options } : {}),
      ...(tolerance === undefined ? {} : { tolerance }),
    })),
  );

const fused = {
  ADD: 'AddOptions',
  SUB: 'SubOptions',
  MUL: 'MulOptions',
  DIV: 'DivOptions',
} as const;

describe('arithmetic', () => {
  rows([
    ...Object.entries(fused).flatMap(([op, table]): Row[] => [
      { op, inputs: [given(2, 3, 4), given(3, 1)], options: [table, {}] },
      { op, inputs: [given(2, 3), positive(2, 3)], options: [table, { fusedActivationFunction: 1 }] },
      { op, inputs: [given(2, 3), positive(1)], options: [table, { fusedActivationFunction: 2 }] },
      {
        op,
        inputs: [whole([6], [7, -7, 8, -8, 9, 0]), whole([6], [2, 2, -3, -3, 4, 5])],
        options: [table, {}],
      },
    ]),
    { op: 'FLOOR_DIV', inputs: [whole([4], [7, -7, 8, -8]), whole([4], [2, 2, -3, -3])] },
    { op: 'FLOOR_DIV', inputs: [given(2, 6), positive(2, 6)] },
    { op: 'FLOOR_MOD', inputs: [whole([4], [7, -7, 8, -8]), whole([4], [4, 4, -3, -3])] },
    { op: 'FLOOR_MOD', inputs: [given(2, 6), positive(1)] },
    { op: 'MAXIMUM', inputs: [given(2, 6), given(6)] },
    { op: 'MINIMUM', inputs: [whole([3], [1, -2, 3]), whole([3], [0, 0, 4])] },
    { op: 'POW', inputs: [positive(2, 6), given(2, 6)] },
    { op: 'SQUARED_DIFFERENCE', inputs: [given(2, 6), given(6)] },
    { op: 'ADD_N', inputs: [given(2, 6), given(2, 6), given(2, 6)] },
    { op: 'ATAN2', inputs: [given(2, 6), positive(2, 6)] },
    { op: 'ATAN2', inputs: [given(12), given(12)] },
  ]);
});

describe('functions of an element', () => {
  rows([
    ...[
      'ABS',
      'CEIL',
      'COS',
      'ELU',
      'EXP',
      'FLOOR',
      'HARD_SWISH',
      'LOGISTIC',
      'NEG',
      'RELU',
      'RELU6',
      'RELU_N1_TO_1',
      'RELU_0_TO_1',
      'ROUND',
      'SIGN',
      'SIN',
      'SQUARE',
      'TANH',
      'ZEROS_LIKE',
    ].map((op): Row => ({ op, inputs: [given(3, 20)], tolerance: 2e-5 })),
    ...['LOG', 'RSQRT', 'SQRT'].map((op): Row => ({ op, inputs: [positive(3, 20)] })),
    { op: 'ABS', inputs: [whole([3], [-1, 2, -3])] },
    { op: 'NEG', inputs: [whole([3], [-1, 2, -3])] },
    { op: 'GELU', inputs: [given(3, 20)], options: ['GeluOptions', {}] },
    { op: 'GELU', inputs: [given(3, 20)], options: ['GeluOptions', { approximate: 1 }] },
    { op: 'LEAKY_RELU', inputs: [given(3, 20)], options: ['LeakyReluOptions', { alpha: 0.3 }] },
    { op: 'PRELU', inputs: [given(2, 3, 4, 5), { ...given(1, 1, 5), isConstant: true }] },
    { op: 'SOFTMAX', inputs: [given(3, 5)], options: ['SoftmaxOptions', { beta: 1 }] },
    { op: 'SOFTMAX', inputs: [given(2, 3, 5)], options: ['SoftmaxOptions', { beta: 0.5 }] },
    { op: 'LOG_SOFTMAX', inputs: [given(3, 5)] },
    { op: 'L2_NORMALIZATION', inputs: [given(3, 5)], options: ['L2NormOptions', {}] },
    {
      op: 'LOCAL_RESPONSE_NORMALIZATION',
      inputs: [given(1, 3, 3, 7)],
      options: ['LocalResponseNormalizationOptions', { radius: 2, bias: 1, alpha: 0.1, beta: 0.75 }],
    },
    {
      op: 'FAKE_QUANT',
      inputs: [given(3, 20)],
      options: ['FakeQuantOptions', { min: -1.3, max: 2.1, numBits: 8 }],
    },
    {
      op: 'BUCKETIZE',
      inputs: [given(3, 20)],
      type: 'int32',
      options: ['BucketizeOptions', { boundaries: floats(-1, 0, 0.5, 2) }],
    },
  ]);
});

/** The bits of float32 numbers, as a vector of four-byte numbers has them. */
function floats(...values: number[]): number[] {
  return [...new Int32Array(Float32Array.from(values).buffer)];
}

describe('comparisons, truth values and bits', () => {
  const a = whole([2, 3], [1, 2, 3, 4, 5, 6]);
  const b = whole([3], [1, 3, 3]);
  rows([
    ...['EQUAL', 'NOT_EQUAL', 'GREATER', 'GREATER_EQUAL', 'LESS', 'LESS_EQUAL'].flatMap((op): Row[] => [
      { op, inputs: [a, b], type: 'bool' },
      { op, inputs: [given(2, 3), given(2, 3)], type: 'bool' },
    ]),
    { op: 'LOGICAL_AND', inputs: [flags([4], [1, 1, 0, 0]), flags([4], [1, 0, 1, 0])] },
    { op: 'LOGICAL_OR', inputs: [flags([4], [1, 1, 0, 0]), flags([4], [1, 0, 1, 0])] },
    { op: 'LOGICAL_NOT', inputs: [flags([2], [1, 0])] },
    { op: 'SELECT', inputs: [flags([2], [1, 0]), given(2, 3), given(2, 3)], dims: [2, 3], type: 'float32' },
    { op: 'SELECT', inputs: [flags([2, 3], [1, 0, 0, 1, 1, 0]), given(2, 3), given(2, 3)], type: 'float32' },
    {
      op: 'SELECT_V2',
      inputs: [flags([3], [1, 0, 1]), given(2, 3), given(1)],
      dims: [2, 3],
      type: 'float32',
    },
    { op: 'BITWISE_XOR', inputs: [whole([4], [5, -1, 2 ** 30, -(2 ** 31)]), whole([4], [3, 1, -2, 7])] },
    { op: 'RIGHT_SHIFT', inputs: [whole([4], [5, -17, 2 ** 30, -1]), whole([4], [1, 2, 40, 3])] },
    { op: 'CAST', inputs: [given(2, 9)], type: 'int32' },
    { op: 'CAST', inputs: [list(0, 1, -3)], type: 'bool' },
    { op: 'CAST', inputs: [list(0, 1, -3)], type: 'float32' },
  ]);
});
