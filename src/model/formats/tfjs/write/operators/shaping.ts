/** Operators that change shapes and leave elements in order, and those that read shapes. */
import { intAttribute, intsAttribute } from '../../../../ir/attribute.ts';
import { constantOf, type Node, shapeOf } from '../../../../ir/model.ts';
import { elementCount } from '../../../../ir/tensor.ts';
import { isStatic, type Shape } from '../../../../ir/type.ts';
import { transposePermutation } from '../../../../ops/defaults.ts';
import { intsArgument, normalAxis } from '../../../../rewrite/arguments.ts';
import { type Emitter, numbersAt, refuse, shapeAt, type TfOperator, type TfOperators } from '../emitter.ts';
import type { Ref } from '../graph.ts';
import { cast } from './elementwise.ts';

export const shapeTensor = (e: Emitter, x: Ref): Ref => e.op('Shape', [x], {}, 'int32');

/** Entries [from, to) of a vector. */
export const sliceVector = (e: Emitter, vector: Ref, from: number, to: number): Ref =>
  e.op('StridedSlice', [vector, e.int([from]), e.int([to]), e.int([1])]);

/** One size of a tensor, as a vector of one. */
export const sizeOf = (e: Emitter, x: Ref, axis: number): Ref =>
  sliceVector(e, shapeTensor(e, x), axis, axis + 1);

export const concat = (e: Emitter, parts: readonly Ref[], axis = 0): Ref =>
  parts.length === 1 ? parts[0]! : e.op('ConcatV2', [...parts, e.int(axis)], { N: { int: parts.length } });

/** A tensor of one value. @param shape  int32 vector */
export const fill = (e: Emitter, shape: Ref, value: Ref): Ref =>
  e.op('Fill', [shape, value], { T: { type: value.dtype }, index_type: { type: 'int32' } }, value.dtype);

export const reshape = (e: Emitter, x: Ref, dims: readonly number[]): Ref =>
  e.op('Reshape', [x, e.int(dims)]);

/** The product of `axes`. WebGPU's kernel forgets keep_dims for small tensors that it computes on the CPU. */
export const productOver = (e: Emitter, x: Ref, axes: readonly number[], keep: boolean): Ref => {
  const y = e.op('Prod', [x, e.int(axes)], { keep_dims: { bool: false } });
  const kept = keep ? axes.toSorted((a, b) => a - b) : [];
  return kept.reduce((wide, axis) => e.op('ExpandDims', [wide, e.int(axis)]), y);
};

export const transpose = (e: Emitter, x: Ref, order: readonly number[]): Ref =>
  order.every((axis, i) => axis === i) ? x : e.op('Transpose', [x, e.int(order)]);

/** A shape as a tensor: known sizes are constants, the others are read from `x`'s. */
export function shapeLike(e: Emitter, x: Ref, shape: Shape): Ref {
  if (isStatic(shape)) return e.int(shape);
  const sizes = shapeTensor(e, x);
  return concat(
    e,
    shape.map((d, axis) => (typeof d === 'number' ? e.int([d]) : sliceVector(e, sizes, axis, axis + 1))),
  );
}

/** At most one size of a target shape may be left to TensorFlow.js. */
export function withOneOpen(shape: Shape | null): number[] | null {
  const open = shape?.filter((d) => typeof d !== 'number').length ?? 2;
  return shape && open <= 1 && !shape.includes(0) ? shape.map((d) => (typeof d === 'number' ? d : -1)) : null;
}

/** 0 in a target copies a size, which TensorFlow.js does not know. */
const reshapeTo: TfOperator = (node, e) => {
  const x = e.input(node, 0);
  const allowZero = intAttribute(node, 'allowzero', 0) !== 0;
  const wanted = numbersAtOrNull(node);
  const from = shapeOf(node.inputs[0]);
  if (wanted) {
    const target = wanted.map((d, i) => (d === 0 && !allowZero ? (from?.[i] ?? null) : d));
    if (target.every((d) => typeof d === 'number')) return reshape(e, x, target);
  }
  const known = withOneOpen(shapeOf(node.outputs[0]));
  if (known) return reshape(e, x, known);
  if (wanted) {
    const sizes = shapeTensor(e, x);
    const parts = wanted.map((d, i) => (d === 0 ? sliceVector(e, sizes, i, i + 1) : e.int([d])));
    return e.op('Reshape', [x, concat(e, parts)]);
  }
  return e.op('Reshape', [x, copiedZeros(node, e, x, allowZero)]);
};

const numbersAtOrNull = (node: Node): number[] | null => {
  const t = constantOf(node.inputs[1]);
  return t ? (intsArgument(node, 'shape', 1) ?? null) : null;
};

/** The computed target of a Reshape with its zeros replaced, where it may have some. */
function copiedZeros(node: Node, e: Emitter, x: Ref, allowZero: boolean): Ref {
  const target = e.input(node, 1);
  const count = shapeOf(node.inputs[1])?.[0];
  const rank = shapeOf(node.inputs[0])?.length;
  const data = e.inferred.data(node.inputs[1]!);
  const nowhereZero = data?.values.every((v) => v !== null && v !== 0) ?? false;
  if (allowZero || nowhereZero || typeof count !== 'number' || rank === undefined) return target;
  const sizes = shapeTensor(e, x);
  const begin = sliceVector(e, sizes, 0, Math.min(rank, count));
  const filled = count > rank ? concat(e, [begin, e.int(Array<number>(count - rank).fill(1))]) : begin;
  return e.op('SelectV2', [e.op('Equal', [target, e.int(0)], {}, 'bool'), filled, target], {}, 'int32');
}

