/** Sums over rows, and tensors given by the places of their elements. Indices that TensorFlow.js would refuse (out of range, not
 *  in order) are not looked for.
 *  Source: tfjs-backend-cpu src/kernels/Sparse….ts. */
import type { Value } from '../../../ir/model.ts';
import {
  cast,
  concat,
  type Emitter,
  reshape,
  scatterSum,
  shapeOfValue,
  sizeOfAxis,
  slice,
  toList,
  toScalar,
  unsqueeze,
} from '../../emit/index.ts';
import { inputOf, type Operator, type OperatorCall, type OperatorTable } from './operator.ts';

const long = (call: OperatorCall, index: number): Value => cast(call.e, inputOf(call, index), 'int64');

/** Rows of `data` at indices [n], summed up by their segments [n], which don't fall; as many as the last segment says. */
const segments =
  (isMean: boolean): Operator =>
  (call) => {
    const { e } = call;
    const data = inputOf(call, 0);
    const [indices, ids] = [long(call, 1), long(call, 2)];
    const count = e.emit('ReduceMax', [concat(e, [e.integers(0), e.emit('Add', [ids, e.integers(1)])], 0)], {
      axes: [0],
      keepdims: 1,
    });
    const rows = e.emit('Gather', [data, indices], { axis: 0 });
    const shape = concat(e, [count, e.emit('Shape', [data], { start: 1 })], 0);
    const places = unsqueeze(e, ids, 1);
    const sum = scatterSum(e, places, rows, shape);
    if (!isMean) return sum;
    const ones = e.emit('Expand', [e.scalar(e.dtype(data), 1), shapeOfValue(e, ids)]);
    const counts = e.emit('Max', [scatterSum(e, places, ones, count), e.scalar(e.dtype(data), 1)]);
    const inner = e.rank(data) - 1;
    const aligned =
      inner === 0 ? counts : unsqueeze(e, counts, ...Array.from({ length: inner }, (_, i) => i + 1));
    return e.emit('Div', [sum, aligned]);
  };

const product = (e: Emitter, list: Value): Value => e.emit('ReduceProd', [list], { axes: [0], keepdims: 1 });

/** Steps from one index to the next along each axis of a shape [rank]. */
function strides(e: Emitter, shape: Value, rank: number): Value {
  const each = Array.from({ length: rank }, (_, i) =>
    i + 1 < rank ? product(e, slice(e, shape, 0, i + 1, rank)) : e.integers(1),
  );
  return concat(e, each, 0);
}

const rankOf = (e: Emitter, shape: Value): number => {
  const [rank] = e.sizes(shape);
  return typeof rank === 'number' && rank > 0 ? rank : e.refuse('a shape of a rank that is not known');
};

/** Places [n, r] in a tensor of one shape, in the same one of another, where one size may be −1. */
const sparseReshape: Operator = (call) => {
  const { e } = call;
  const [places, from, asked] = [long(call, 0), toList(e, long(call, 1)), toList(e, long(call, 2))];
  const open = e.emit('Equal', [asked, e.scalar('int64', -1)]);
  const known = e.emit('Where', [open, e.scalar('int64', 1), asked]);
  const missing = e.emit('Div', [product(e, from), product(e, known)]);
  const to = e.emit('Where', [open, missing, asked]);
  const rank = rankOf(e, to);
  const order = e.emit(
    'ReduceSum',
    [e.emit('Mul', [places, strides(e, from, rankOf(e, from))]), e.integers(1)],
    { keepdims: 1 },
  );
  const index = e.emit('Mod', [e.emit('Div', [order, strides(e, to, rank)]), to]);
  return [cast(e, index, 'int32'), cast(e, to, 'int32')];
};

/** Puts one element into each row that has none, at its begin. Places [n, r], values [n], the shape [r].
 *  @returns places, values, which rows were empty, and where each element went; rows in order */
const fillEmptyRows: Operator = (call) => {
  const { e } = call;
  const [places, shape] = [long(call, 0), toList(e, long(call, 2))];
  const values = inputOf(call, 1);
  const rank = rankOf(e, shape);
  const rows = slice(e, shape, 0, 0, 1);
  const own = reshape(e, slice(e, places, 1, 0, 1), [-1]);
  const ones = e.emit('Expand', [e.scalar('int64', 1), shapeOfValue(e, own)]);
  const counts = scatterSum(e, unsqueeze(e, own, 1), ones, rows);
  const empty = e.emit('Equal', [counts, e.scalar('int64', 0)]);
  const added = reshape(e, e.emit('NonZero', [empty]), [-1]);
  const all = concat(e, [own, added], 0);
  const count = sizeOfAxis(e, all, 0);
  const positions = e.emit('Range', [e.scalar('int64', 0), toScalar(e, count), e.scalar('int64', 1)]);
  // In order of the rows, then as they came.
  const key = e.emit('Add', [e.emit('Mul', [all, count]), positions]);
  const sorted = (x: Value) => e.emitAll('TopK', [x, count], 2, { largest: 0, axis: 0 })[1]!;
  const order = sorted(key);
  const zeros = e.emit('Expand', [
    e.scalar('int64', 0),
    concat(e, [sizeOfAxis(e, added, 0), e.integers(rank - 1)], 0),
  ]);
  const more = concat(e, [unsqueeze(e, added, 1), zeros], 1);
  const fill = e.emit('Expand', [
    cast(e, toScalar(e, inputOf(call, 3)), e.dtype(values)),
    sizeOfAxis(e, added, 0),
  ]);
  const pick = (x: Value, at: Value) => e.emit('Gather', [x, at], { axis: 0 });
  return [
    cast(e, pick(concat(e, [places, more], 0), order), 'int32'),
    pick(concat(e, [values, fill], 0), order),
    empty,
    cast(e, firstOf(e, sorted(order), sizeOfAxis(e, own, 0)), 'int32'),
  ];
};

/** The first elements of a list. */
const firstOf = (e: Emitter, list: Value, count: Value): Value =>
  e.emit('Slice', [list, e.integers(0), count, e.integers(0)]);

export const sparseOperators: OperatorTable = {
  SparseSegmentSum: segments(false),
  SparseSegmentMean: segments(true),
  SparseReshape: sparseReshape,
  SparseFillEmptyRows: fillEmptyRows,
};
