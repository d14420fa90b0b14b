/** Reductions, running sums, and what is normalised by reductions. */
import { floatAttribute, intAttribute, intsAttribute } from '../../../../ir/attribute.ts';
import type { Node } from '../../../../ir/model.ts';
import { intsArgument, normalAxis, scalarOf } from '../../../../rewrite/arguments.ts';
import { type Emitter, type LiteRow, type LiteRows, refuse, reshaped, shapeAt } from '../emitter.ts';
import type { LiteTensor } from '../graph.ts';
import { binary, cast, reduced, shifted, squared, unary } from './arithmetic.ts';
import { hot } from './indexing.ts';

/** Empty: nothing is reduced. */
function axesOf(node: Node): number[] {
  const shape = shapeAt(node, 0);
  const given = intsArgument(node, 'axes', 1);
  if (given === null) return refuse(node, 'its axes are computed while it runs');
  const every = shape.map((_, axis) => axis);
  const noop = intAttribute(node, 'noop_with_empty_axes', 0) !== 0;
  const axes =
    given && given.length > 0 ? given.map((axis) => normalAxis(axis, shape.length)) : noop ? [] : every;
  if (axes.some((axis) => shape[axis] === 0)) return refuse(node, 'it reduces an axis of size 0');
  return axes;
}

type Over = (op: Parameters<typeof reduced>[1], x: LiteTensor, keep?: boolean) => LiteTensor;

const reduction = (make: (e: Emitter, x: LiteTensor, over: Over) => LiteTensor): LiteRow => ({
  emit(node, e) {
    const axes = axesOf(node);
    const kept = intAttribute(node, 'keepdims', 1) !== 0;
    return make(e, e.input(node, 0), (op, x, keep = kept) => reduced(e, op, x, axes, keep));
  },
});

const plain = (op: Parameters<typeof reduced>[1]) => reduction((_, x, over) => over(op, x));

/** In integers too: results in any scale, or in that of x. */
const inIntegers = (op: 'MEAN' | 'REDUCE_MAX' | 'REDUCE_MIN', kind: 'free' | 'moves'): LiteRow => ({
  integers: { kind, ready: (node) => axesOf(node).length > 0 },
  emit(node, e) {
    const x = e.input(node, 0);
    const axes = axesOf(node);
    if (axes.length === 0) return x;
    const keepDims = intAttribute(node, 'keepdims', 1);
    if (x.type === 'bool')
      return reduced(e, op === 'REDUCE_MIN' ? 'REDUCE_ALL' : 'REDUCE_ANY', x, axes, keepDims !== 0);
    if (op === 'MEAN' && x.type === 'int32')
      return cast(e, reduced(e, op, cast(e, x, 'float32'), axes, keepDims !== 0), 'int32');
    return e.op(op, [x, e.int(axes)], e.result(), ['ReducerOptions', { keepDims }]);
  },
});

/** m + log Σ exp(x − m), m the largest. */
const logSumExp: LiteRow = {
  emit(node, e) {
    const axes = axesOf(node);
    const x = e.input(node, 0);
    if (axes.length === 0) return x;
    const most = reduced(e, 'REDUCE_MAX', x, axes, true);
    const powers = unary(e, 'EXP', binary(e, 'SUB', x, most), 'ExpOptions');
    const sum = unary(e, 'LOG', reduced(e, 'SUM', powers, axes, true));
    return reshaped(e, binary(e, 'ADD', sum, most), e.result().shape);
  },
};

const cumSum: LiteRow = {
  emit(node, e) {
    const axis = scalarOf(node.inputs[1]);
    if (axis === null) return refuse(node, 'its axis is computed while it runs');
    const x = e.input(node, 0);
    const values = {
      exclusive: intAttribute(node, 'exclusive', 0),
      reverse: intAttribute(node, 'reverse', 0),
    };
    return e.op('CUMSUM', [x, e.int(normalAxis(axis, x.shape.length))], x, ['CumsumOptions', values]);
  },
};

/** From the node's axis on. */
const lastAxes = (node: Node): number[] => {
  const rank = shapeAt(node, 0).length;
  const axis = normalAxis(intAttribute(node, 'axis', -1), rank);
  return Array.from({ length: rank - axis }, (_, i) => axis + i);
};

