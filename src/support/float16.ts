/** IEEE half floats as Uint16Array bits, through @petamoriken/float16 (Node 20 has no Float16Array). */
import { Float16Array } from '@petamoriken/float16';

export function toFloat16(values: Float32Array): Uint16Array {
  const half = new Float16Array(values);
  return new Uint16Array(half.buffer, half.byteOffset, half.length);
}

export function fromFloat16(bits: Uint16Array): Float32Array {
  const half = new Float16Array(bits.slice().buffer);
  return Float32Array.from(half);
}
