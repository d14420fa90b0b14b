/** Activation functions. Written with the output where that saves a pass over memory. x: input, y: output, g: gradient of y. */
import { floatAttribute, textAttribute } from '../../../model/ir/attribute.ts';
import type { Value } from '../../../model/ir/model.ts';
import type { GradientRule, GradientTable, RuleContext } from '../rule.ts';
import { gate, incoming, indicator } from './pieces.ts';

/** y = f(x), given f′ as a tensor. */
const slope =
  (derivative: (c: RuleContext, x: Value, y: Value) => Value): GradientRule =>
  (c) => [c.op('Mul', [incoming(c), derivative(c, c.input(0), c.output(0))])];

const alphaOf = (c: RuleContext, fallback: number) => floatAttribute(c.node, 'alpha', fallback);

const positive = (c: RuleContext, x: Value) => c.op('Greater', [x, 0]);

/** 1 where x > 0, `rest` elsewhere. */
const kink = (c: RuleContext, x: Value, rest: number) =>
  c.op('Add', [c.op('Mul', [indicator(c, positive(c, x)), 1 - rest]), rest]);

const oneMinusSquare = (c: RuleContext, v: Value) => c.op('Sub', [1, c.op('Mul', [v, v])]);

/** α(eˣ − 1) below 0: y + α there, 1 above. */
const elu = slope((c, x, y) => {
  const alpha = alphaOf(c, 1);
  const below = c.op('Add', [y, alpha]);
  return alpha === 1 ? c.op('Min', [below, 1]) : c.op('Where', [positive(c, x), 1, below]);
});

const selu = slope((c, x, y) => {
  const gamma = floatAttribute(c.node, 'gamma', 1.0507009873554805);
  const below = c.op('Add', [y, alphaOf(c, 1.6732632423543772) * gamma]);
  return c.op('Where', [positive(c, x), gamma, below]);
});

/** max(0, x) + min(0, α(e^(x/α) − 1)): y/α + 1 below 0, 1 above. */
const celu = slope((c, _, y) => c.op('Min', [c.op('Add', [c.op('Mul', [y, 1 / alphaOf(c, 1)]), 1]), 1]));

const sigmoid = slope((c, _, y) => c.op('Sub', [y, c.op('Mul', [y, y])]));

/** Flat at both ends: where y is neither 0 nor 1, y − y² is above 0. */
const hardSigmoid = slope((c, _, y) =>
  c.op('Mul', [indicator(c, positive(c, c.op('Sub', [y, c.op('Mul', [y, y])]))), alphaOf(c, 0.2)]),
);

/** x·clip(x/6 + 1/2, 0, 1): with h the clipped factor, h + x/6 where 0 < h < 1, and h elsewhere. */
const hardSwish = slope((c, x) => {
  const h = c.op('HardSigmoid', [x], { alpha: 1 / 6, beta: 0.5 });
  const inside = indicator(c, positive(c, c.op('Sub', [h, c.op('Mul', [h, h])])));
  return c.op('Add', [h, c.op('Mul', [c.op('Mul', [x, 1 / 6]), inside])]);
});

/** x·tanh(softplus(x)) */
const mish = slope((c, x) => {
  const t = c.op('Tanh', [c.op('Softplus', [x])]);
  const inner = c.op('Mul', [c.op('Sigmoid', [x]), oneMinusSquare(c, t)]);
  return c.op('Add', [t, c.op('Mul', [x, inner])]);
});

/** x·Φ(x): Φ(x) + x·φ(x), of the standard normal distribution. */
function geluSlope(c: RuleContext, x: Value): Value {
  const cumulative = c.op('Mul', [c.op('Add', [c.op('Erf', [c.op('Mul', [x, Math.SQRT1_2])]), 1]), 0.5]);
  const density = c.op('Exp', [c.op('Mul', [c.op('Mul', [x, x]), -0.5])]);
  const moved = c.op('Mul', [c.op('Mul', [x, density]), 1 / Math.sqrt(2 * Math.PI)]);
  return c.op('Add', [cumulative, moved]);
}

const root = Math.sqrt(2 / Math.PI);

/** x/2·(1 + tanh u), u = √(2/π)·(x + 0.044715·x³); with s = σ(2u) that is x·s, its slope s + x·s(1 − s)·2u′. */
function tanhGeluSlope(c: RuleContext, x: Value): Value {
  const x2 = c.op('Mul', [x, x]);
  const twice = (a: number, b: number) => c.op('Add', [c.op('Mul', [x2, 2 * root * b]), 2 * root * a]);
  const s = c.op('Sigmoid', [c.op('Mul', [x, twice(1, 0.044715)])]);
  const ds = c.op('Mul', [c.op('Sub', [s, c.op('Mul', [s, s])]), twice(1, 3 * 0.044715)]);
  return c.op('Add', [s, c.op('Mul', [x, ds])]);
}

const gelu = slope((c, x) =>
  textAttribute(c.node, 'approximate', 'none') === 'tanh' ? tanhGeluSlope(c, x) : geluSlope(c, x),
);

/** x·σ(αx) = x·s: s + α·y·(1 − s) */
const swish = (fallback: number) =>
  slope((c, x, y) => {
    const alpha = alphaOf(c, fallback);
    const s = c.op('Sigmoid', [alpha === 1 ? x : c.op('Mul', [x, alpha])]);
    const rest = c.op('Sub', [y, c.op('Mul', [y, s])]);
    return c.op('Add', [s, alpha === 1 ? rest : c.op('Mul', [rest, alpha])]);
  });

export const activations: GradientTable = {
  Relu: (c) => [gate(c, incoming(c), positive(c, c.output(0)))],
  LeakyRelu: slope((c, x) => kink(c, x, alphaOf(c, 0.01))),
  Elu: elu,
  Selu: selu,
  Celu: celu,
  Sigmoid: sigmoid,
  HardSigmoid: hardSigmoid,
  HardSwish: hardSwish,
  Tanh: slope((c, _, y) => oneMinusSquare(c, y)),
  Softplus: slope((c, x) => c.op('Sigmoid', [x])),
  /** x/(1 + |x|): (1 − |y|)² */
  Softsign: slope((c, _, y) => {
    const rest = c.op('Sub', [1, c.op('Abs', [y])]);
    return c.op('Mul', [rest, rest]);
  }),
  Mish: mish,
  Gelu: gelu,
  Swish: swish(1),
  ThresholdedRelu: (c) => [gate(c, incoming(c), c.op('Greater', [c.input(0), alphaOf(c, 1)]))],
  Shrink: (c) => {
    const bound = floatAttribute(c.node, 'lambd', 0.5);
    return [gate(c, incoming(c), c.op('Greater', [c.op('Abs', [c.input(0)]), bound]))];
  },
  'com.microsoft:Gelu': slope(geluSlope),
  'com.microsoft:FastGelu': slope(tanhGeluSlope),
  'com.microsoft:QuickGelu': swish(1.702),
};
