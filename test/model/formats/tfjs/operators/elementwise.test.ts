/** Operators on each element: arithmetic, functions, comparisons. */
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { numbers } from '../../../../../src/model/ir/tensor.ts';
import { runModel } from '../../../../run-model.ts';
import { checkRows, constant, flags, type Row, readTiny, real, values, whole, x } from '../tiny-graph.ts';

const signed = [-7, 7, -6, 6, 0, 5];
const divisors = [2, -2, 3, -3, 4, 5];

const binaries = [
  'Add',
  'AddV2',
  'Sub',
  'Mul',
  'Maximum',
  'Minimum',
  'SquaredDifference',
  'FloorDiv',
  'RealDiv',
  'Div',
  'DivNoNan',
  'Mod',
  'FloorMod',
];

describe('arithmetic', () => {
  checkRows(
    binaries.flatMap((op): Row[] => [
      { op, of: 'floats', inputs: [x(2, 3), x(3)] },
      { op, of: 'whole numbers', inputs: [whole([6], signed), whole([6], divisors)] },
      { op, of: 'constant', inputs: [x(2, 3), real(1.5)] },
    ]),
  );
  checkRows([
    { op: 'BiasAdd', inputs: [x(1, 2, 2, 3), x(3)] },
    { op: 'AddN', inputs: [x(2, 2), values([2, 2], [1, 2, 3, 4]), x(2, 2)] },
    { op: 'Pow', inputs: [values([3], [1, 2, 3]), values([3], [0.5, 2, -1])] },
    { op: 'Pow', of: 'whole numbers', inputs: [whole([3], [1, -2, 3]), whole([3], [0, 2, 3])] },
    { op: 'DivNoNan', of: 'zero', inputs: [values([3], [1, 0, 3]), values([3], [0, 0, 2])] },
    { op: 'DivNoNan', of: 'zero of whole numbers', inputs: [whole([3], [1, 0, 3]), whole([3], [0, 0, 2])] },
    { op: 'Mul', of: 'mixed types', inputs: [whole([2], [2, 3]), values([2], [0.5, 0.25])] },
  ]);
});

const all = values([2, 5], [-3, -1.5, -0.5, -0.001, 0, 0.001, 0.5, 1, 2.5, 7]);
const inside = values([5], [-0.9, -0.5, 0, 0.001, 0.9]);
const positive = values([4], [0.01, 1, 2.5, 100]);

describe('a function', () => {
  checkRows([
    ...[
      'Abs',
      'Atan',
      'Asinh',
      'Ceil',
      'Cos',
      'Cosh',
      'Elu',
      'Erf',
      'Exp',
      'Expm1',
      'Floor',
      'IsFinite',
      'IsInf',
      'IsNan',
      'Neg',
      'Relu',
      'Relu6',
      'Round',
      'Selu',
      'Sigmoid',
      'Sign',
      'Sin',
      'Sinh',
      'Softplus',
      'Square',
      'Tan',
      'Tanh',
    ].map((op): Row => ({ op, inputs: [all] })),
    ...['Acos', 'Asin', 'Atanh'].map((op): Row => ({ op, inputs: [inside] })),
    ...['Log', 'Sqrt', 'Rsqrt', 'Reciprocal', 'Log1p'].map((op): Row => ({ op, inputs: [positive] })),
    { op: 'Log1p', of: 'near 0', inputs: [values([3], [1e-7, -1e-6, 1e-5])], tolerance: 1e-11 },
    { op: 'Expm1', of: 'near 0', inputs: [values([4], [1e-7, -1e-6, 1e-4, 0])], tolerance: 1e-10 },
    { op: 'Acosh', inputs: [values([3], [1, 2, 10])] },
    ...['Abs', 'Neg', 'Sign', 'Square', 'Relu', 'Relu6'].map(
      (op): Row => ({ op, of: 'whole numbers', inputs: [whole([4], [-3, 0, 2, 9])] }),
    ),
    { op: 'Round', of: 'halves', inputs: [values([6], [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5])] },
    {
      op: 'Atan2',
      inputs: [values([8], [1, 1, -1, -1, 0, 0, 2, -2]), values([8], [1, -1, 1, -1, 1, -1, 0, 0])],
    },
    { op: 'ClipByValue', inputs: [all, real(-1), real(2)] },
    { op: 'ClipByValue', of: 'computed limits', inputs: [all, values([], [-1]), values([], [2])] },
    { op: 'LeakyRelu', inputs: [all], attr: { alpha: { f: 0.3 } } },
    { op: 'LeakyRelu', of: 'no slope', inputs: [all] },
    { op: 'Prelu', inputs: [x(2, 3, 4), constant(x(4))] },
    { op: 'Prelu', of: 'a slope for each place', inputs: [x(2, 3, 4), constant(x(1, 3, 4))] },
  ]);
});

describe('a comparison', () => {
  checkRows([
    ...['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual'].flatMap((op): Row[] => [
      { op, of: 'floats', inputs: [values([3], [1, 2, 3]), values([3], [2, 2, 2])] },
      { op, of: 'whole numbers', inputs: [whole([2, 3], [1, 2, 3, 4, 5, 6]), whole([3], [1, 5, 3])] },
    ]),
    { op: 'Equal', of: 'truth values', inputs: [flags([2], [1, 0]), flags([2], [1, 1])] },
    { op: 'LogicalAnd', inputs: [flags([4], [0, 0, 1, 1]), flags([4], [0, 1, 0, 1])] },
    { op: 'LogicalOr', inputs: [flags([4], [0, 0, 1, 1]), flags([4], [0, 1, 0, 1])] },
    { op: 'LogicalNot', inputs: [flags([2], [0, 1])] },
    ...['Select', 'SelectV2'].flatMap((op): Row[] => [
      { op, inputs: [flags([2, 3], [1, 0, 1, 0, 1, 0]), x(2, 3), values([2, 3], [1, 2, 3, 4, 5, 6])] },
      {
        op,
        of: 'whole numbers',
        inputs: [flags([3], [1, 0, 1]), whole([3], [1, 2, 3]), whole([3], [4, 5, 6])],
      },
      { op, of: 'truth values', inputs: [flags([2], [1, 0]), flags([2], [1, 1]), flags([2], [0, 0])] },
    ]),
  ]);
});

// TensorFlow.js 4.22 looks its inputs up under other names than it gives them, and fails: JavaScript is the oracle.
describe('BitwiseAnd', () => {
  it('has the bits that both have', async () => {
    const [a, b] = [
      [12, -1, -8, 255, 2 ** 31 - 1],
      [10, 7, -3, 170, 2 ** 30],
    ] as const;
    const given = { a: whole([5], a), b: whole([5], b) };
    const nodes = [{ name: 'y', op: 'BitwiseAnd', input: ['a', 'b'] }];
    const model = readTiny({ given, nodes, outputs: ['y'] });
    const feeds = { a: given.a.tensor, b: given.b.tensor };
    const { y } = await runModel(await openEngine('node'), model, feeds);
    expect(numbers(y!)).toEqual(a.map((v, i) => v & b[i]!));
  });
});
