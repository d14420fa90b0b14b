/** Reading and writing elements by their positions. */
import type { Value } from '../../../ir/model.ts';
import {
  cast,
  concat,
  type Emitter,
  reshape,
  sizeOfAxis,
  slice,
  toList,
  transpose,
  unsqueeze,
} from '../../emit/index.ts';
import {
  axisWithin,
  inputOf,
  numbersOf,
  type Operator,
  type OperatorCall,
  type OperatorTable,
} from './operator.ts';

const indicesOf = (call: OperatorCall, index: number): Value =>
  cast(call.e, cast(call.e, inputOf(call, index), 'int32'), 'int64');

const gather: Operator = (call) => call.e.emit('Gather', [inputOf(call, 0), indicesOf(call, 1)], { axis: 0 });

/** Along an axis; the first `batch_dims` axes of x and indices go together. */
const gatherV2: Operator = (call) => {
  const { e, attributes } = call;
  const x = inputOf(call, 0);
  const indices = indicesOf(call, 1);
  const rank = e.rank(x);
  const axis = axisWithin(call, call.inputs[2] ? numbersOf(call, 2, 'its axis')[0]! : 0, rank);
  const batch = attributes.int('batch_dims', 0);
  const shared = batch < 0 ? batch + e.rank(indices) : batch;
  if (shared === 0) return e.emit('Gather', [x, indices], { axis });
  return gatherInBatch(e, x, indices, axis, shared);
};

/** GatherND reads the axis right behind the batch; what stood between moves behind it, and back. */
function gatherInBatch(e: Emitter, x: Value, indices: Value, axis: number, batch: number): Value {
  const all = Array.from({ length: e.rank(x) }, (_, i) => i);
  const between = all.slice(batch, axis);
  const moved = transpose(e, x, [...all.slice(0, batch), axis, ...between, ...all.slice(axis + 1)]);
  const y = e.emit('GatherND', [moved, unsqueeze(e, indices, -1)], { batch_dims: batch });
  const found = e.rank(indices) - batch;
  const places = Array.from({ length: e.rank(y) }, (_, i) => i);
  const from = batch + found;
  return transpose(e, y, [
    ...places.slice(0, batch),
    ...places.slice(from, from + between.length),
    ...places.slice(batch, from),
    ...places.slice(from + between.length),
  ]);
}

const gatherNd: Operator = (call) => call.e.emit('GatherND', [inputOf(call, 0), indicesOf(call, 1)]);

/** Zeros of a shape, to which updates are added at their indices [n…, depth]; what falls on one place is summed up.
 *  Written over rows, as onnxruntime's ScatterND loses sums of the same place. */
const scatterNd: Operator = (call) => {
  const { e } = call;
  const [indices, updates] = [indicesOf(call, 0), inputOf(call, 1)];
  const shape = toList(e, inputOf(call, 2));
  const depth = e.sizes(indices).at(-1);
  const sizes = e.sizes(shape)[0];
  if (typeof depth !== 'number' || typeof sizes !== 'number')
    return e.refuse('indices of a depth that is not known');
  const product = (list: Value) => e.emit('ReduceProd', [list], { axes: [0], keepdims: 1 });
  const outer = product(slice(e, shape, 0, 0, depth));
  const inner = depth < sizes ? product(slice(e, shape, 0, depth, sizes)) : e.integers(1);
  const steps = Array.from({ length: depth }, (_, i) =>
    i + 1 < depth ? product(slice(e, shape, 0, i + 1, depth)) : e.integers(1),
  );
  const rows = e.emit('ReduceSum', [e.emit('Mul', [indices, concat(e, steps, 0)]), e.integers(-1)], {
    keepdims: 0,
  });
  const column = reshape(e, rows, [-1, 1]);
  const table = concat(e, [sizeOfAxis(e, column, 0), inner], 0);
  const zeros = e.emit('Expand', [e.scalar(e.dtype(updates), 0), concat(e, [outer, inner], 0)]);
  const added = e.emit(
    'ScatterElements',
    [zeros, e.emit('Expand', [column, table]), reshape(e, updates, table)],
    { axis: 0, reduction: 'add' },
  );
  return reshape(e, added, shape);
};

