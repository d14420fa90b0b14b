/** Comparing tensors by content. */
import type { Tensor } from '../ir/tensor.ts';

/** 32-bit FNV-1a over the bytes (four at a time where they divide): to sort by, not to trust. */
export function shortHash(t: Tensor): number {
  const bytes = t.bytes();
  let hash = 0x811c9dc5;
  if (bytes.length % 4 === 0) {
    // A DataView, because equal tensors may differ in how their bytes are aligned.
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let i = 0; i < bytes.length; i += 4) hash = Math.imul(hash ^ view.getUint32(i, true), 0x01000193);
  } else for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ bytes[i]!, 0x01000193);
  return hash >>> 0;
}

export function sameBytes(a: Tensor, b: Tensor): boolean {
  const [x, y] = [a.bytes(), b.bytes()];
  if (x.length !== y.length) return false;
  for (let i = 0; i < x.length; i++) if (x[i] !== y[i]) return false;
  return true;
}
