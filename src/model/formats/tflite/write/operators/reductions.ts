/** Reductions along axes. */
import { intAttribute } from '../../../../ir/attribute.ts';
import type { BuiltinOperator } from '../../codes.ts';
import { type LiteRow, type LiteRows, shapeAt } from '../emitter.ts';
import { axesOf } from './shaping.ts';

const reduction = (op: BuiltinOperator, integers?: LiteRow['integers']): LiteRow => ({
  ...(integers ? { integers } : {}),
  emit(node, e) {
    const x = e.input(node, 0);
    const rank = shapeAt(node, 0).length;
    const axes = axesOf(node, rank) ?? [];
    if (axes.length === 0 && intAttribute(node, 'noop_with_empty_axes', 0) !== 0) return x;
    const over = axes.length > 0 ? axes : x.shape.map((_, i) => i);
    return e.op(op, [x, e.int(over)], e.result(), [
      'ReducerOptions',
      { keepDims: intAttribute(node, 'keepdims', 1) },
    ]);
  },
});

export const reductions: LiteRows = {
  ReduceMean: reduction('MEAN', { kind: 'free' }),
  ReduceSum: reduction('SUM'),
  ReduceMax: reduction('REDUCE_MAX', { kind: 'moves' }),
  ReduceMin: reduction('REDUCE_MIN', { kind: 'moves' }),
  ReduceProd: reduction('REDUCE_PROD'),
};
