/** Operators that pick, place or rank elements by index. ONNX lets indices count from the end, TensorFlow.js does not. */
import { intAttribute, textAttribute } from '../../../../ir/attribute.ts';
import { isOp, type Node, shapeOf } from '../../../../ir/model.ts';
import { elementCount, tensorOf } from '../../../../ir/tensor.ts';
import { constantNumbers, normalAxis, scalarOf } from '../../../../rewrite/arguments.ts';
import { cutSizes, type ScaledForm, scaledForm, sliceFront } from '../emit-weight.ts';
import {
  type Emitter,
  numbersAt,
  refuse,
  shapeAt,
  staticShapeAt,
  type TfOperator,
  type TfOperators,
  typeOf,
} from '../emitter.ts';
import type { Ref } from '../graph.ts';
import { cast } from './elementwise.ts';
import { concat, reshape, shapeTensor, sizeOf, transpose, withOneOpen } from './shaping.ts';

/** Never negative. */
const counts = ['ArgMax', 'ArgMin', 'TopK', 'Shape', 'NonZero', 'Range', 'NonMaxSuppression'];

/** Indices of one axis, none of them negative. */
function indicesAt(node: Node, e: Emitter, x: Ref, axis: number): Ref {
  const value = node.inputs[1] ?? refuse(node, 'its input 2 is left out');
  const known = constantNumbers(value);
  const size = shapeAt(node, 0)[axis];
  if (known && (typeof size === 'number' || known.every((i) => i >= 0))) {
    const dims = shapeOf(value) as number[];
    return e.constant(
      tensorOf(
        'int32',
        dims,
        known.map((i) => (i < 0 ? i + (size as number) : i)),
      ),
    );
  }
  const indices = cast(e, e.ref(value), 'int32');
  if (value.producer && isOp(value.producer, ...counts)) return indices;
  const sizes = typeof size === 'number' ? e.int(size) : e.op('Reshape', [sizeOf(e, x, axis), e.int([])]);
  return e.op('FloorMod', [indices, sizes]);
}

const gather: TfOperator = (node, e) => {
  const axis = normalAxis(intAttribute(node, 'axis', 0), shapeAt(node, 0).length);
  const table = e.weightOf(node.inputs[0]);
  const form = table?.grid?.step[axis] === 1 ? scaledForm(table.tensor, table.grid) : null;
  const isFirst = form?.split.slice(0, axis + 1).join() === form?.whole.slice(0, axis + 1).join();
  if (form && isFirst) return gatherScaled(node, e, form, axis);
  const x = e.input(node, 0);
  return pickAlong(e, x, indicesAt(node, e, x, axis), axis);
};

const pickAlong = (e: Emitter, x: Ref, indices: Ref, axis: number): Ref => {
  // Not every backend gathers bools.
  const values = x.dtype === 'bool' ? cast(e, x, 'int32') : x;
  return cast(e, e.op('GatherV2', [values, indices, e.int(axis)], { batch_dims: { int: 0 } }), x.dtype);
};

/** A table of integers with scales for each row: rows and scales are picked, then multiplied, so that the table is not
 *  expanded at every run. */
function gatherScaled(node: Node, e: Emitter, form: ScaledForm, axis: number): Ref {
  const { codes, zero, scale, whole, split } = form;
  const table = e.stored(codes);
  const indices = indicesAt(node, e, table, axis);
  const pick = (x: Ref) => pickAlong(e, x, indices, axis);
  const centred = zero ? e.op('Sub', [pick(table), pick(e.stored(zero))]) : pick(table);
  const product = scale ? e.op('Mul', [centred, pick(e.stored(scale))]) : centred;
  if (split.length === whole.length) return product;
  const known = withOneOpen(shapeAt(node, 1));
  const target = [whole.slice(0, axis), whole.slice(axis + 1)].map((sizes) => e.int(sizes));
  const sizes = known ? e.int(known) : shapeTensor(e, indices);
  const rows = e.op('Reshape', [product, concat(e, target.toSpliced(1, 0, sizes))]);
  const open = shapeAt(node, 1).map(() => -1);
  return sliceFront(e, rows, cutSizes(form, shapeAt(node, 0)).toSpliced(axis, 1, ...open));
}

