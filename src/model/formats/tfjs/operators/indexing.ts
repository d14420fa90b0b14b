/** Reading and writing elements by their positions. */
import type { Value } from '../../../ir/model.ts';
import {
  cast,
  gatherAlong,
  placesOf,
  reshape,
  scatterSum,
  sparseToDense,
  toList,
  unique,
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
  return gatherAlong(e, x, indices, axis, shared);
};

const gatherNd: Operator = (call) => call.e.emit('GatherND', [inputOf(call, 0), indicesOf(call, 1)]);

const scatterNd: Operator = (call) =>
  scatterSum(call.e, indicesOf(call, 0), inputOf(call, 1), inputOf(call, 2));

const scatterUpdate: Operator = (call) =>
  call.e.emit('ScatterND', [inputOf(call, 0), indicesOf(call, 1), inputOf(call, 2)]);

const dense: Operator = (call) =>
  sparseToDense(call.e, indicesOf(call, 0), inputOf(call, 1), inputOf(call, 2), inputOf(call, 3));

/** Elements of x that y has not, and where they stand in x. Both are lists. */
const listDifference: Operator = (call) => {
  const { e } = call;
  const [x, y] = [inputOf(call, 0), inputOf(call, 1)];
  const same = cast(e, e.emit('Equal', [unsqueeze(e, x, 1), unsqueeze(e, y, 0)]), 'int32');
  const hits = e.emit('ReduceSum', [same, e.integers(1)], { keepdims: 0 });
  const at = reshape(e, e.emit('NonZero', [e.emit('Equal', [hits, e.scalar('int32', 0)])]), [-1]);
  return [e.emit('Gather', [x, at], { axis: 0 }), cast(e, at, 'int32')];
};

const distinct: Operator = (call) => {
  const { e, inputs } = call;
  const x = inputOf(call, 0);
  const axes = inputs[1] ? numbersOf(call, 1, 'its axis') : [];
  const [found, which] = unique(e, x, e.rank(x) > 1 ? (axes[0] ?? 0) : undefined);
  return [found, cast(e, which, 'int32')];
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
  SparseToDense: dense,
  Where: (call) => cast(call.e, placesOf(call.e, inputOf(call, 0)), 'int32'),
  ListDiff: listDifference,
  Unique: distinct,
  UniqueV2: distinct,
  TopKV2: topK,
  LowerBound: bound('Less'),
  UpperBound: bound('LessOrEqual'),
};
