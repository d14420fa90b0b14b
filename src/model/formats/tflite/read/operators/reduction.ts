/** Sums, means, extremes and positions along axes. */
import type { Value } from '../../../../ir/model.ts';
import { cast } from '../../../emit/index.ts';
import { dtypeOfTensor } from '../tensor.ts';
import {
  axisWithin,
  flag,
  inputOf,
  numbersOf,
  type Operator,
  type OperatorCall,
  type OperatorTable,
} from './operator.ts';

/** Along the axes of input 1. */
function reduced(call: OperatorCall, opType: string, x: Value): Value {
  const { e } = call;
  const rank = e.rank(x);
  const axes = [...new Set(numbersOf(call, 1, 'its axes').map((axis) => axisWithin(call, axis, rank)))];
  if (axes.length === 0) return x;
  const keepdims = flag(call, 'keepDims') ? 1 : 0;
  return opType === 'ReduceSum'
    ? e.emit(opType, [x, e.integers(...axes)], { keepdims })
    : e.emit(opType, [x], { axes, keepdims });
}

const reduction =
  (opType: string): Operator =>
  (call) =>
    reduced(call, opType, inputOf(call, 0));

const truth =
  (opType: string): Operator =>
  (call) =>
    cast(call.e, reduced(call, opType, cast(call.e, inputOf(call, 0), 'int32')), 'bool');

/** Of the first where several are the same. */
const position =
  (opType: string): Operator =>
  (call) => {
    const { e, outputTensors } = call;
    const x = inputOf(call, 0);
    const axis = axisWithin(call, numbersOf(call, 1, 'its axis')[0] ?? 0, e.rank(x));
    const numeric = e.dtype(x) === 'bool' ? cast(e, x, 'int32') : x;
    const at = e.emit(opType, [numeric], { axis, keepdims: 0 });
    return cast(e, at, (outputTensors[0] && dtypeOfTensor(outputTensors[0])) ?? 'int32');
  };

const cumulativeSum: Operator = (call) => {
  const { e } = call;
  const x = inputOf(call, 0);
  const axis = axisWithin(call, numbersOf(call, 1, 'its axis')[0] ?? 0, e.rank(x));
  return e.emit('CumSum', [x, e.scalar('int64', axis)], {
    exclusive: flag(call, 'exclusive') ? 1 : 0,
    reverse: flag(call, 'reverse') ? 1 : 0,
  });
};

export const reductionOperators: OperatorTable = {
  MEAN: reduction('ReduceMean'),
  SUM: reduction('ReduceSum'),
  REDUCE_MAX: reduction('ReduceMax'),
  REDUCE_MIN: reduction('ReduceMin'),
  REDUCE_PROD: reduction('ReduceProd'),
  REDUCE_ANY: truth('ReduceMax'),
  REDUCE_ALL: truth('ReduceMin'),
  ARG_MAX: position('ArgMax'),
  ARG_MIN: position('ArgMin'),
  CUMSUM: cumulativeSum,
};