/** Places of a flattened tensor [dims] that the indices of an *Elements operator mean: their own place, with that of
 *  `axis` replaced. */
function flatPlaces(node: Node, e: Emitter, axis: number): Ref {
  const dims = staticShapeAt(node, 0);
  const shape = staticShapeAt(node, 1);
  const strides = dims.map((_, i) => elementCount(dims.slice(i + 1)));
  const inner = shape.map((_, i) => elementCount(shape.slice(i + 1)));
  const base = Int32Array.from({ length: elementCount(shape) }, (_, at) =>
    shape.reduce((sum, d, i) => (i === axis ? sum : sum + (Math.floor(at / inner[i]!) % d) * strides[i]!), 0),
  );
  const own = e.op('Mul', [indicesAt(node, e, e.input(node, 0), axis), e.int(strides[axis]!)]);
  return e.op('AddV2', [own, e.constant(tensorOf('int32', shape, base))]);
}

const gatherElements: TfOperator = (node, e) => {
  const axis = normalAxis(intAttribute(node, 'axis', 0), shapeAt(node, 0).length);
  return pickAlong(e, reshape(e, e.input(node, 0), [-1]), flatPlaces(node, e, axis), 0);
};

/** Rows of indices, none negative. */
function rowsAt(node: Node, e: Emitter, x: Ref): Ref {
  const value = node.inputs[1] ?? refuse(node, 'its input 2 is left out');
  if (constantNumbers(value)?.every((i) => i >= 0)) return cast(e, e.ref(value), 'int32');
  const width = shapeAt(node, 1).at(-1);
  if (typeof width !== 'number') return refuse(node, 'the length of its indices is not known');
  const sizes = e.op('StridedSlice', [shapeTensor(e, x), e.int([0]), e.int([width]), e.int([1])]);
  return e.op('FloorMod', [cast(e, e.ref(value), 'int32'), sizes]);
}

const gatherNd: TfOperator = (node, e) => {
  if (intAttribute(node, 'batch_dims', 0) !== 0) return refuse(node, 'batch_dims is not 0');
  const x = e.input(node, 0);
  return e.op('GatherNd', [x, rowsAt(node, e, x)]);
};

const scatterNd: TfOperator = (node, e) => {
  const x = e.input(node, 0);
  return scattered(node, e, x, rowsAt(node, e, x), e.input(node, 2));
};

/** Places updates at rows of indices. TensorFlow.js adds up what falls on one place, as reduction "add" does. */
function scattered(node: Node, e: Emitter, x: Ref, rows: Ref, updates: Ref): Ref {
  const reduction = textAttribute(node, 'reduction', 'none');
  if (reduction === 'none') return e.op('TensorScatterUpdate', [x, rows, updates]);
  if (reduction !== 'add') return refuse(node, `its reduction is ${reduction}`);
  return e.op('AddV2', [x, e.op('ScatterNd', [rows, updates, shapeTensor(e, x)], {}, x.dtype)]);
}

const scatterElements: TfOperator = (node, e) => {
  const dims = staticShapeAt(node, 0);
  const axis = normalAxis(intAttribute(node, 'axis', 0), dims.length);
  const rows = reshape(e, flatPlaces(node, e, axis), [-1, 1]);
  const flat = reshape(e, e.input(node, 0), [-1]);
  return reshape(e, scattered(node, e, flat, rows, reshape(e, e.input(node, 2), [-1])), dims);
};

