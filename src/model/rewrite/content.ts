/** Comparing tensors by content. */
import type { Tensor } from '../ir/tensor.ts';

/** How many bytes of a tensor its short hash looks at, evenly spread. */
const sampled = 4096;

/** 32-bit FNV-1a over some of the bytes: to sort by, not to trust. */
export function shortHash(t: Tensor): number {
  const bytes = t.bytes();
  const step = Math.max(1, Math.floor(bytes.length / sampled));
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i += step) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}

export function sameBytes(a: Tensor, b: Tensor): boolean {
  const [x, y] = [a.bytes(), b.bytes()];
  if (x.length !== y.length) return false;
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false;
  return true;
}
