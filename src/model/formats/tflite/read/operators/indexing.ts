/** Reading and writing elements by their positions. */
import { dtypes } from '../../../../ir/dtype.ts';
import type { Value } from '../../../../ir/model.ts';
import {
  cast,
  concat,
  type Emitter,
  gatherAlong,
  oneHot,
  placesOf,
  reshape,
  scatterSum,
  select,
  sparseToDense,
  toList,
  toScalar,
  transpose,
  unique,
  unsqueeze,
} from '../../../emit/index.ts';
import { dtypeOfTensor } from '../tensor.ts';
import {
  axisWithin,
  inputOf,
  int,
  type Operator,
  type OperatorCall,
  type OperatorTable,
} from './operator.ts';

const indicesOf = (call: OperatorCall, index: number): Value =>
  cast(call.e, call.stored(index) ?? call.e.refuse(`it has no input ${index}`), 'int64');

/** Types of the outputs, for integers that ONNX has in int64. */
const whole = (call: OperatorCall, value: Value, output: number): Value => {
  const tensor = call.outputTensors[output];
  return tensor ? cast(call.e, value, dtypeOfTensor(tensor) ?? 'int64') : value;
};

const gather: Operator = (call) => {
  const { e } = call;
  const [x, indices] = [inputOf(call, 0), indicesOf(call, 1)];
  const axis = axisWithin(call, int(call, 'axis'), e.rank(x));
  const batch = int(call, 'batchDims');
  const shared = batch < 0 ? batch + e.rank(indices) : batch;
  if (!(shared >= 0 && shared <= Math.min(axis, e.rank(indices)))) e.refuse(`${batch} shared axes`);
  return gatherAlong(e, x, indices, axis, shared);
};

/** Rows of a table. */
const lookup: Operator = (call) => gatherAlong(call.e, inputOf(call, 1), indicesOf(call, 0), 0);

const topK: Operator = (call) => {
  const { e } = call;
  const x = inputOf(call, 0);
  const dtype = e.dtype(x);
  const wide = dtype === 'float32' || dtype === 'int64' ? x : cast(e, x, 'int64');
  const [values, indices] = e.emitAll('TopK', [wide, toList(e, inputOf(call, 1))], 2);
  return [cast(e, values!, dtype), whole(call, indices!, 1)];
};

const distinct: Operator = (call) => {
  const [found, which] = unique(call.e, inputOf(call, 0));
  return [found, whole(call, which, 1)];
};

const hot: Operator = (call) => {
  const { e } = call;
  return oneHot(e, inputOf(call, 0), inputOf(call, 1), {
    on: inputOf(call, 2),
    off: inputOf(call, 3),
    axis: int(call, 'axis'),
  });
};

/** The first elements of each sample backwards, as many as it has. ONNX knows batch and time as the first two axes. */
const reverseSequence: Operator = (call) => {
  const { e } = call;
  const x = inputOf(call, 0);
  const rank = e.rank(x);
  const [time, batch] = ['seqDim', 'batchDim'].map((name) => axisWithin(call, int(call, name), rank)) as [
    number,
    number,
  ];
  if (time === batch) e.refuse('the same axis as batch and as time');
  const others = Array.from({ length: rank }, (_, i) => i).filter((axis) => axis !== time && axis !== batch);
  const perm = [batch, time, ...others];
  const y = e.emit('ReverseSequence', [transpose(e, x, perm), indicesOf(call, 1)], {
    batch_axis: 0,
    time_axis: 1,
  });
  return transpose(
    e,
    y,
    perm.map((_, axis) => perm.indexOf(axis)),
  );
};

/** Sums of rows that have the same number, from 0 to the last one. */
const segmentSum: Operator = (call) => {
  const { e } = call;
  const [x, ids] = [inputOf(call, 0), indicesOf(call, 1)];
  const last = e.emit('Gather', [ids, e.integers(-1)], { axis: 0 });
  const count = e.emit('Add', [last, e.integers(1)]);
  return scatterSum(e, unsqueeze(e, ids, -1), x, concat(e, [count, e.emit('Shape', [x], { start: 1 })], 0));
};

