/** Weights that TensorFlow.js stores in fewer bits than it computes with.
 *  Source: tensorflowjs python/tensorflowjs/quantization.py; tfjs-core src/io/io_utils.ts. */
import { z } from 'zod';
import { fromFloat16 } from '../../../support/float16.ts';

export const quantizationSchema = z.union([
  z.object({ dtype: z.literal('float16') }),
  z.object({ dtype: z.enum(['uint8', 'uint16']), scale: z.number(), min: z.number() }),
]);
export type WeightQuantization = z.infer<typeof quantizationSchema>;

/** Types in which weights lie in the file that are wider in the model. */
export type NarrowType = WeightQuantization['dtype'];

/** Bytes that `count` elements take in the file. */
export const storedBytes = ({ dtype }: WeightQuantization, count: number) =>
  dtype === 'uint8' ? count : 2 * count;

/** value = code · scale + min; whole numbers are rounded. Float16 keeps its value.
 *  @param stored  little-endian, at any offset
 *  @returns the bytes of `dtype` */
export function expandWeight(
  stored: Uint8Array,
  dtype: 'float32' | 'int32',
  quantization: WeightQuantization,
): Uint8Array {
  const codes = quantization.dtype === 'uint8' ? stored : new Uint16Array(new Uint8Array(stored).buffer);
  if (quantization.dtype === 'float16') return bytesOf(fromFloat16(codes as Uint16Array));
  const { scale, min } = quantization;
  if (dtype === 'int32') return bytesOf(Int32Array.from(codes, (code) => Math.round(code * scale + min)));
  return bytesOf(Float32Array.from(codes, (code) => code * scale + min));
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array | Int32Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);
