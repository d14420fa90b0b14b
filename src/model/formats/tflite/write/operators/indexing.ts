/** Operators that pick, place or rank elements by index. ONNX lets indices count from the end, LiteRT does not. */
import { intAttribute, textAttribute } from '../../../../ir/attribute.ts';
import { isOp, type Node } from '../../../../ir/model.ts';
import { elementCount, tensorOf } from '../../../../ir/tensor.ts';
import { constantNumbers, normalAxis, scalarOf } from '../../../../rewrite/arguments.ts';
import { tensorTypes } from '../../codes.ts';
import {
  type Emitter,
  type LiteRow,
  type LiteRows,
  numbersAt,
  refuse,
  reshaped,
  shapeAt,
  shaped,
} from '../emitter.ts';
import type { LiteTensor, LiteType } from '../graph.ts';
import { binary, cast, compare, flattened, gathered, select, unary } from './arithmetic.ts';
import { transposed } from './shaping.ts';

const int32 = tensorTypes.indexOf('int32');
const integersOf = (shape: readonly number[]): LiteType => ({ type: 'int32', shape, quantization: null });

/** Never negative. */
const counts = ['ArgMax', 'ArgMin', 'TopK', 'Shape', 'NonZero', 'Range', 'NonMaxSuppression'];

/** Indices of an axis of this size, none of them negative. */
function indicesAt(node: Node, e: Emitter, size: number): LiteTensor {
  const value = node.inputs[1] ?? refuse(node, 'its input 2 is left out');
  const known = constantNumbers(value);
  if (known) {
    const places = known.map((i) => (i < 0 ? i + size : i));
    return e.constant(tensorOf('int32', shapeAt(node, 1), places));
  }
  const indices = cast(e, e.plain(value), 'int32');
  if (value.producer && isOp(value.producer, ...counts)) return indices;
  return binary(e, 'FLOOR_MOD', indices, e.int(size));
}

const gather: LiteRow = {
  integers: { kind: 'moves' },
  emit(node, e) {
    const x = e.input(node, 0);
    const axis = normalAxis(intAttribute(node, 'axis', 0), x.shape.length);
    return gathered(e, x, indicesAt(node, e, x.shape[axis]!), axis);
  },
};

/** Places of a flattened tensor [dims] that the indices of an *Elements operator mean: their own place, with that of
 *  `axis` replaced. */
function flatPlaces(node: Node, e: Emitter, axis: number): LiteTensor {
  const dims = shapeAt(node, 0);
  const shape = shapeAt(node, 1);
  const strides = dims.map((_, i) => elementCount(dims.slice(i + 1)));
  const inner = shape.map((_, i) => elementCount(shape.slice(i + 1)));
  const base = Int32Array.from({ length: elementCount(shape) }, (_, at) =>
    shape.reduce((sum, d, i) => (i === axis ? sum : sum + (Math.floor(at / inner[i]!) % d) * strides[i]!), 0),
  );
  const own = binary(e, 'MUL', indicesAt(node, e, dims[axis]!), e.int(strides[axis]!));
  return binary(e, 'ADD', own, e.constant(tensorOf('int32', shape, base)));
}

const gatherElements: LiteRow = {
  emit(node, e) {
    const axis = normalAxis(intAttribute(node, 'axis', 0), shapeAt(node, 0).length);
    return gathered(e, flattened(e, e.input(node, 0)), flatPlaces(node, e, axis), 0);
  },
};

/** Rows of indices, none negative. */
function rowsAt(node: Node, e: Emitter): LiteTensor {
  const value = node.inputs[1] ?? refuse(node, 'its input 2 is left out');
  const rows = cast(e, e.plain(value), 'int32');
  if (constantNumbers(value)?.every((i) => i >= 0)) return rows;
  const width = shapeAt(node, 1).at(-1)!;
  return binary(e, 'FLOOR_MOD', rows, e.int(shapeAt(node, 0).slice(0, width)));
}

const gatherNd: LiteRow = {
  emit(node, e) {
    if (intAttribute(node, 'batch_dims', 0) !== 0) return refuse(node, 'batch_dims is not 0');
    return e.op('GATHER_ND', [e.input(node, 0), rowsAt(node, e)], e.result(), ['GatherNdOptions', {}]);
  },
};

/** Updates at rows of indices; SCATTER_ND adds up what falls on one place. */
function scattered(node: Node, e: Emitter, x: LiteTensor, rows: LiteTensor, updates: LiteTensor): LiteTensor {
  const reduction = textAttribute(node, 'reduction', 'none');
  const place = (values: LiteTensor) =>
    e.op('SCATTER_ND', [rows, values, e.int(x.shape)], shaped(values, x.shape), ['ScatterNdOptions', {}]);
  if (reduction === 'add') return binary(e, 'ADD', x, place(updates));
  if (reduction !== 'none') return refuse(node, `its reduction is ${reduction}`);
  const ones = e.op('FILL', [e.int(updates.shape), e.int(1)], integersOf(updates.shape), ['FillOptions', {}]);
  return select(e, compare(e, 'GREATER', place(ones), e.int(0)), place(updates), x);
}

