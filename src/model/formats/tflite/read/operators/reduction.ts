/** Sums, means and extremes along axes. */
import { axisWithin, flag, inputOf, numbersOf, type Operator, type OperatorTable } from './operator.ts';

/** Along the axes of input 1. */
const reduction =
  (opType: string): Operator =>
  (call) => {
    const { e } = call;
    const x = inputOf(call, 0);
    const rank = e.rank(x);
    const axes = [...new Set(numbersOf(call, 1, 'its axes').map((axis) => axisWithin(call, axis, rank)))];
    if (axes.length === 0) return x;
    const keepdims = flag(call, 'keepDims') ? 1 : 0;
    return opType === 'ReduceSum'
      ? e.emit(opType, [x, e.integers(...axes)], { keepdims })
      : e.emit(opType, [x], { axes, keepdims });
  };

export const reductionOperators: OperatorTable = {
  MEAN: reduction('ReduceMean'),
  SUM: reduction('ReduceSum'),
  REDUCE_MAX: reduction('ReduceMax'),
  REDUCE_MIN: reduction('ReduceMin'),
  REDUCE_PROD: reduction('ReduceProd'),
};
