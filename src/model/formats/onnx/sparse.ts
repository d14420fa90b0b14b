/** Sparse tensors as dense ones, computed when asked for. */

import { onnxMalformed, onnxTooLarge } from '../../../support/diagnostics/model-files.ts';
import type { SparseTensor } from '../../ir/attribute.ts';
import { byteLength, dtypes } from '../../ir/dtype.ts';
import { elementCount, lazyTensor, numbers, type Tensor } from '../../ir/tensor.ts';

const LIMIT = 2 ** 32;

/** Indices are [nnz] linear or [nnz, rank] coordinates. @throws ONNX_MALFORMED, ONNX_TOO_LARGE when computed */
export function denseFromSparse(sparse: SparseTensor, what: string): Tensor {
  const { dims, values, indices } = sparse;
  const rows = indices.dims[0] ?? 0;
  const { dtype } = values;
  const width = dtypes[dtype].bits / 8;
  const fits = indices.dims.length === 1 || (indices.dims.length === 2 && indices.dims[1] === dims.length);
  if (indices.dtype !== 'int64' || !fits || rows !== elementCount(values.dims))
    throw onnxMalformed(what, `${elementCount(values.dims)} values have indices [${indices.dims.join(',')}]`);
  if (!Number.isInteger(width) || width === 0)
    throw onnxMalformed(what, `sparse elements of type ${dtype} have no byte of their own`);
  return lazyTensor(dtype, dims, () => {
    const size = byteLength(dtype, elementCount(dims));
    if (size > LIMIT) throw onnxTooLarge(what, size, LIMIT);
    const dense = new Uint8Array(size);
    const from = values.bytes();
    const at = numbers(indices);
    const rank = indices.dims.length === 1 ? 1 : dims.length;
    for (let i = 0; i < rows; i++) {
      let position = 0;
      for (let k = 0; k < rank; k++) position = position * (rank === 1 ? 1 : dims[k]!) + at[i * rank + k]!;
      if (!(position >= 0 && (position + 1) * width <= size))
        throw onnxMalformed(what, `index ${position} is outside of [${dims.join(',')}]`);
      dense.set(from.subarray(i * width, (i + 1) * width), position * width);
    }
    return dense;
  });
}
