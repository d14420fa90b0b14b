/** Sums, extremes and counts along axes. */
import type { DType } from '../../../ir/dtype.ts';
import type { Value } from '../../../ir/model.ts';
import { cast, type Emitter, pad, reshape, reversed, slice, toScalar, unsqueeze } from '../../emit/index.ts';
import {
  axisWithin,
  inputOf,
  numbersOf,
  type Operator,
  type OperatorCall,
  type OperatorTable,
} from './operator.ts';

/** Along the axes of input 1; along none when it lists none. */
function reduced(call: OperatorCall, opType: string, x: Value): Value {
  const { e, attributes } = call;
  const axes = numbersOf(call, 1, 'its axes');
  if (axes.length === 0) return x;
  const keepdims = attributes.bool('keep_dims', false) ? 1 : 0;
  return opType === 'ReduceSum'
    ? e.emit(opType, [x, e.integers(...axes)], { keepdims })
    : e.emit(opType, [x], { axes, keepdims });
}

/** Truth values are counted as whole numbers. */
const numeric = (e: Emitter, x: Value) => (e.dtype(x) === 'bool' ? cast(e, x, 'int32') : x);

const reduction =
  (opType: string): Operator =>
  (call) =>
    reduced(call, opType, numeric(call.e, inputOf(call, 0)));

const truth =
  (opType: string): Operator =>
  (call) => {
    const { e } = call;
    return cast(e, reduced(call, opType, cast(e, cast(e, inputOf(call, 0), 'bool'), 'int32')), 'bool');
  };

const position =
  (opType: string): Operator =>
  (call) => {
    const { e } = call;
    const [axis = 0] = call.inputs[1] ? numbersOf(call, 1, 'its axis') : [];
    return cast(e, e.emit(opType, [numeric(e, inputOf(call, 0))], { axis, keepdims: 0 }), 'int32');
  };

const axisOf = (call: OperatorCall) =>
  axisWithin(call, numbersOf(call, 1, 'its axis')[0]!, call.e.rank(inputOf(call, 0)));

const cumulativeSum: Operator = (call) => {
  const { e, attributes } = call;
  return e.emit('CumSum', [numeric(e, inputOf(call, 0)), e.scalar('int64', axisOf(call))], {
    exclusive: attributes.bool('exclusive', false) ? 1 : 0,
    reverse: attributes.bool('reverse', false) ? 1 : 0,
  });
};

/** Products of all before: each round multiplies with what stands 1, 2, 4 … places before. */
const cumulativeProduct: Operator = (call) => {
  const { e, attributes } = call;
  const x = numeric(e, inputOf(call, 0));
  const axis = axisOf(call);
  const size = e.sizes(x)[axis];
  if (typeof size !== 'number') return e.refuse('an axis of a size that is not known');
  const backwards = attributes.bool('reverse', false);
  const one = e.scalar(e.dtype(x), 1);
  const shifted = (y: Value, by: number) => {
    const pads = e.sizes(y).map((_, i) => [i === axis ? by : 0, 0] as [number, number]);
    return pad(e, slice(e, y, axis, 0, size - by), pads, one);
  };
  let y = backwards ? reversed(e, x, [axis]) : x;
  if (attributes.bool('exclusive', false)) y = shifted(y, 1);
  for (let by = 1; by < size; by *= 2) y = e.emit('Mul', [y, shifted(y, by)]);
  return backwards ? reversed(e, y, [axis]) : y;
};

/** How often each number from 0 to size − 1 occurs in the last axis, or the sum of its weights. */
const bincount =
  (binaryOf: (call: OperatorCall) => boolean): Operator =>
  (call) => {
    const { e } = call;
    const x = inputOf(call, 0);
    const weights = inputOf(call, 2);
    const dtype: DType = e.dtype(weights);
    const depth = cast(e, toScalar(e, inputOf(call, 1)), 'int64');
    const values = e.emit(
      'Concat',
      [reshape(e, e.scalar('float32', 0), [1]), reshape(e, e.scalar('float32', 1), [1])],
      { axis: 0 },
    );
    const found = e.emit('OneHot', [cast(e, x, 'int64'), depth, values], { axis: -1 });
    const counted = e.emit(
      binaryOf(call) ? 'ReduceMax' : 'ReduceSum',
      ...alongPlaces(e, weighted(call, found), binaryOf(call)),
    );
    return cast(e, counted, dtype);
  };

/** The axis before the last: as an input where the operator takes it so. */
function alongPlaces(
  e: Emitter,
  found: Value,
  attribute: boolean,
): [Value[], Record<string, number | number[]>] {
  return attribute ? [[found], { axes: [-2], keepdims: 0 }] : [[found, e.integers(-2)], { keepdims: 0 }];
}

function weighted(call: OperatorCall, found: Value): Value {
  const { e } = call;
  const weights = inputOf(call, 2);
  if (e.sizes(weights).includes(0)) return found;
  return e.emit('Mul', [found, unsqueeze(e, cast(e, weights, 'float32'), -1)]);
}

export const reductionOperators: OperatorTable = {
  Max: reduction('ReduceMax'),
  Min: reduction('ReduceMin'),
  Sum: reduction('ReduceSum'),
  Prod: reduction('ReduceProd'),
  Mean: (call) => reduced(call, 'ReduceMean', cast(call.e, inputOf(call, 0), 'float32')),
  All: truth('ReduceMin'),
  Any: truth('ReduceMax'),
  ArgMax: position('ArgMax'),
  ArgMin: position('ArgMin'),
  Cumsum: cumulativeSum,
  Cumprod: cumulativeProduct,
  Bincount: bincount(() => false),
  DenseBincount: bincount(({ attributes }) => attributes.bool('binary_output', false)),
};
