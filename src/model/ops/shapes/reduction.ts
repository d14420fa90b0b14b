/** Reductions. */
import { intAttribute } from '../../ir/attribute.ts';
import type { DType } from '../../ir/dtype.ts';
import type { Dim, Shape } from '../../ir/type.ts';
import type { ShapeContext, ShapeRule, ShapeTable } from '../types.ts';
import { axisOf, integers, lengthOf, normalAxis, sameAsInput, tensor, unknowns } from './common.ts';

export function reducedShape(shape: Shape, axes: readonly number[], keep: boolean): Dim[] {
  const gone = new Set(axes.map((a) => normalAxis(a, shape.length)));
  return keep ? shape.map((d, i) => (gone.has(i) ? 1 : d)) : shape.filter((_, i) => !gone.has(i));
}

/** Axes from attribute or input; none means all, or nothing with noop_with_empty_axes. */
const reduce: ShapeRule = (c) => {
  const shape = c.shape(0);
  if (!shape) return [tensor(c.dtype(0), null)];
  const keep = intAttribute(c.node, 'keepdims', 1) !== 0;
  const axes = integers(c, 'axes', 1);
  if (axes === null) {
    const count = lengthOf(c, 1);
    const rank = keep ? shape.length : count === null ? null : shape.length - count;
    return [tensor(c.dtype(0), rank === null ? null : unknowns(rank))];
  }
  if (!axes || axes.length === 0) {
    if (intAttribute(c.node, 'noop_with_empty_axes', 0) !== 0) return [c.type(0)];
    return [tensor(c.dtype(0), keep ? shape.map(() => 1) : [])];
  }
  return [tensor(c.dtype(0), reducedShape(shape, axes, keep))];
};

const argument = (c: ShapeContext, dtype: DType) => {
  const shape = c.shape(0);
  if (!shape) return [tensor(dtype, null)];
  const axis = axisOf(c, 0, shape.length);
  return [tensor(dtype, reducedShape(shape, [axis], intAttribute(c.node, 'keepdims', 1) !== 0))];
};

const names = ['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'Sum', 'SumSquare'];

/** Loss of [N, C, …d] scores against [N, …d] targets: a scalar, or one number a target. */
const loss: ShapeRule = (c) => {
  const kept = c.node.attributes.get('reduction');
  const none = kept?.type === 'string' && new TextDecoder().decode(kept.value) === 'none';
  return [tensor(c.dtype(0), none ? c.shape(1) : []), c.type(0)];
};

export const reductionShapes: ShapeTable = {
  ...Object.fromEntries(names.map((n) => [`Reduce${n}`, reduce])),
  ArgMax: (c) => argument(c, 'int64'),
  ArgMin: (c) => argument(c, 'int64'),
  NegativeLogLikelihoodLoss: loss,
  SoftmaxCrossEntropyLoss: loss,
  LpNormalization: sameAsInput,
};
