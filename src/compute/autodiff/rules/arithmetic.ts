/** Element-wise arithmetic. The gradient of an operand is summed over what broadcasting repeated. x: input, y: output,
 *  g: gradient of y. At ties Max and Min share the gradient out evenly; Clip passes it at its bounds (as PyTorch does). */

import { dtypes } from '../../../model/ir/dtype.ts';
import { constantOf, dtypeOf, type Value } from '../../../model/ir/model.ts';
import { numbers } from '../../../model/ir/tensor.ts';
import type { GradientRule, GradientTable, RuleContext } from '../rule.ts';
import { straightThrough } from '../rule.ts';
import { dimsOf, gate, incoming, indicator, operands } from './pieces.ts';

type Derivative = (c: RuleContext, x: Value, g: Value) => Value;

/** One input, one output. */
const unary =
  (derivative: Derivative): GradientRule =>
  (c) => [derivative(c, c.input(0), incoming(c))];

const y = (c: RuleContext) => c.output(0);
const square = (c: RuleContext, v: Value) => c.op('Mul', [v, v]);

const sum: GradientRule = (c) => operands(c, ...c.node.inputs.map(() => (g: Value) => g));

const mean: GradientRule = (c) => {
  const share = c.op('Mul', [incoming(c), 1 / c.node.inputs.length]);
  return operands(c, ...c.node.inputs.map(() => () => share));
};

/** y = a/b: da = g/b, db = −g·y/b, divided after the sum. */
const divide: GradientRule = (c) => {
  const [g, b] = [incoming(c), c.input(1)];
  return [
    c.wants(0) ? c.sumTo(c.op('Div', [g, b]), dimsOf(c, 0)) : null,
    c.wants(1) ? c.op('Neg', [c.op('Div', [c.sumTo(c.op('Mul', [g, y(c)]), dimsOf(c, 1)), b])]) : null,
  ];
};

/** d(aᵇ)/da = b·aᵇ⁻¹. A constant power needs no Pow for the common exponents. */
function powerByBase(c: RuleContext, g: Value): Value {
  const a = c.input(0);
  const constant = constantOf(c.node.inputs[1]);
  const [b, more] = constant ? numbers(constant) : [];
  if (b === undefined || more !== undefined) {
    const exponent = asFloat(c, c.input(1));
    const rest = c.op('Pow', [a, c.op('Sub', [exponent, 1])]);
    const slope = c.op('Mul', [exponent, rest]);
    // 0·0⁻¹ is not a number, but a⁰ is constant.
    return c.op('Mul', [g, c.op('Where', [c.op('Equal', [exponent, 0]), 0, slope])]);
  }
  const scaled = b === 1 ? g : c.op('Mul', [g, b]);
  if (b === 0 || b === 1) return scaled;
  if (b === 0.5) return c.op('Div', [scaled, y(c)]);
  if (b === 2) return c.op('Mul', [scaled, a]);
  if (b === 3) return c.op('Mul', [scaled, square(c, a)]);
  return c.op('Mul', [scaled, c.op('Pow', [a, b - 1])]);
}

/** d(aᵇ)/db = aᵇ·ln a, 0 where the power is 0. */
function powerByExponent(c: RuleContext, g: Value): Value {
  const zero = c.op('Equal', [y(c), 0]);
  const log = c.op('Log', [c.op('Where', [zero, 1, c.input(0)])]);
  return c.op('Mul', [g, c.op('Mul', [y(c), log])]);
}

const asFloat = (c: RuleContext, v: Value) => (dtypeOf(v) === 'float32' ? v : c.op('Cast', [v], { to: 1 }));

/** The gradient goes to the operands that equal the result, in equal parts. */
const extremum: GradientRule = (c) => {
  if (c.node.inputs.length === 1) return [incoming(c)];
  const hits = c.node.inputs.map((_, i) => indicator(c, c.op('Equal', [c.input(i), y(c)])));
  const share = c.op('Div', [incoming(c), c.op('Sum', hits)]);
  return operands(c, ...hits.map((hit) => () => c.op('Mul', [share, hit])));
};

/** fmod: y = a − b·trunc(a/b). */
const remainder: GradientRule = (c) =>
  operands(
    c,
    (g) => g,
    (g) => {
      const whole = c.op('Round', [c.op('Div', [c.op('Sub', [c.input(0), y(c)]), c.input(1)])]);
      return c.op('Neg', [c.op('Mul', [g, whole])]);
    },
  );