/** 1/√(mean(x²) + ε) */
const inverseDeviation = (node: Node, e: Emitter, x: LiteTensor, axes: readonly number[]): LiteTensor => {
  const power = reduced(e, 'MEAN', squared(e, x), axes, true);
  return unary(e, 'RSQRT', shifted(e, power, floatAttribute(node, 'epsilon', 1e-5)));
};

/** (x − mean)/√(var + ε) over the axes from `axis` on, times a scale, plus a bias. */
const layerNorm: LiteRow = {
  emit(node, e) {
    const axes = lastAxes(node);
    const x = e.input(node, 0);
    const mean = reduced(e, 'MEAN', x, axes, true);
    const centred = binary(e, 'SUB', x, mean);
    const deviation = inverseDeviation(node, e, centred, axes);
    const scale = binary(e, 'MUL', binary(e, 'MUL', centred, deviation), e.input(node, 1));
    const y = node.inputs[2] ? binary(e, 'ADD', scale, e.plain(node.inputs[2])) : scale;
    return [y, mean, deviation].slice(0, node.outputs.length);
  },
};

/** x/√(mean(x²) + ε) times a scale. */
const rmsNorm: LiteRow = {
  emit(node, e) {
    const x = e.input(node, 0);
    const deviation = inverseDeviation(node, e, x, lastAxes(node));
    const y = binary(e, 'MUL', binary(e, 'MUL', x, deviation), e.input(node, 1));
    return [y, deviation].slice(0, node.outputs.length);
  },
};

/** x/‖x‖ along an axis, 0 where that is 0; p is 1 or 2. */
const lpNorm: LiteRow = {
  emit(node, e) {
    const axis = normalAxis(intAttribute(node, 'axis', -1), shapeAt(node, 0).length);
    const x = e.input(node, 0);
    const square = intAttribute(node, 'p', 2) === 2;
    const sum = reduced(e, 'SUM', square ? squared(e, x) : unary(e, 'ABS', x, 'AbsOptions'), [axis], true);
    const norm = square ? unary(e, 'SQRT', sum) : sum;
    return binary(e, 'DIV', x, binary(e, 'MAXIMUM', norm, e.float(1e-37)));
  },
};

/** (x − mean)/√(var) over the axes named, 0, 2 and 3 by default. */
const meanVariance: LiteRow = {
  emit(node, e) {
    const axes = intsAttribute(node, 'axes', [0, 2, 3]);
    const x = e.input(node, 0);
    const centred = binary(e, 'SUB', x, reduced(e, 'MEAN', x, axes, true));
    const variance = reduced(e, 'MEAN', squared(e, centred), axes, true);
    return binary(e, 'DIV', centred, shifted(e, unary(e, 'SQRT', variance), 1e-9));
  },
};

const hardmax: LiteRow = {
  emit(node, e) {
    const x = e.input(node, 0);
    const axis = normalAxis(intAttribute(node, 'axis', -1), x.shape.length);
    const type = { type: 'int32', shape: x.shape.toSpliced(axis, 1), quantization: null } as const;
    const best = e.op('ARG_MAX', [x, e.int(axis)], type, ['ArgMaxOptions', { outputType: 2 }]);
    return hot(e, best, { axis, depth: x.shape[axis]!, on: e.float(1), off: e.float(0) });
  },
};

export const reductions: LiteRows = {
  ReduceSum: plain('SUM'),
  ReduceMean: inIntegers('MEAN', 'free'),
  ReduceMax: inIntegers('REDUCE_MAX', 'moves'),
  ReduceMin: inIntegers('REDUCE_MIN', 'moves'),
  ReduceProd: plain('REDUCE_PROD'),
  ReduceL1: reduction((e, x, over) => over('SUM', unary(e, 'ABS', x, 'AbsOptions'))),
  ReduceL2: reduction((e, x, over) => unary(e, 'SQRT', over('SUM', squared(e, x)))),
  ReduceSumSquare: reduction((e, x, over) => over('SUM', squared(e, x))),
  ReduceLogSum: reduction((e, x, over) => unary(e, 'LOG', over('SUM', x))),
  ReduceLogSumExp: logSumExp,
  CumSum: cumSum,
  LayerNormalization: layerNorm,
  RMSNormalization: rmsNorm,
  SimplifiedLayerNormalization: rmsNorm,
  'com.microsoft:SimplifiedLayerNormalization': rmsNorm,
  LpNormalization: lpNorm,
  MeanVarianceNormalization: meanVariance,
  Hardmax: hardmax,
};
