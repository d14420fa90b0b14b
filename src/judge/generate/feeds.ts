/** Tensors that decoders are fed with, and logits as they come out. */
import type { Port } from '../../model/ir/port.ts';
import { elementCount, float32Values, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import type { Logits, TokenRows } from './decoder.ts';

/** The batch that the graph fixes; null where it is open. */
export function fixedBatch(port: Port): number | null {
  const dim = port.shape?.[0];
  return typeof dim === 'number' ? dim : null;
}

/** Rows as a tensor of the port's type, [batch, tokens]. A graph that fixes its batch gets the last row again for
 *  each row too few. @param length  columns, zeros at the end of shorter rows */
export function tokenTensor(port: Port, rows: TokenRows, length = rows[0]?.length ?? 0): Tensor {
  const batch = fixedBatch(port) ?? rows.length;
  const ids = new Array<number>(batch * length).fill(0);
  for (let b = 0; b < batch; b++) {
    const row = rows[Math.min(b, rows.length - 1)]!;
    for (let t = 0; t < row.length; t++) ids[b * length + t] = row[t]!;
  }
  return tensorOf(port.dtype, [batch, length], ids);
}

/** One number for all elements, in the port's type. */
export const filled = (port: Pick<Port, 'dtype'>, dims: readonly number[], value: number): Tensor =>
  tensorOf(port.dtype, dims, new Array<number>(elementCount(dims)).fill(value));

/** start, start + 1, … for each row. */
export const positionTensor = (port: Port, batch: number, start: number, length: number): Tensor =>
  tensorOf(
    port.dtype,
    [batch, length],
    Array.from({ length: batch * length }, (_, i) => start + (i % length)),
  );

/** Of a tensor [batch, tokens, vocabulary]. */
export function logitsOf(tensor: Tensor): Logits {
  const [batch = 1, length = 1, vocabulary = 1] = tensor.dims;
  return { batch, length, vocabulary, values: float32Values(tensor) };
}

/** `count` positions from `start` on. */
export function sliceLogits(logits: Logits, start: number, count: number): Logits {
  const { batch, length, vocabulary, values } = logits;
  if (start === 0 && count === length) return logits;
  const kept = new Float32Array(batch * count * vocabulary);
  for (let b = 0; b < batch; b++) {
    const from = (b * length + start) * vocabulary;
    kept.set(values.subarray(from, from + count * vocabulary), b * count * vocabulary);
  }
  return { batch, length: count, vocabulary, values: kept };
}