const flatten: TfOperator = (node, e) => {
  const x = e.input(node, 0);
  const shape = shapeAt(node, 0);
  const axis = normalAxis(intAttribute(node, 'axis', 1), shape.length);
  const [before, after] = [shape.slice(0, axis), shape.slice(axis)];
  if (isStatic(after))
    return reshape(e, x, [isStatic(before) ? elementCount(before) : -1, elementCount(after)]);
  if (isStatic(before)) return reshape(e, x, [elementCount(before), -1]);
  const rows = productOver(e, sliceVector(e, shapeTensor(e, x), 0, axis), [0], true);
  return e.op('Reshape', [x, concat(e, [rows, e.int([-1])])]);
};

const axesAt = (node: Node, rank: number): number[] | undefined => {
  const axes = intsArgument(node, 'axes', 1);
  if (axes === null) return refuse(node, 'its axes are computed while it runs');
  return axes?.map((axis) => normalAxis(axis, rank));
};

const squeeze: TfOperator = (node, e) => {
  const shape = shapeAt(node, 0);
  const named = axesAt(node, shape.length);
  const axes = named?.length ? named : shape.flatMap((d, axis) => (d === 1 ? [axis] : []));
  const x = e.input(node, 0);
  // Without axes TensorFlow would drop every axis of size 1.
  return axes.length === 0 ? e.op('Identity', [x]) : e.op('Squeeze', [x], { squeeze_dims: { ints: axes } });
};

const unsqueeze: TfOperator = (node, e) => {
  const count = intsArgument(node, 'axes', 1)?.length ?? 0;
  const axes = axesAt(node, shapeAt(node, 0).length + count) ?? [];
  return [...axes]
    .sort((a, b) => a - b)
    .reduce((x, axis) => e.op('ExpandDims', [x, e.int(axis)]), e.input(node, 0));
};

const transposed: TfOperator = (node, e) => {
  const perm = transposePermutation(node, shapeAt(node, 0).length);
  return e.op('Transpose', [e.input(node, 0), e.int(perm ?? [])]);
};

const shape: TfOperator = (node, e) => {
  const rank = shapeAt(node, 0).length;
  const end = (at: number) => Math.max(0, Math.min(rank, at < 0 ? at + rank : at));
  const [from, to] = [end(intAttribute(node, 'start', 0)), end(intAttribute(node, 'end', rank))];
  if (from >= to) return e.int([]);
  const all = shapeTensor(e, e.input(node, 0));
  return from === 0 && to === rank ? all : sliceVector(e, all, from, to);
};

const size: TfOperator = (node, e) => e.op('Size', [e.input(node, 0)], {}, 'int32');

/** Expand broadcasts both ways: sizes of the input win over ones in the target. */
const expand: TfOperator = (node, e) => {
  const x = e.input(node, 0);
  const to = shapeOf(node.outputs[0]);
  if (isStatic(to)) return e.op('BroadcastTo', [x, e.int(to)]);
  const target = e.input(node, 1);
  if (x.dtype === 'bool') {
    const ones = fill(e, target, e.int(1));
    return cast(e, e.op('Mul', [cast(e, x, 'int32'), ones]), 'bool');
  }
  const one = x.dtype === 'int32' ? e.int(1) : e.float(1);
  return e.op('Mul', [x, fill(e, target, one)]);
};

const tile: TfOperator = (node, e) => e.op('Tile', [e.input(node, 0), e.input(node, 1)]);

const joined: TfOperator = (node, e) => {
  const rank = shapeOf(node.outputs[0])?.length ?? shapeAt(node, 0).length;
  const axis = normalAxis(intAttribute(node, 'axis', 0), rank);
  const parts = node.inputs.map((_, i) => e.input(node, i));
  return parts.length === 1 ? e.op('Identity', parts) : concat(e, parts, axis);
};

const split: TfOperator = (node, e) => {
  const shape = shapeAt(node, 0);
  const axis = normalAxis(intAttribute(node, 'axis', 0), shape.length);
  const given = intsAttribute(node, 'split') ?? numbersAt(node, 1, 'list of sizes');
  const sizes = given ?? equalSizes(node, shape[axis] ?? null);
  const x = e.input(node, 0);
  const dtypes = sizes.map(() => x.dtype);
  return e.ops('SplitV', [x, e.int(sizes), e.int(axis)], dtypes, { num_split: { int: sizes.length } });
};

/** Parts of the same size; the last one is smaller where they don't come out even. */
function equalSizes(node: Node, size: Shape[number]): number[] {
  const parts = intAttribute(node, 'num_outputs', node.outputs.length);
  if (typeof size !== 'number') return refuse(node, 'the size that it splits is not known');
  const each = Math.ceil(size / parts);
  return Array.from({ length: parts }, (_, i) => Math.min(each, size - i * each));
}

export const shaping: TfOperators = {
  Reshape: reshapeTo,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transposed,
  Shape: shape,
  Size: size,
  Expand: expand,
  Tile: tile,
  Concat: joined,
  Split: split,
};
