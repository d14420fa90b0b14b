/** Normalisations in closed form. With x̂ = (x − μ)·r, r = 1/σ, over rows of L elements and gₛ = dy·scale:
 *    dx = r·(gₛ − mean(gₛ) − x̂·mean(gₛ·x̂)),  dscale = Σ dy·x̂,  dbias = Σ dy
 *  What is one number a row is computed on the side; whole tensors are gone through as few times as possible.
 *  Normalisation by the root of the mean square is the same without μ and mean(gₛ). */
import { float, floatAttribute, intAttribute } from '../../../model/ir/attribute.ts';
import type { Value } from '../../../model/ir/model.ts';
import { tensorOf } from '../../../model/ir/tensor.ts';
import type { GradientRule, GradientTable, RuleContext } from '../rule.ts';

const product = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);
const epsilonOf = (c: RuleContext) => floatAttribute(c.node, 'epsilon', 1e-5);
const filled = (c: RuleContext, count: number, value: number) =>
  c.constant(tensorOf('float32', [count], new Float32Array(count).fill(value)));
const sum = (c: RuleContext, v: Value, axes: readonly number[]) =>
  c.op('ReduceSum', [v, c.ints(axes)], { keepdims: 0 });
const axisOf = (c: RuleContext, rank: number) => {
  const axis = intAttribute(c.node, 'axis', -1);
  return axis < 0 ? axis + rank : axis;
};

/** x·scale + bias with one scale and bias along axis 1, in one pass: BatchNormalization as deployed. */
const affine = (c: RuleContext, x: Value, scale: Value, bias: Value) => {
  const count = c.dims(x)[1] as number;
  const inputs = [x, scale, bias, filled(c, count, 0), filled(c, count, 1)];
  return c.op('BatchNormalization', inputs, { epsilon: float(0) });
};

/** [N, C, …] as [N, C, S]: reductions over the first and the last axis are onnxruntime's quick ones. */
const threeAxes = (c: RuleContext, v: Value): Value => {
  const [n = 1, channels = 1, ...space] = c.dims(v);
  return c.reshape(v, [n, channels, product(space)]);
};

interface Rows {
  /** x̂ [rows, length]. */
  readonly unit: Value;
  /** r [rows, 1]. */
  readonly inverse: Value;
}

/** Rows of x normalised by mean and variance, or by the root of the mean square: from the statistics that the node
 *  gives out itself (see the lowering), else computed again. */
function normalizedRows(c: RuleContext, rows: number, length: number, centered: boolean): Rows {
  const statistics = c.node.outputs.slice(1);
  const [mean, known] = centered ? statistics : [null, statistics[0]];
  if (known && (mean || !centered)) {
    const factor = c.reshape(known, [rows]);
    const shift = mean ? c.op('Neg', [c.op('Mul', [c.reshape(mean, [rows]), factor])]) : filled(c, rows, 0);
    const unit = affine(c, c.reshape(c.input(0), [1, rows, length]), factor, shift);
    return { unit: c.reshape(unit, [rows, length]), inverse: c.reshape(known, [rows, 1]) };
  }
  const inputs = [c.reshape(c.input(0), [rows, length]), filled(c, length, 1)];
  const attributes = { axis: -1, epsilon: float(epsilonOf(c)) };
  const made = centered
    ? c.ops('LayerNormalization', inputs, 3, attributes)
    : c.ops('SimplifiedLayerNormalization', inputs, 2, attributes);
  return { unit: made[0] as Value, inverse: made[centered ? 2 : 1] as Value };
}

