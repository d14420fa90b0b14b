/** The elements of a constant in another order of axes. */
import { byteLength } from '../../ir/dtype.ts';
import { elementCount, lazyTensor, type Tensor } from '../../ir/tensor.ts';

/** Axis i of the result is axis perm[i] of the tensor. Computed when the bytes are asked for; elements of whole bytes. */
export function transposeTensor(t: Tensor, perm: readonly number[]): Tensor {
  const dims = perm.map((axis) => t.dims[axis]!);
  const strides = t.dims.map((_, axis) => elementCount(t.dims.slice(axis + 1)));
  return lazyTensor(t.dtype, dims, () =>
    moved(
      t.bytes(),
      byteLength(t.dtype, 1),
      dims,
      perm.map((axis) => strides[axis]!),
    ),
  );
}

/** The same elements under other sizes. */
export const reshapeTensor = (t: Tensor, dims: readonly number[]): Tensor =>
  lazyTensor(t.dtype, dims, () => t.bytes());

function moved(from: Uint8Array, width: number, dims: readonly number[], strides: readonly number[]) {
  const to = new Uint8Array(from.length);
  const at = dims.map(() => 0);
  let source = 0;
  for (let target = 0; target < to.length; target += width) {
    for (let k = 0; k < width; k++) to[target + k] = from[source * width + k]!;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      source += strides[axis]!;
      if (++at[axis]! < dims[axis]!) break;
      source -= strides[axis]! * dims[axis]!;
      at[axis] = 0;
    }
  }
  return to;
}
