/** Permutations of axes, as Transpose has them: axis i of the result is axis perm[i] of the source. */
import { dtypes } from '../ir/dtype.ts';
import { isOp, type Node, shapeOf } from '../ir/model.ts';
import {
  elementCount,
  lazyTensor,
  stringTensor,
  type Tensor,
  tensorOf,
  typedArray,
  unpack,
} from '../ir/tensor.ts';
import type { Shape, ValueType } from '../ir/type.ts';
import { transposePermutation } from '../ops/defaults.ts';

export type Permutation = readonly number[];

export const identityOf = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i);

/** First p, then q. */
export const compose = (p: Permutation, q: Permutation): number[] => q.map((i) => p[i]!);

/** Undoes p; at the place of an axis stands where it goes. */
export function inverse(p: Permutation): number[] {
  const back = new Array<number>(p.length);
  p.forEach((from, to) => {
    back[from] = to;
  });
  return back;
}

export const isIdentity = (p: Permutation) => p.every((from, to) => from === to);

export const isPermutation = (p: readonly number[]) =>
  p.every((i) => Number.isInteger(i) && i >= 0 && i < p.length) && new Set(p).size === p.length;

export const permuted = <T>(list: readonly T[], p: Permutation): T[] => p.map((i) => list[i]!);

export const permutedType = (type: ValueType | null, p: Permutation): ValueType | null =>
  type?.kind === 'tensor' && type.shape?.length === p.length
    ? { ...type, shape: permuted(type.shape, p) }
    : type;

/** What a Transpose does; null for other nodes, unknown ranks, and a `perm` that doesn't fit its input. */
export function permutationOf(node: Node): Permutation | null {
  if (!isOp(node, 'Transpose') || !node.inputs[0] || !node.outputs[0]) return null;
  const shape = shapeOf(node.inputs[0]);
  const perm = transposePermutation(node);
  if (!shape || !perm || perm.length !== shape.length || !isPermutation(perm)) return null;
  return perm;
}

/** Whether axes longer than 1 keep their order, so that no element moves. Sizes that aren't 1 for sure count as longer. */
export function keepsElements(shape: Shape, p: Permutation): boolean {
  const long = p.filter((axis) => shape[axis] !== 1);
  return long.every((axis, i) => i === 0 || long[i - 1]! < axis);
}

/** The tensor with its axes permuted; its bytes are put together when they are read. */
export function transposeTensor(t: Tensor, p: Permutation): Tensor {
  const dims = permuted(t.dims, p);
  if (t.strings) return stringTensor(dims, gathered(t.strings, t.dims, p));
  return lazyTensor(t.dtype, dims, () => {
    if (dtypes[t.dtype].bits < 8) return tensorOf(t.dtype, dims, gathered(unpack(t), t.dims, p)).bytes();
    return wideBytes(t, p);
  });
}

/** Element types of 1, 2, 4, 8 or 16 bytes. */
function wideBytes(t: Tensor, p: Permutation): Uint8Array {
  const source = dtypes[t.dtype].bits > 64 ? null : typedArray(t);
  const order = sourceOrder(t.dims, p);
  if (source) {
    const target = source.slice();
    for (let i = 0; i < order.length; i++) target[i] = source[order[i]!]!;
    return new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
  }
  const size = dtypes[t.dtype].bits / 8;
  const bytes = t.bytes();
  const target = new Uint8Array(bytes.length);
  order.forEach((from, to) => {
    target.set(bytes.subarray(from * size, (from + 1) * size), to * size);
  });
  return target;
}

const gathered = <T>(list: readonly T[], dims: readonly number[], p: Permutation): T[] =>
  Array.from(sourceOrder(dims, p), (i) => list[i]!);

/** Index in the source of every element of the result, in order. */
function sourceOrder(dims: readonly number[], p: Permutation): Uint32Array {
  const strides = dims.map((_, i) => elementCount(dims.slice(i + 1)));
  const order = new Uint32Array(elementCount(dims));
  if (order.length === 0) return order;
  const axes = p.map((axis) => ({ size: dims[axis]!, stride: strides[axis]! }));
  let filled = 1;
  for (const { size, stride } of [...axes].reverse()) {
    for (let i = 1; i < size; i++)
      for (let j = 0; j < filled; j++) order[i * filled + j] = order[j]! + i * stride;
    filled *= size;
  }
  return order;
}
