/** Our tensors to onnxruntime's and back, without copies where the layouts agree.
 *  onnxruntime's JavaScript knows float16 as Uint16Array or, where it exists, Float16Array; bool as Uint8Array;
 *  int4 and uint4 as packed bytes; strings as JavaScript strings. It has no bfloat16, float8 or 2-bit tensors. */
import type { Tensor as OrtTensor, TensorConstructor } from 'onnxruntime-web';
import { denseTensor, stringTensor, type Tensor, typedArray } from '../../model/ir/tensor.ts';
import { feedMismatch } from '../../support/diagnostics/engines.ts';

/** Views the tensor's memory when it is aligned to its element size. The runtime must not write to it.
 *  @throws FEED_MISMATCH for strings that are not UTF-8 (JavaScript could not hand them on unchanged) */
export function toOrt(create: TensorConstructor, name: string, t: Tensor): OrtTensor {
  if (t.strings) return new create('string', decodeStrings(name, t.strings), t.dims);
  return new create(t.dtype as 'float32', typedArray(t) as Float32Array, t.dims);
}

/** Views the memory that the runtime allocated for this output. */
export function fromOrt(t: OrtTensor): Tensor {
  if (t.type === 'string') return stringTensor(t.dims, t.data as string[]);
  const { buffer, byteOffset, byteLength } = t.data as Float32Array;
  return denseTensor(t.type, t.dims, new Uint8Array(buffer, byteOffset, byteLength), 'An output');
}

function decodeStrings(name: string, strings: readonly Uint8Array[]): string[] {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    return strings.map((s) => decoder.decode(s));
  } catch {
    throw feedMismatch(name, 'UTF-8 strings', 'bytes that are not UTF-8');
  }
}