const scatterUpdate: Operator = (call) =>
  call.e.emit('ScatterND', [inputOf(call, 0), indicesOf(call, 1), inputOf(call, 2)]);

/** A tensor of a default with some elements set. Indices: [n, rank], [n] for a list, or one. */
const sparseToDense: Operator = (call) => {
  const { e } = call;
  const values = inputOf(call, 2);
  const shape = toList(e, inputOf(call, 1));
  const rank = e.sizes(shape)[0];
  if (typeof rank !== 'number') return e.refuse('a shape of a rank that is not known');
  const fill = cast(e, inputOf(call, 3), e.dtype(values));
  const indices = reshape(e, indicesOf(call, 0), [-1, rank]);
  const count = sizeOfAxis(e, indices, 0);
  return e.emit('ScatterND', [e.emit('Expand', [fill, shape]), indices, e.emit('Expand', [values, count])]);
};

/** Positions of what is true, [n, rank]. */
const where: Operator = (call) => {
  const { e } = call;
  const found = e.emit('NonZero', [cast(e, inputOf(call, 0), 'bool')]);
  return cast(e, e.emit('Transpose', [found], { perm: [1, 0] }), 'int32');
};

/** Elements of x that y has not, and where they stand in x. Both are lists. */
const listDifference: Operator = (call) => {
  const { e } = call;
  const [x, y] = [inputOf(call, 0), inputOf(call, 1)];
  const same = cast(e, e.emit('Equal', [unsqueeze(e, x, 1), unsqueeze(e, y, 0)]), 'int32');
  const hits = e.emit('ReduceSum', [same, e.integers(1)], { keepdims: 0 });
  const at = reshape(e, e.emit('NonZero', [e.emit('Equal', [hits, e.scalar('int32', 0)])]), [-1]);
  return [e.emit('Gather', [x, at], { axis: 0 }), cast(e, at, 'int32')];
};

/** Different elements in order of their first place, and for each element which of them it is. onnxruntime has no
 *  kernel for int32. */
const unique: Operator = (call) => {
  const { e, inputs } = call;
  const x = inputOf(call, 0);
  const dtype = e.dtype(x);
  const axes = inputs[1] ? numbersOf(call, 1, 'its axis') : [];
  const [found, , which] = e.emitAll('Unique', [dtype === 'float32' ? x : cast(e, x, 'int64')], 3, {
    sorted: 0,
    axis: e.rank(x) > 1 ? (axes[0] ?? 0) : undefined,
  });
  return [cast(e, found!, dtype), cast(e, which!, 'int32')];
};

const topK: Operator = (call) => {
  const { e } = call;
  const [values, indices] = e.emitAll('TopK', [inputOf(call, 0), toList(e, inputOf(call, 1))], 2, {
    sorted: call.attributes.bool('sorted', true) ? 1 : 0,
  });
  return [values!, cast(e, indices!, 'int32')];
};

/** For each value how many elements of the sorted row stand before it. Both [rows, n]. */
const bound =
  (opType: string): Operator =>
  (call) => {
    const { e } = call;
    const before = e.emit(opType, [unsqueeze(e, inputOf(call, 0), 1), unsqueeze(e, inputOf(call, 1), 2)]);
    return e.emit('ReduceSum', [cast(e, before, 'int32'), e.integers(2)], { keepdims: 0 });
  };

export const indexingOperators: OperatorTable = {
  Gather: gather,
  GatherV2: gatherV2,
  GatherNd: gatherNd,
  ScatterNd: scatterNd,
  TensorScatterUpdate: scatterUpdate,
  SparseToDense: sparseToDense,
  Where: where,
  ListDiff: listDifference,
  Unique: unique,
  UniqueV2: unique,
  TopKV2: topK,
  LowerBound: bound('Less'),
  UpperBound: bound('LessOrEqual'),
};
