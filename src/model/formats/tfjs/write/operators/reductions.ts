/** Reductions, running sums, and what is normalised by reductions. */
import { floatAttribute, intAttribute, intsAttribute } from '../../../../ir/attribute.ts';
import { type Node, shapeOf } from '../../../../ir/model.ts';
import { intsArgument, normalAxis, scalarOf } from '../../../../rewrite/arguments.ts';
import { type Emitter, refuse, shapeAt, type TfOperator, type TfOperators } from '../emitter.ts';
import type { Ref } from '../graph.ts';
import { shifted } from './activations.ts';
import { cast } from './elementwise.ts';
import { hot } from './indexing.ts';
import { productOver } from './shaping.ts';

/** null: nothing is reduced. Over an axis of size 0 backends disagree. */
function axesOf(node: Node): number[] | null {
  const shape = shapeAt(node, 0);
  const axes = namedAxes(node, shape.length);
  if (axes?.some((axis) => shape[axis] === 0)) return refuse(node, 'it reduces an axis of size 0');
  return axes;
}

function namedAxes(node: Node, rank: number): number[] | null {
  const axes = intsArgument(node, 'axes', 1);
  if (axes === null) return refuse(node, 'its axes are computed while it runs');
  if (axes && axes.length > 0) return axes.map((axis) => normalAxis(axis, rank));
  const every = Array.from({ length: rank }, (_, axis) => axis);
  return intAttribute(node, 'noop_with_empty_axes', 0) === 0 ? every : null;
}

export const reduced = (e: Emitter, op: string, x: Ref, axes: readonly number[], keep: boolean): Ref =>
  op === 'Prod' ? productOver(e, x, axes, keep) : e.op(op, [x, e.int(axes)], { keep_dims: { bool: keep } });

type Reduce = (e: Emitter, x: Ref, over: (op: string, x: Ref, keep?: boolean) => Ref) => Ref;

const reduction =
  (reduce: Reduce): TfOperator =>
  (node, e) => {
    const axes = axesOf(node);
    const keep = intAttribute(node, 'keepdims', 1) !== 0;
    // Over no axes TensorFlow.js would reduce all of them.
    const over = (op: string, x: Ref, kept = keep) => (axes ? reduced(e, op, x, axes, kept) : x);
    const y = reduce(e, e.input(node, 0), over);
    return y === e.input(node, 0) ? e.op('Identity', [y]) : y;
  };

const plain = (op: string) => reduction((_, x, over) => over(op, x));

/** m + log Σ exp(x − m), m the largest. */
const logSumExp: TfOperator = (node, e) => {
  const axes = axesOf(node);
  const x = e.input(node, 0);
  if (!axes) return e.op('Identity', [x]);
  const most = reduced(e, 'Max', x, axes, true);
  const sum = reduced(e, 'Sum', e.op('Exp', [e.op('Sub', [x, most])]), axes, true);
  const kept = e.op('AddV2', [e.op('Log', [sum]), most]);
  if (intAttribute(node, 'keepdims', 1) !== 0) return kept;
  return e.op('Squeeze', [kept], { squeeze_dims: { ints: axes } });
};

/** The mean of integers is rounded towards zero in ONNX. */
const reduceMean = reduction((e, x, over) =>
  x.dtype === 'float32' ? over('Mean', x) : cast(e, over('Mean', cast(e, x, 'float32')), x.dtype),
);

const softmaxAlong = (e: Emitter, x: Ref, axis: number): Ref => {
  const powers = e.op('Exp', [e.op('Sub', [x, reduced(e, 'Max', x, [axis], true)])]);
  return e.op('RealDiv', [powers, reduced(e, 'Sum', powers, [axis], true)]);
};

/** TensorFlow.js has it along the last axis. */
const softmax: TfOperator = (node, e) => {
  const rank = shapeAt(node, 0).length;
  const axis = normalAxis(intAttribute(node, 'axis', -1), rank);
  const x = e.input(node, 0);
  return axis === rank - 1 ? e.op('Softmax', [x]) : softmaxAlong(e, x, axis);
};

const logSoftmax: TfOperator = (node, e) => {
  const rank = shapeAt(node, 0).length;
  const axis = normalAxis(intAttribute(node, 'axis', -1), rank);
  const x = e.input(node, 0);
  const centred = e.op('Sub', [x, reduced(e, 'Max', x, [axis], true)]);
  return e.op('Sub', [centred, e.op('Log', [reduced(e, 'Sum', e.op('Exp', [centred]), [axis], true)])]);
};

const running =
  (op: 'Cumsum' | 'Cumprod'): TfOperator =>
  (node, e) => {
    const axis = scalarOf(node.inputs[1]);
    if (axis === null) return refuse(node, 'its axis is computed while it runs');
    const at = normalAxis(axis, shapeAt(node, 0).length);
    return e.op(op, [e.input(node, 0), e.int(at)], {
      exclusive: { bool: intAttribute(node, 'exclusive', 0) !== 0 },
      reverse: { bool: intAttribute(node, 'reverse', 0) !== 0 },
    });
  };