/** Batch statistics over all axes but 1 (outputs 1 and 2 of the node, see the lowering); as deployed otherwise. */
const batchNormalization: GradientRule = (c) => {
  const training = intAttribute(c.node, 'training_mode', 0) === 1;
  const shape = c.dims(c.input(0));
  const x = threeAxes(c, c.input(0));
  const g = threeAxes(c, c.gradient(0) as Value);
  const scale = c.input(1);
  const [mean, variance] = training ? [c.output(1), c.output(2)] : [c.input(3), c.input(4)];
  const channels = shape[1] as number;
  const epsilon = epsilonOf(c);
  const inverse = c.op('Reciprocal', [c.op('Sqrt', [c.op('Add', [variance, epsilon])])]);
  const normal = (factor: Value, bias: Value) =>
    c.op('BatchNormalization', [x, factor, bias, mean, variance], { epsilon: float(epsilon) });

  const dbias = training || c.wants(2) ? sum(c, g, [0, 2]) : null;
  const unit = () => normal(filled(c, channels, 1), filled(c, channels, 0));
  const dscale = training || c.wants(1) ? sum(c, c.op('Mul', [g, unit()]), [0, 2]) : null;
  const factor = c.op('Mul', [scale, inverse]);
  const dx = () => {
    const direct = affine(c, g, factor, filled(c, channels, 0));
    if (!training) return direct;
    const share = c.op('Mul', [factor, -channels / product(shape)]);
    const rest = normal(c.op('Mul', [share, dscale]), c.op('Mul', [share, dbias]));
    return c.op('Add', [direct, rest]);
  };
  return [c.wants(0) ? c.reshape(dx(), shape) : null, c.wants(1) ? dscale : null, c.wants(2) ? dbias : null];
};

/** The last axes, from `axis` on, are a row; scale and bias have their shape, or one that broadcasts to it. */
const lastAxes =
  (centered: boolean): GradientRule =>
  (c) => {
    const shape = c.dims(c.input(0));
    const axis = axisOf(c, shape.length);
    const [rows, length] = [product(shape.slice(0, axis)), product(shape.slice(axis))];
    const { unit, inverse } = normalizedRows(c, rows, length, centered);
    const g = c.reshape(c.gradient(0) as Value, [rows, length]);
    const weighted = c.op('Mul', [g, unit]);
    const scaleDims = c.dims(c.input(1));
    const isWhole = product(scaleDims) === length;
    const wide = isWhole ? c.input(1) : c.op('Expand', [c.input(1), c.ints(shape.slice(axis))]);
    const scale = c.reshape(wide, [length]);
    const summed = (v: Value, dims: readonly number[]) =>
      product(dims) === length ? c.reshape(c.sumTo(v, [length]), dims) : c.sumTo(c.reshape(v, shape), dims);
    const dx = () => {
      // Row means of gₛ and gₛ·x̂ as products with the scale: no pass of their own over gₛ·x̂.
      const column = c.reshape(c.op('Mul', [scale, -1 / length]), [length, 1]);
      const mean = (v: Value) => c.reshape(c.op('Mul', [c.op('MatMul', [v, column]), inverse]), [rows]);
      // r·scale as a product of column and row: quicker than a pass with a broadcast operand.
      const factors = c.op('MatMul', [inverse, c.reshape(scale, [1, length])]);
      const direct = c.op('Mul', [g, factors]);
      const shift = centered ? mean(g) : filled(c, rows, 0);
      const rest = affine(c, c.reshape(unit, [1, rows, length]), mean(weighted), shift);
      return c.op('Add', [c.reshape(direct, shape), c.reshape(rest, shape)]);
    };
    return [
      c.wants(0) ? dx() : null,
      c.wants(1) ? summed(weighted, scaleDims) : null,
      c.wants(2) ? summed(g, c.dims(c.input(2))) : null,
    ];
  };

