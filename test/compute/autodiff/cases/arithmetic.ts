import { tensorOf } from '../../../../src/model/ir/tensor.ts';
import type { GradientCase } from '../check-gradient.ts';

const list = (...values: number[]) => tensorOf('float32', [values.length], values);

/** Functions of one input, over points inside their domain and away from where they have no derivative. */
const functions: readonly (readonly [
  op: string,
  torch: string,
  points: readonly number[],
  tolerance?: number,
])[] = [
  ['Neg', '-x0', [-1.5, 0, 2]],
  ['Abs', 'x0.abs()', [-1.5, -0.3, 0.4, 2]],
  ['Reciprocal', '1 / x0', [-1.5, -0.8, 0.9, 2]],
  ['Exp', 'x0.exp()', [-2, 0, 1.2]],
  ['Log', 'x0.log()', [0.4, 1, 3]],
  ['Sqrt', 'x0.sqrt()', [0.4, 1, 3]],
  ['Sin', 'x0.sin()', [-2, 0, 1.2]],
  ['Cos', 'x0.cos()', [-2, 0.3, 1.2]],
  ['Tan', 'x0.tan()', [-1, 0.3, 1]],
  ['Asin', 'x0.asin()', [-0.8, 0, 0.6]],
  ['Acos', 'x0.acos()', [-0.8, 0, 0.6]],
  ['Atan', 'x0.atan()', [-3, 0, 0.6]],
  ['Sinh', 'x0.sinh()', [-1.5, 0, 0.6]],
  ['Cosh', 'x0.cosh()', [-1.5, 0.1, 0.6]],
  ['Asinh', 'x0.asinh()', [-1.5, 0, 0.6]],
  ['Acosh', 'x0.acosh()', [1.4, 2, 3]],
  ['Atanh', 'x0.atanh()', [-0.7, 0, 0.6]],
  ['Erf', 'x0.erf()', [-1.5, 0, 0.6]],
  ['Identity', 'x0', [-1.5, 0, 0.6]],
];

const power = (name: string, exponent: number, points: readonly number[]): GradientCase => ({
  name: `Pow to the constant ${name}`,
  inputs: [list(...points)],
  build: (e, x) => e.op('Pow', [x, exponent]),
  torch: `x0 ** ${exponent}`,
});

export const arithmeticCases: readonly GradientCase[] = [
  { name: 'Add', inputs: [[2, 3], [3]], build: (e, a, b) => e.op('Add', [a, b]), torch: 'x0 + x1' },
  {
    name: 'Sub',
    inputs: [
      [2, 3],
      [2, 1],
    ],
    build: (e, a, b) => e.op('Sub', [a, b]),
    torch: 'x0 - x1',
  },
  { name: 'Mul', inputs: [[2, 3], []], build: (e, a, b) => e.op('Mul', [a, b]), torch: 'x0 * x1' },
  { name: 'Mul by itself', inputs: [[2, 3]], build: (e, a) => e.op('Mul', [a, a]), torch: 'x0 * x0' },
  {
    name: 'Mul of two that are both repeated',
    inputs: [
      [2, 1, 3],
      [4, 1],
    ],
    build: (e, a, b) => e.op('Mul', [a, b]),
    torch: 'x0 * x1',
  },
  {
    name: 'Div by fewer elements',
    inputs: [[2, 3], list(1.5, -2, 0.8)],
    build: (e, a, b) => e.op('Div', [a, b]),
    torch: 'x0 / x1',
  },
  {
    name: 'Div of fewer elements',
    inputs: [[], list(1.5, -2, 0.8)],
    build: (e, a, b) => e.op('Div', [a, b]),
    torch: 'x0 / x1',
  },
  power('2', 2, [-1.5, 0, 0.6]),
  power('3', 3, [-1.5, 0.1, 0.6]),
  power('1/2', 0.5, [0.4, 1, 3]),
  power('-1', -1, [-1.5, 0.8, 2]),
  power('1.7', 1.7, [0.4, 1, 3]),
  {
    name: 'Pow of tensors',
    inputs: [list(0.5, 1.5, 2), list(2, -1.5, 0.7)],
    build: (e, a, b) => e.op('Pow', [a, b]),
    torch: 'x0 ** x1',
  },
  {
    name: 'Pow to exponent 0 and of base 0',
    inputs: [list(0.5, 0, 2), list(0, 2, 1)],
    build: (e, a, b) => e.op('Pow', [a, b]),
    wrt: [0],
    torch: 'x0 ** x1',
  },
  {
    name: 'Pow to a constant of integers',
    inputs: [[2, 3]],
    build: (e, a) => e.op('Pow', [a, e.ints([1, 2, 3])]),
    torch: 'x0 ** torch.tensor([1, 2, 3])',
  },
  {
    name: 'Min of two',
    inputs: [list(-1, 0.2, 2), list(0.5)],
    build: (e, a, b) => e.op('Min', [a, b]),
    torch: 'torch.minimum(x0, x1)',
  },
  {
    name: 'Max of three',
    inputs: [tensorOf('float32', [2, 2], [1, -2, 0.5, 3]), list(-1, 0.4), list(0.7, 0.1)],
    build: (e, ...x) => e.op('Max', x),
    torch: 'torch.maximum(torch.maximum(x0, x1), x2)',
  },
  {
    name: 'Max at a tie shares the gradient out',
    inputs: [list(1, 2), list(1, 0)],
    build: (e, a, b) => e.op('Max', [a, b]),
    torch: 'torch.maximum(x0, x1)',
  },
  {
    name: 'Mod (fmod)',
    inputs: [list(5.3, -5.3, 1.1), list(1.7, 1.7, -0.8)],
    build: (e, a, b) => e.op('Mod', [a, b], { fmod: 1 }),
    torch: 'torch.fmod(x0, x1)',
  },
  {
    name: 'Sum',
    inputs: [[2, 3], [3], [2, 1]],
    build: (e, ...x) => e.op('Sum', x),
    torch: 'x0 + x1 + x2',
  },
  {
    name: 'Mean',
    inputs: [[2, 3], [3], [2, 1]],
    build: (e, ...x) => e.op('Mean', x),
    torch: '(x0 + x1 + x2) / 3',
  },
  {
    name: 'Clip',
    inputs: [list(-2, -0.3, 0.4, 3), tensorOf('float32', [], [-1]), tensorOf('float32', [], [1.5])],
    build: (e, ...x) => e.op('Clip', x),
    torch: 'torch.clamp(x0, x1, x2)',
  },
  {
    name: 'Clip from above only',
    inputs: [list(-2, 0.4, 3)],
    build: (e, x) => e.op('Clip', [x, null, 1]),
    torch: 'torch.clamp(x0, max=1)',
  },
  {
    name: 'Where',
    inputs: [tensorOf('bool', [2, 1], [1, 0]), [2, 3], [3]],
    build: (e, ...x) => e.op('Where', x),
    torch: 'torch.where(x0, x1, x2)',
  },
  {
    name: 'Cast to double and back',
    inputs: [[2, 3]],
    build: (e, x) =>
      e.op('Cast', [e.op('Mul', [e.op('Cast', [x], { to: 11 }), e.scalar(3, 'float64')])], { to: 1 }),
    torch: '(x0.double() * 3).float()',
  },
  ...functions.map(
    ([op, torch, points, tolerance]): GradientCase => ({
      name: op,
      inputs: [list(...points)],
      build: (e, x) => e.op(op, [x]),
      torch,
      ...(tolerance && { tolerance }),
    }),
  ),
];
