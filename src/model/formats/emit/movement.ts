/** Order of axes, shapes, casts: what most other operators are made of. */
import { intAttribute, intsAttribute } from '../../ir/attribute.ts';
import { type DType, dtypes } from '../../ir/dtype.ts';
import { constantOf, isOp, shapeOf, type Value } from '../../ir/model.ts';
import { elementCount } from '../../ir/tensor.ts';
import { isStatic } from '../../ir/type.ts';
import type { Emitter } from './emitter.ts';
import { reshapeTensor, transposeTensor } from './transpose-tensor.ts';

const isIdentity = (perm: readonly number[]) => perm.every((axis, i) => axis === i);

/** Axis i of the result is axis perm[i] of x. A constant is moved at once, be it stored in fewer bits; a Transpose behind x is
 *  joined with this one. */
export function transpose(e: Emitter, x: Value, perm: readonly number[]): Value {
  if (isIdentity(perm)) return x;
  const tensor = constantOf(x);
  if (tensor && tensor.kind !== 'string') return e.constant(transposeTensor(tensor, perm), x.name);
  const stored = transposeStored(e, x, perm);
  if (stored) return stored;
  const before = isOp(x.producer, 'Transpose') ? intsAttribute(x.producer, 'perm') : undefined;
  if (before)
    return transpose(
      e,
      x.producer!.inputs[0]!,
      perm.map((axis) => before[axis]!),
    );
  return e.emit('Transpose', [x], { perm });
}

/** A constant behind a Cast or DequantizeLinear, moved before it; null for all else. */
const transposeStored = (e: Emitter, x: Value, perm: readonly number[]): Value | null =>
  changeStored(
    e,
    x,
    (stored) => transpose(e, stored, perm),
    (axis) => perm.indexOf(axis),
  );

/** The same node on another form of its constant; null where it is no Cast or DequantizeLinear of a constant.
 *  @param axisOf  where an axis of the constant is then */
function changeStored(
  e: Emitter,
  x: Value,
  change: (stored: Value) => Value,
  axisOf: (axis: number) => number,
): Value | null {
  const node = x.producer;
  if (!node || !isOp(node, 'Cast', 'DequantizeLinear') || node.inputs.some((v) => v && !constantOf(v)))
    return null;
  const [stored, scale = null, zeroPoint = null] = node.inputs;
  const changed = change(stored!);
  if (isOp(node, 'Cast')) return e.emit('Cast', [changed], { to: node.attributes.get('to') });
  const isScalar = constantOf(scale)?.dims.length === 0;
  const axis = isScalar ? undefined : axisOf(intAttribute(node, 'axis', 1));
  return e.emit('DequantizeLinear', [changed, scale, ...(zeroPoint ? [zeroPoint] : [])], { axis });
}

/** A constant that is stored in fewer bits with axes of size 1 before its own, up to `rank`: so that it goes along where
 *  the axes of what it is combined with move. Anything else stays. */
export function extended(e: Emitter, x: Value, rank: number): Value {
  const dims = shapeOf(x);
  if (!isStatic(dims) || dims.length === 0 || dims.length >= rank) return x;
  const added = rank - dims.length;
  const all = [...Array<number>(added).fill(1), ...dims];
  return (
    changeStored(
      e,
      x,
      (stored) => reshape(e, stored, all),
      (axis) => axis + added,
    ) ?? x
  );
}

/** [batch, …spatial, channels] → [batch, channels, …spatial]. */
export function toChannelsFirst(e: Emitter, x: Value): Value {
  const rank = e.rank(x);
  return transpose(e, x, [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, i) => i + 1)]);
}

/** [batch, channels, …spatial] → [batch, …spatial, channels]. */
export function toChannelsLast(e: Emitter, x: Value): Value {
  const rank = e.rank(x);
  return transpose(e, x, [0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2), 1]);
}

/** The value in another type; floats lose their fraction towards zero. */
export function cast(e: Emitter, x: Value, dtype: DType): Value {
  return e.dtype(x) === dtype ? x : e.emit('Cast', [x], { to: dtypes[dtype].code });
}

/** x under other sizes: numbers (−1 for one that follows), or an int64 or int32 tensor of them. */
export function reshape(e: Emitter, x: Value, to: readonly number[] | Value): Value {
  const target = 'name' in to ? (e.data(to) ?? []) : to;
  const tensor = constantOf(x);
  const dims = target.every((d) => typeof d === 'number' && d >= 0) ? (target as number[]) : null;
  if (
    tensor &&
    dims &&
    tensor.kind !== 'string' &&
    elementCount(dims) === elementCount(tensor.dims) &&
    !isEmptyTarget(to, dims)
  )
    return e.constant(reshapeTensor(tensor, dims), x.name);
  const shape = 'name' in to ? cast(e, to, 'int64') : e.integers(...to);
  // A size of 0 means 0 in TensorFlow and "as before" in ONNX, unless it is told otherwise.
  const zero = target.includes(0) && !target.includes(-1);
  return e.emit('Reshape', [x, shape], { allowzero: zero ? 1 : undefined });
}

/** An unknown target looks like a scalar's. */
const isEmptyTarget = (to: readonly number[] | Value, dims: readonly number[]) =>
  'name' in to && dims.length === 0;

export const unsqueeze = (e: Emitter, x: Value, ...axes: number[]): Value =>
  e.emit('Unsqueeze', [x, e.integers(...axes)]);

export const squeeze = (e: Emitter, x: Value, ...axes: number[]): Value =>
  e.emit('Squeeze', [x, e.integers(...axes)]);

/** All sizes as int64 [rank]. */
export const shapeOfValue = (e: Emitter, x: Value): Value => e.emit('Shape', [x]);

/** One size as int64 [1]. */
export function sizeOfAxis(e: Emitter, x: Value, axis: number): Value {
  const at = axis < 0 ? axis + e.rank(x) : axis;
  return e.emit('Shape', [x], { start: at, end: at + 1 });
}

/** Elements start, start + 1 … end − 1 of an axis. */
export const slice = (e: Emitter, x: Value, axis: number, start: number, end: number): Value =>
  e.emit('Slice', [x, e.integers(start), e.integers(end), e.integers(axis)]);

export const concat = (e: Emitter, values: readonly Value[], axis: number): Value =>
  values.length === 1 ? values[0]! : e.emit('Concat', values, { axis });

/** Scalar of the only element of a tensor. */
export const toScalar = (e: Emitter, x: Value): Value => reshape(e, x, []);

/** Any integer or scalar tensor as int64 [n]. */
export const toList = (e: Emitter, x: Value): Value => {
  const whole = cast(e, x, 'int64');
  return e.shape(whole)?.length === 1 ? whole : reshape(e, whole, [-1]);
};

/** The shape that two shapes broadcast to, int32. */
export function broadcastShapes(e: Emitter, ...shapes: readonly [Value, Value]): Value {
  const lists = shapes.map((shape) => toList(e, shape));
  const lengths = lists.map((list) => e.sizes(list)[0]);
  if (lengths.some((n) => typeof n !== 'number')) return e.refuse('shapes of a rank that is not known');
  const rank = Math.max(...(lengths as number[]));
  const [a, b] = lists.map((list, i) =>
    concat(e, [e.integers(...Array<number>(rank - (lengths[i] as number)).fill(1)), list], 0),
  ) as [Value, Value];
  return cast(e, e.emit('Where', [e.emit('Equal', [a, e.scalar('int64', 1)]), b, a]), 'int32');
}