const argument =
  (op: 'ArgMax' | 'ArgMin'): TfOperator =>
  (node, e) => {
    const axis = normalAxis(intAttribute(node, 'axis', 0), shapeAt(node, 0).length);
    const x = e.input(node, 0);
    const last = intAttribute(node, 'select_last_index', 0) !== 0;
    const first = e.op(op, [last ? e.op('ReverseV2', [x, e.int([axis])]) : x, e.int(axis)], {}, 'int32');
    const end = () => e.op('Sub', [e.op('Reshape', [sizeOf(e, x, axis), e.int([])]), e.int(1)]);
    const found = last ? e.op('Sub', [end(), first]) : first;
    return intAttribute(node, 'keepdims', 1) === 0 ? found : e.op('ExpandDims', [found, e.int(axis)]);
  };

/** Along the last axis, and only the largest: others are turned and negated. */
const topK: TfOperator = (node, e) => {
  const rank = shapeAt(node, 0).length;
  const axis = normalAxis(intAttribute(node, 'axis', -1), rank);
  const order = Array.from({ length: rank }, (_, i) => (i === axis ? rank - 1 : i === rank - 1 ? axis : i));
  const largest = intAttribute(node, 'largest', 1) !== 0;
  const given = e.input(node, 0);
  const x = transpose(e, largest ? given : e.op('Neg', [given]), order);
  const k = node.inputs[1]
    ? e.op('Reshape', [cast(e, e.input(node, 1), 'int32'), e.int([])])
    : e.int(intAttribute(node, 'k', 1));
  const [values, indices] = e.ops('TopKV2', [x, k], [x.dtype, 'int32'], { sorted: { bool: true } });
  const back = transpose(e, values!, order);
  return [largest ? back : e.op('Neg', [back]), transpose(e, indices!, order)];
};

/** 1 at the index, 0 elsewhere, along a new axis. TensorFlow.js's wasm kernel makes integers alone. */
export function hot(
  e: Emitter,
  indices: Ref,
  rank: number,
  { axis, depth }: { axis: number; depth: number },
): Ref {
  const attributes = { T: { type: 'int32' }, axis: { int: -1 } } as const;
  const last = e.op('OneHot', [indices, e.int(depth), e.int(1), e.int(0)], attributes, 'int32');
  const others = Array.from({ length: rank - 1 }, (_, i) => i);
  return transpose(e, last, others.toSpliced(axis, 0, rank - 1));
}

const oneHot: TfOperator = (node, e) => {
  const rank = shapeAt(node, 0).length + 1;
  const axis = normalAxis(intAttribute(node, 'axis', -1), rank);
  const depth = scalarOf(node.inputs[1]);
  const values = numbersAt(node, 2, 'pair of values');
  if (depth === null || !values) return refuse(node, 'its depth or its values are computed while it runs');
  // Only what counts from the end is moved: further out nothing is hot.
  const given = cast(e, e.input(node, 0), 'int32');
  const negative = e.op('Less', [given, e.int(0)], {}, 'bool');
  const indices = e.op('SelectV2', [negative, e.op('AddV2', [given, e.int(depth)]), given], {}, 'int32');
  const places = hot(e, indices, rank, { axis, depth });
  const type = typeOf(node.outputs[0]);
  if (values[0] === 0 && values[1] === 1) return cast(e, places, type);
  const [off, on] = values.map((v) => (type === 'float32' ? e.float(v) : e.int(v))) as [Ref, Ref];
  const chosen = e.op('SelectV2', [cast(e, places, 'bool'), on, off], {}, on.dtype);
  return cast(e, chosen, type);
};

const nonZero: TfOperator = (node, e) => {
  const x = e.input(node, 0);
  const places = e.op('Where', [cast(e, x, 'bool')], {}, 'int32');
  return e.op('Transpose', [places, e.int([1, 0])]);
};

export const indexing: TfOperators = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherNd,
  ScatterND: scatterNd,
  ScatterElements: scatterElements,
  Scatter: scatterElements,
  ArgMax: argument('ArgMax'),
  ArgMin: argument('ArgMin'),
  TopK: topK,
  OneHot: oneHot,
  NonZero: nonZero,
};