/** The channels of a sample in `groups` rows; scale and bias are one number a channel, or one a group. */
const grouped =
  (groupsOf: (c: RuleContext, channels: number) => number): GradientRule =>
  (c) => {
    const shape = c.dims(c.input(0));
    const [n, channels] = [shape[0] as number, shape[1] as number];
    const [groups, space] = [groupsOf(c, channels), product(shape.slice(2))];
    const [width, rows] = [channels / groups, n * groups];
    const length = width * space;
    const perChannel = c.dims(c.input(1))[0] === channels;
    const { unit, inverse } = normalizedRows(c, rows, length, true);
    const g = c.reshape(c.gradient(0) as Value, [n, channels, space]);
    // Sums over the pixels of a channel; all else that is needed follows from these [N, C].
    const plain = sum(c, g, [2]);
    const weighted = sum(c, c.op('Mul', [g, c.reshape(unit, [n, channels, space])]), [2]);
    const byChannel = c.reshape(c.input(1), perChannel ? [groups, width] : [groups, 1]);
    const dx = () => {
      const factor = c.op('Mul', [byChannel, c.reshape(inverse, [n, groups, 1])]);
      const mean = (v: Value) => {
        const scaled = c.op('Mul', [c.reshape(v, [n, groups, width]), factor]);
        return c.reshape(c.op('Mul', [sum(c, scaled, [2]), -1 / length]), [rows]);
      };
      const whole = c.op('Expand', [factor, c.ints([n, groups, width])]);
      const direct = c.op('Mul', [c.reshape(g, [n * channels, space]), c.reshape(whole, [n * channels, 1])]);
      const rest = affine(c, c.reshape(unit, [1, rows, length]), mean(weighted), mean(plain));
      return c.op('Add', [c.reshape(direct, shape), c.reshape(rest, shape)]);
    };
    const summed = (v: Value) =>
      perChannel ? c.sumTo(v, [channels]) : sum(c, c.reshape(v, [n, groups, width]), [0, 2]);
    return [
      c.wants(0) ? dx() : null,
      c.wants(1) ? summed(weighted) : null,
      c.wants(2) ? summed(plain) : null,
    ];
  };

/** y = x/‖x‖ along one axis: dx = (dy − d·Σ dy·y)/‖x‖ with d the norm's derivative, y for p = 2, sign x for p = 1. */
const lpNormalization: GradientRule = (c) => {
  const [x, y, g] = [c.input(0), c.output(0), c.gradient(0) as Value];
  const axes = c.ints([axisOf(c, c.dims(x).length)]);
  const euclidean = intAttribute(c.node, 'p', 2) === 2;
  const norm = c.op(euclidean ? 'ReduceL2' : 'ReduceL1', [x, axes], { keepdims: 1 });
  const along = c.op('ReduceSum', [c.op('Mul', [g, y]), axes], { keepdims: 1 });
  const turned = c.op('Sub', [g, c.op('Mul', [euclidean ? y : c.op('Sign', [x]), along])]);
  // A row of zeros stays zeros.
  return [c.op('Div', [turned, c.op('Max', [norm, 1e-30])])];
};

/** y = x·b^−β, b = bias + α·mean of x² over a window of channels (of odd size) ⇒
 *  dx = dy·b^−β − 2αβ·x·(mean of dy·x·b^(−β−1) over the window). */
const localResponse: GradientRule = (c) => {
  const [x, g] = [c.input(0), c.gradient(0) as Value];
  const shape = c.dims(x);
  const size = intAttribute(c.node, 'size', 1);
  const [alpha, beta] = [floatAttribute(c.node, 'alpha', 1e-4), floatAttribute(c.node, 'beta', 0.75)];
  const reach = (size - 1) / 2;
  const windowMean = (v: Value) => {
    const plane = c.reshape(v, [shape[0] as number, 1, shape[1] as number, product(shape.slice(2))]);
    const attributes = { kernel_shape: [size, 1], pads: [reach, 0, reach, 0], count_include_pad: 1 };
    return c.reshape(c.op('AveragePool', [plane], attributes), shape);
  };
  const squares = windowMean(c.op('Mul', [x, x]));
  const base = c.op('Add', [c.op('Mul', [squares, alpha]), floatAttribute(c.node, 'bias', 1)]);
  const direct = c.op('Mul', [g, c.op('Pow', [base, -beta])]);
  const shared = windowMean(c.op('Div', [c.op('Mul', [direct, x]), base]));
  return [c.op('Sub', [direct, c.op('Mul', [c.op('Mul', [shared, x]), 2 * alpha * beta])])];
};

const numGroups = (c: RuleContext) => intAttribute(c.node, 'num_groups', 1);

export const normalization: GradientTable = {
  BatchNormalization: batchNormalization,
  LayerNormalization: lastAxes(true),
  RMSNormalization: lastAxes(false),
  SimplifiedLayerNormalization: lastAxes(false),
  InstanceNormalization: grouped((_, channels) => channels),
  GroupNormalization: grouped(numGroups),
  LpNormalization: lpNormalization,
  LRN: localResponse,
};
