/** Logits as they come out of a run. */
import { float32Values, type Tensor } from '../../model/ir/tensor.ts';
import type { Logits } from './decoder.ts';

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
