/** Parts of tensors: bytes only move, so no engine is needed. */
import { elementCount, type Tensor, tensorOf, typedArray } from './tensor.ts';

/** Indices [from, to) of one axis. Not of types whose elements share bytes. */
export function slicedTensor(t: Tensor, axis: number, from: number, to: number): Tensor {
  const values = typedArray(t);
  const inner = elementCount(t.dims.slice(axis + 1));
  const outer = elementCount(t.dims.slice(0, axis));
  const [row, begin, length] = [t.dims[axis]! * inner, from * inner, (to - from) * inner];
  const kept = values.slice(0, outer * length);
  for (let o = 0; o < outer; o++) {
    const part = values.subarray(o * row + begin, o * row + begin + length);
    (kept as Float32Array).set(part as Float32Array, o * length);
  }
  return tensorOf(t.dtype, t.dims.with(axis, to - from), kept);
}