/** Inside [min, max] the value is unchanged: one comparison finds that. */
const clip: GradientRule = (c) => {
  const [g, x] = [incoming(c), c.input(0)];
  const beyond = (i: number, op: string) =>
    c.wants(i) ? c.sumTo(gate(c, g, c.op(op, [x, c.input(i)])), dimsOf(c, i)) : null;
  return [c.wants(0) ? gate(c, g, c.op('Equal', [x, y(c)])) : null, beyond(1, 'Less'), beyond(2, 'Greater')];
};

const select: GradientRule = (c) => {
  const g = incoming(c);
  const chosen = indicator(c, c.input(0));
  const first = c.op('Mul', [g, chosen]);
  return [
    null,
    c.wants(1) ? c.sumTo(first, dimsOf(c, 1)) : null,
    c.wants(2) ? c.sumTo(c.op('Sub', [g, first]), dimsOf(c, 2)) : null,
  ];
};

const cast: GradientRule = (c) => {
  const dtype = dtypeOf(c.input(0));
  return [dtype ? c.op('Cast', [incoming(c)], { to: dtypes[dtype].code }) : null];
};

export const arithmetic: GradientTable = {
  Add: sum,
  Sum: sum,
  Mean: mean,
  Sub: (c) =>
    operands(
      c,
      (g) => g,
      (g) => c.op('Neg', [g]),
    ),
  Mul: (c) =>
    operands(
      c,
      (g) => c.op('Mul', [g, c.input(1)]),
      (g) => c.op('Mul', [g, c.input(0)]),
    ),
  Div: divide,
  Pow: (c) =>
    operands(
      c,
      (g) => powerByBase(c, g),
      (g) => powerByExponent(c, g),
    ),
  Max: extremum,
  Min: extremum,
  Mod: remainder,
  Clip: clip,
  Where: select,
  Identity: (c) => [incoming(c)],
  Cast: cast,
  CastLike: cast,

  Neg: unary((c, _, g) => c.op('Neg', [g])),
  Abs: unary((c, x, g) => c.op('Mul', [g, c.op('Sign', [x])])),
  Reciprocal: unary((c, _, g) => c.op('Neg', [c.op('Mul', [g, square(c, y(c))])])),
  Exp: unary((c, _, g) => c.op('Mul', [g, y(c)])),
  Log: unary((c, x, g) => c.op('Div', [g, x])),
  Sqrt: unary((c, _, g) => c.op('Div', [c.op('Mul', [g, 0.5]), y(c)])),
  Sin: unary((c, x, g) => c.op('Mul', [g, c.op('Cos', [x])])),
  Cos: unary((c, x, g) => c.op('Neg', [c.op('Mul', [g, c.op('Sin', [x])])])),
  Tan: unary((c, _, g) => c.op('Mul', [g, c.op('Add', [square(c, y(c)), 1])])),
  Asin: unary((c, x, g) => c.op('Div', [g, c.op('Sqrt', [c.op('Sub', [1, square(c, x)])])])),
  Acos: unary((c, x, g) => c.op('Neg', [c.op('Div', [g, c.op('Sqrt', [c.op('Sub', [1, square(c, x)])])])])),
  Atan: unary((c, x, g) => c.op('Div', [g, c.op('Add', [square(c, x), 1])])),
  Sinh: unary((c, x, g) => c.op('Mul', [g, c.op('Cosh', [x])])),
  Cosh: unary((c, x, g) => c.op('Mul', [g, c.op('Sinh', [x])])),
  Asinh: unary((c, x, g) => c.op('Div', [g, c.op('Sqrt', [c.op('Add', [square(c, x), 1])])])),
  Acosh: unary((c, x, g) => c.op('Div', [g, c.op('Sqrt', [c.op('Sub', [square(c, x), 1])])])),
  Atanh: unary((c, x, g) => c.op('Div', [g, c.op('Sub', [1, square(c, x)])])),
  Erf: unary((c, x, g) =>
    c.op('Mul', [g, c.op('Mul', [c.op('Exp', [c.op('Neg', [square(c, x)])]), 2 / Math.sqrt(Math.PI)])]),
  ),
  /** 0 almost everywhere; a rounding of fake quantisation is marked and lets the gradient through as if it weren't there
   *  (straight-through estimator, arXiv:1308.3432). */
  Round: (c) => [straightThrough.has(c.node) ? incoming(c) : null],
};
