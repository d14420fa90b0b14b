/** Reductions over axes. x: input, y: output with the reduced axes kept as 1, g: its gradient likewise. */
import { intAttribute, intsAttribute } from '../../../model/ir/attribute.ts';
import type { Value } from '../../../model/ir/model.ts';
import { elementCount } from '../../../model/ir/tensor.ts';
import type { GradientRule, GradientTable, RuleContext } from '../rule.ts';
import { constantInput, dimsOf, fromFront, incoming, indicator } from './pieces.ts';

interface Reduced {
  readonly axes: readonly number[];
  /** Sizes with 1 at the reduced axes. */
  readonly kept: readonly number[];
  /** Elements that go into one. */
  readonly count: number;
}

/** null: nothing is reduced (noop_with_empty_axes). */
function reduced(c: RuleContext): Reduced | null {
  const dims = dimsOf(c);
  const given = intsAttribute(c.node, 'axes') ?? constantInput(c, 1, 'axes') ?? [];
  if (given.length === 0 && intAttribute(c.node, 'noop_with_empty_axes', 0) !== 0) return null;
  const axes = given.length === 0 ? dims.map((_, i) => i) : given.map((a) => fromFront(a, dims.length));
  const kept = dims.map((d, i) => (axes.includes(i) ? 1 : d));
  return { axes, kept, count: elementCount(axes.map((a) => dims[a] ?? 1)) };
}

type Part = (c: RuleContext, g: Value, y: Value, r: Reduced) => Value;

/** Gradient by x from g and y; what comes back may still be as small as y. */
const reduction =
  (part: Part): GradientRule =>
  (c) => {
    const r = reduced(c);
    if (!r) return [incoming(c)];
    const dims = dimsOf(c);
    const made = part(c, c.reshape(incoming(c), r.kept), c.reshape(c.output(0), r.kept), r);
    const full = c.dims(made).every((d, i) => d === dims[i]);
    return [full ? made : c.op('Expand', [made, c.ints(dims)])];
  };

const sumOver = (c: RuleContext, v: Value, r: Reduced) =>
  c.op('ReduceSum', [v, c.ints(r.axes)], { keepdims: 1 });

/** Shared evenly among all elements that are the largest. */
const extremum = reduction((c, g, y, r) => {
  const hit = indicator(c, c.op('Equal', [c.input(0), y]));
  return c.op('Mul', [hit, c.op('Div', [g, sumOver(c, hit, r)])]);
});

/** Product of the other elements, also where one or more are 0. */
const product = reduction((c, g, _, r) => {
  const x = c.input(0);
  const isZero = c.op('Equal', [x, 0]);
  const zero = indicator(c, isZero);
  const filled = c.op('Where', [isZero, 1, x]);
  const whole = c.op('ReduceProd', [filled, c.ints(r.axes)], { keepdims: 1 });
  const otherZeros = c.op('Sub', [sumOver(c, zero, r), zero]);
  const others = c.op('Div', [c.op('Mul', [g, whole]), filled]);
  return c.op('Mul', [others, indicator(c, c.op('Equal', [otherZeros, 0]))]);
});

export const reductions: GradientTable = {
  ReduceSum: reduction((_, g) => g),
  ReduceMean: reduction((c, g, _, r) => c.op('Mul', [g, 1 / r.count])),
  ReduceMax: extremum,
  ReduceMin: extremum,
  ReduceProd: product,
  ReduceL1: reduction((c, g) => c.op('Mul', [c.op('Sign', [c.input(0)]), g])),
  /** x/y, and 0 at the origin as PyTorch has it. */
  ReduceL2: reduction((c, g, y) => c.op('Mul', [c.input(0), c.op('Div', [g, c.op('Max', [y, 1e-30])])])),
  ReduceSumSquare: reduction((c, g) => c.op('Mul', [c.input(0), c.op('Mul', [g, 2])])),
  ReduceLogSum: reduction((c, g, y) => c.op('Div', [g, c.op('Exp', [y])])),
  ReduceLogSumExp: reduction((c, g, y) => c.op('Mul', [c.op('Exp', [c.op('Sub', [c.input(0), y])]), g])),
  CumSum: (c) => {
    const exclusive = intAttribute(c.node, 'exclusive', 0);
    const reverse = 1 - intAttribute(c.node, 'reverse', 0);
    return [c.op('CumSum', [incoming(c), c.input(1)], { exclusive, reverse })];
  },
};
