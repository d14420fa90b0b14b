/** Tensors with their axes in another order: bytes only move, so no engine is needed. */
import { dtypes } from './dtype.ts';
import {
  denseTensor,
  elementCount,
  lazyTensor,
  stringTensor,
  type Tensor,
  tensorOf,
  typedArray,
  unpack,
} from './tensor.ts';

/** Axis i of the result is axis order[i] of the tensor. What is in memory is moved now, anything else when it is read. */
export function transposeTensor(t: Tensor, order: readonly number[]): Tensor {
  if (order.every((axis, i) => axis === i)) return t;
  const dims = order.map((axis) => t.dims[axis]!);
  if (t.strings) return stringTensor(dims, gathered(t.strings, t.dims, order));
  if (t.kind === 'dense') return denseTensor(t.dtype, dims, transposedBytes(t, order));
  return lazyTensor(t.dtype, dims, () => transposedBytes(t, order));
}

/** Swaps the last two axes: [..., r, c] → [..., c, r]. */
export function transposeMatrix(t: Tensor): Tensor {
  const rank = t.dims.length;
  return transposeTensor(t, [...t.dims.slice(0, -2).map((_, i) => i), rank - 1, rank - 2]);
}

function transposedBytes(t: Tensor, order: readonly number[]): Uint8Array {
  const { bits, kind } = dtypes[t.dtype];
  if (bits < 8) return tensorOf(t.dtype, [elementCount(t.dims)], gathered(unpack(t), t.dims, order)).bytes();
  const places = sourcePlaces(t.dims, order);
  if (kind === 'complex') return movedBlocks(t.bytes(), places, bits / 8);
  const source = typedArray(t);
  const target = source.slice();
  for (let i = 0; i < places.length; i++) target[i] = source[places[i]!]!;
  return new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
}

/** Elements of `size` bytes. */
function movedBlocks(from: Uint8Array, places: Uint32Array, size: number): Uint8Array {
  const to = new Uint8Array(from.length);
  places.forEach((place, i) => {
    to.set(from.subarray(place * size, (place + 1) * size), i * size);
  });
  return to;
}

const gathered = <T>(list: readonly T[], dims: readonly number[], order: readonly number[]): T[] =>
  Array.from(sourcePlaces(dims, order), (i) => list[i]!);

/** Where in the tensor every element of the result comes from. */
function sourcePlaces(dims: readonly number[], order: readonly number[]): Uint32Array {
  const places = new Uint32Array(elementCount(dims));
  let filled = Math.min(1, places.length);
  for (const axis of [...order].reverse()) {
    const stride = elementCount(dims.slice(axis + 1));
    for (let i = 1; i < dims[axis]!; i++)
      for (let j = 0; j < filled; j++) places[i * filled + j] = places[j]! + i * stride;
    filled *= dims[axis]!;
  }
  return places;
}