const limits = (dtype: 'min' | 'max') => (e: Emitter, x: Value) => {
  const type = e.dtype(x);
  const largest = type === 'float32' ? 3.4028234663852886e38 : dtypes[type].max;
  const smallest = type === 'float32' ? -3.4028234663852886e38 : dtypes[type].min;
  return e.scalar(type, (dtype === 'min' ? smallest : largest) ?? e.refuse(`segments of ${type}`));
};

/** Each row joins the segment that its number says; a negative one none. Segments without rows have the value that
 *  changes nothing. x [n…, …], ids [n…] → [segments, …] */
const segments =
  (opType: string, neutral: (e: Emitter, x: Value) => Value): Operator =>
  (call) => {
    const { e } = call;
    const [x, ids] = [inputOf(call, 0), indicesOf(call, 1)];
    const inner = e.emit('Shape', [x], { start: e.rank(ids) });
    const rows = reshape(e, x, concat(e, [e.integers(-1), inner], 0));
    const count = toScalar(e, cast(e, inputOf(call, 2), 'int64'));
    const numbers = e.emit('Range', [e.scalar('int64', 0), count, e.scalar('int64', 1)]);
    const axes = Array.from({ length: e.rank(x) - e.rank(ids) }, (_, i) => i + 2);
    const same = e.emit('Equal', [unsqueeze(e, reshape(e, ids, [-1]), 0), unsqueeze(e, numbers, 1)]);
    const chosen = axes.length === 0 ? same : unsqueeze(e, same, ...axes);
    const masked = e.emit('Where', [chosen, unsqueeze(e, rows, 0), neutral(e, x)]);
    return opType === 'ReduceSum'
      ? e.emit(opType, [masked, e.integers(1)], { keepdims: 0 })
      : e.emit(opType, [masked], { axes: [1], keepdims: 0 });
  };

/** x with an update in it, at a start that is pressed into it. */
const updateSlice: Operator = (call) => {
  const { e } = call;
  const [x, update] = [inputOf(call, 0), inputOf(call, 1)];
  const room = e.emit('Sub', [e.emit('Shape', [x]), e.emit('Shape', [update])]);
  const start = e.emit('Max', [e.emit('Min', [indicesOf(call, 2), room]), e.integers(0)]);
  const pads = concat(e, [start, e.emit('Sub', [room, start])], 0);
  const dtype = e.dtype(x);
  const narrow = dtype === 'bool' || dtype === 'int16';
  const padded = e.emit('Pad', [narrow ? cast(e, update, 'int32') : update, pads]);
  const ones = e.emit('Expand', [e.scalar('int32', 1), e.emit('Shape', [update])]);
  const inside = e.emit('Equal', [e.emit('Pad', [ones, pads]), e.scalar('int32', 1)]);
  return select(e, inside, cast(e, padded, dtype), x);
};

const dense: Operator = (call) =>
  sparseToDense(
    call.e,
    indicesOf(call, 0),
    inputOf(call, 1),
    inputOf(call, 2),
    toScalar(call.e, inputOf(call, 3)),
  );

export const indexingOperators: OperatorTable = {
  GATHER: gather,
  GATHER_ND: (call) => call.e.emit('GatherND', [inputOf(call, 0), indicesOf(call, 1)]),
  EMBEDDING_LOOKUP: lookup,
  SCATTER_ND: (call) => scatterSum(call.e, indicesOf(call, 0), inputOf(call, 1), inputOf(call, 2)),
  SPARSE_TO_DENSE: dense,
  WHERE: (call) => whole(call, placesOf(call.e, inputOf(call, 0)), 0),
  UNIQUE: distinct,
  TOPK_V2: topK,
  ONE_HOT: hot,
  REVERSE_SEQUENCE: reverseSequence,
  SEGMENT_SUM: segmentSum,
  UNSORTED_SEGMENT_SUM: segments('ReduceSum', (e, x) => e.scalar(e.dtype(x), 0)),
  UNSORTED_SEGMENT_PROD: segments('ReduceProd', (e, x) => e.scalar(e.dtype(x), 1)),
  UNSORTED_SEGMENT_MAX: segments('ReduceMax', limits('min')),
  UNSORTED_SEGMENT_MIN: segments('ReduceMin', limits('max')),
  DYNAMIC_UPDATE_SLICE: updateSlice,
};
