/** Transposition of stored weights; bytes only move, so no session is worth opening for it. */
import { dtypes } from '../../model/ir/dtype.ts';
import { denseTensor, type Tensor } from '../../model/ir/tensor.ts';

/** Swaps the last two axes: [..., r, c] → [..., c, r]. Element types of 1, 2, 4 or 8 bytes. */
export function transposeMatrix(t: Tensor): Tensor {
  const rows = t.dims[t.dims.length - 2]!;
  const columns = t.dims[t.dims.length - 1]!;
  const size = dtypes[t.dtype].bits / 8;
  const from = t.bytes();
  const to = new Uint8Array(from.length);
  const matrix = rows * columns * size;
  for (let base = 0; base < from.length; base += matrix)
    for (let r = 0; r < rows; r++)
      for (let c = 0; c < columns; c++) {
        const source = base + (r * columns + c) * size;
        const target = base + (c * rows + r) * size;
        for (let b = 0; b < size; b++) to[target + b] = from[source + b]!;
      }
  return denseTensor(t.dtype, [...t.dims.slice(0, -2), columns, rows], to);
}