const scatterNd: LiteRow = {
  emit: (node, e) => scattered(node, e, e.input(node, 0), rowsAt(node, e), e.input(node, 2)),
};

const scatterElements: LiteRow = {
  emit(node, e) {
    const x = e.input(node, 0);
    const axis = normalAxis(intAttribute(node, 'axis', 0), x.shape.length);
    const places = flatPlaces(node, e, axis);
    const rows = reshaped(e, places, [elementCount(places.shape), 1]);
    const made = scattered(node, e, flattened(e, x), rows, flattened(e, e.input(node, 2)));
    return reshaped(e, made, x.shape);
  },
};

const argument = (op: 'ARG_MAX' | 'ARG_MIN'): LiteRow => ({
  emit(node, e) {
    const x = e.input(node, 0);
    const axis = normalAxis(intAttribute(node, 'axis', 0), x.shape.length);
    const last = intAttribute(node, 'select_last_index', 0) !== 0;
    const from = last ? e.op('REVERSE_V2', [x, e.int([axis])], x, ['ReverseV2Options', {}]) : x;
    const type = integersOf(x.shape.toSpliced(axis, 1));
    const first = e.op(op, [from, e.int(axis)], type, [
      op === 'ARG_MAX' ? 'ArgMaxOptions' : 'ArgMinOptions',
      { outputType: int32 },
    ]);
    const found = last ? binary(e, 'SUB', e.int(x.shape[axis]! - 1), first, type) : first;
    return reshaped(e, found, e.result().shape);
  },
});

/** Along the last axis, and only the largest: others are turned and negated. */
const topK: LiteRow = {
  emit(node, e) {
    const given = e.input(node, 0);
    const rank = given.shape.length;
    const axis = normalAxis(intAttribute(node, 'axis', -1), rank);
    const order = Array.from({ length: rank }, (_, i) => (i === axis ? rank - 1 : i === rank - 1 ? axis : i));
    const largest = intAttribute(node, 'largest', 1) !== 0;
    const negated = (x: LiteTensor) => (largest ? x : unary(e, 'NEG', x, 'NegOptions'));
    const x = transposed(e, negated(given), order);
    const k = node.inputs[1] ? scalarOf(node.inputs[1]) : intAttribute(node, 'k', 1);
    if (k === null) return refuse(node, 'how many it takes is computed while it runs');
    const shape = x.shape.with(-1, k);
    const types = [shaped(x, shape), integersOf(shape)];
    const [values, indices] = e.ops('TOPK_V2', [x, e.int(k)], types, ['TopKV2Options', {}]);
    return [negated(transposed(e, values!, order)), transposed(e, indices!, order)];
  },
};

interface Hot {
  /** Of the new axis, in the result. */
  readonly axis: number;
  readonly depth: number;
  readonly on: LiteTensor;
  readonly off: LiteTensor;
}

/** `on` at the index, `off` elsewhere, along a new axis. */
export function hot(e: Emitter, indices: LiteTensor, { axis, depth, on, off }: Hot): LiteTensor {
  const type = shaped(on, indices.shape.toSpliced(axis, 0, depth));
  const at = axis === indices.shape.length ? -1 : axis;
  return e.op('ONE_HOT', [indices, e.int(depth), on, off], type, ['OneHotOptions', { axis: at }]);
}

const oneHot: LiteRow = {
  emit(node, e) {
    const rank = shapeAt(node, 0).length + 1;
    const axis = normalAxis(intAttribute(node, 'axis', -1), rank);
    const depth = scalarOf(node.inputs[1]);
    const values = numbersAt(node, 2, 'pair of values');
    if (depth === null || !values) return refuse(node, 'its depth or its values are computed while it runs');
    // Only what counts from the end is moved: further out nothing is hot.
    const given = cast(e, e.input(node, 0), 'int32');
    const negative = compare(e, 'LESS', given, e.int(0));
    const indices = select(e, negative, binary(e, 'ADD', given, e.int(depth)), given);
    const { type } = e.result();
    const [off, on] = values.map((v) => (type === 'float32' ? e.float(v) : e.int(v))) as [
      LiteTensor,
      LiteTensor,
    ];
    return cast(e, hot(e, indices, { axis, depth, on, off }), type);
  },
};

const suppression: LiteRow = {
  emit: (node) =>
    refuse(
      node,
      'how many boxes it keeps is known only while it runs, and .tflite files are written with known sizes',
    ),
};

export const indexing: LiteRows = {
  NonMaxSuppression: suppression,
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  ScatterND: scatterNd,
  ScatterElements: scatterElements,
  Scatter: scatterElements,
  ArgMax: argument('ARG_MAX'),
  ArgMin: argument('ARG_MIN'),
  TopK: topK,
  OneHot: oneHot,
};