/** (x − mean)/√(var + ε) over the axes from `axis` on, times a scale, plus a bias. */
const layerNorm: TfOperator = (node, e) => {
  const rank = shapeAt(node, 0).length;
  const axis = normalAxis(intAttribute(node, 'axis', -1), rank);
  const axes = Array.from({ length: rank - axis }, (_, i) => axis + i);
  const x = e.input(node, 0);
  const mean = reduced(e, 'Mean', x, axes, true);
  const centred = e.op('Sub', [x, mean]);
  const variance = reduced(e, 'Mean', e.op('Square', [centred]), axes, true);
  const deviation = e.op('Rsqrt', [shifted(e, variance, floatAttribute(node, 'epsilon', 1e-5))]);
  const scale = e.op('Mul', [e.op('Mul', [centred, deviation]), e.input(node, 1)]);
  const y = node.inputs[2] ? e.op('AddV2', [scale, e.ref(node.inputs[2])]) : scale;
  return [y, mean, deviation].slice(0, node.outputs.length);
};

/** x/√(mean(x²) + ε) times a scale. */
const rmsNorm: TfOperator = (node, e) => {
  const rank = shapeAt(node, 0).length;
  const axis = normalAxis(intAttribute(node, 'axis', -1), rank);
  const axes = Array.from({ length: rank - axis }, (_, i) => axis + i);
  const x = e.input(node, 0);
  const power = reduced(e, 'Mean', e.op('Square', [x]), axes, true);
  const deviation = e.op('Rsqrt', [shifted(e, power, floatAttribute(node, 'epsilon', 1e-5))]);
  const y = e.op('Mul', [e.op('Mul', [x, deviation]), e.input(node, 1)]);
  return [y, deviation].slice(0, node.outputs.length);
};

/** x / max(‖x‖, ε) along an axis; p is 1 or 2. */
const lpNorm: TfOperator = (node, e) => {
  const axis = normalAxis(intAttribute(node, 'axis', -1), shapeAt(node, 0).length);
  const x = e.input(node, 0);
  const square = intAttribute(node, 'p', 2) === 2;
  const sum = reduced(e, 'Sum', e.op(square ? 'Square' : 'Abs', [x]), [axis], true);
  return e.op('DivNoNan', [x, square ? e.op('Sqrt', [sum]) : sum]);
};

/** (x − mean)/√(var) over the axes named, 0, 2 and 3 by default. */
const meanVariance: TfOperator = (node, e) => {
  const axes = intsAttribute(node, 'axes', [0, 2, 3]);
  const x = e.input(node, 0);
  const centred = e.op('Sub', [x, reduced(e, 'Mean', x, axes, true)]);
  const variance = reduced(e, 'Mean', e.op('Square', [centred]), axes, true);
  return e.op('RealDiv', [centred, shifted(e, e.op('Sqrt', [variance]), 1e-9)]);
};

export const reductions: TfOperators = {
  ReduceSum: plain('Sum'),
  ReduceMean: reduceMean,
  ReduceMax: plain('Max'),
  ReduceMin: plain('Min'),
  ReduceProd: plain('Prod'),
  ReduceL1: reduction((e, x, over) => over('Sum', e.op('Abs', [x]))),
  ReduceL2: reduction((e, x, over) => e.op('Sqrt', [over('Sum', e.op('Square', [x]))])),
  ReduceSumSquare: reduction((e, x, over) => over('Sum', e.op('Square', [x]))),
  ReduceLogSum: reduction((e, x, over) => e.op('Log', [over('Sum', x)])),
  ReduceLogSumExp: logSumExp,
  Softmax: softmax,
  LogSoftmax: logSoftmax,
  Hardmax: (node, e) => {
    const shape = shapeOf(node.inputs[0]);
    const axis = normalAxis(intAttribute(node, 'axis', -1), shape?.length ?? 1);
    const depth = shape?.[axis];
    if (typeof depth !== 'number') return refuse(node, 'the size of its axis is not known');
    const best = e.op('ArgMax', [e.input(node, 0), e.int(axis)], {}, 'int32');
    return cast(e, hot(e, best, shape!.length, { axis, depth }), 'float32');
  },
  CumSum: running('Cumsum'),
  CumProd: running('Cumprod'),
  LayerNormalization: layerNorm,
  RMSNormalization: rmsNorm,
  SimplifiedLayerNormalization: rmsNorm,
  'com.microsoft:SimplifiedLayerNormalization': rmsNorm,
  LpNormalization: lpNorm,
  MeanVarianceNormalization: meanVariance,
};
