/** Constants as a graph-model stores them: float32, float16, int32, bool, and integers of 8 or 16 bits with a scale and a
 *  minimum for the whole tensor. What TensorFlow.js decodes is, bit for bit, what the ONNX model computes with.
 *  Source: tfjs-core/src/io/io_utils.ts (decodeWeight). */
import { tfjsInteger, tfjsType } from '../../../../support/diagnostics/tfjs-writing.ts';
import { type DType, dtypes, isFloat } from '../../../ir/dtype.ts';
import { float32Values, numbers, type Tensor, tensorOf, typedArray } from '../../../ir/tensor.ts';
import type { TfType, WeightData } from './graph.ts';

/** The type that stands for an ONNX type. @throws TFJS_TYPE */
export function tfType(dtype: DType, what: string): TfType {
  if (isFloat(dtype)) return 'float32';
  if (dtype === 'bool') return 'bool';
  const { kind } = dtypes[dtype];
  if (kind === 'int' || kind === 'uint') return 'int32';
  throw tfjsType(what, dtype);
}

const limits = { low: -(2 ** 31), high: 2 ** 31 - 1 };

/** A tensor as it is, in the narrowest form that keeps every bit.
 *  @throws TFJS_TYPE, TFJS_INTEGER when an integer needs more than 32 bits */
export function storeTensor(t: Tensor, what: string): WeightData {
  const dtype = tfType(t.dtype, what);
  if (t.dtype === 'float16') return { dims: t.dims, dtype, stored: 'float16', bytes: () => t.bytes() };
  if (dtype !== 'int32') return { dims: t.dims, dtype, stored: 'plain', bytes: () => plainBytes(t) };
  const narrow = dtypes[t.dtype].bits <= 16;
  if (narrow) return storeCodes(t.dims, numbers(t), { scale: 1, zero: 0, dtype });
  requireInt32(t, what);
  return { dims: t.dims, dtype, stored: 'plain', bytes: () => tensorOf('int32', t.dims, numbers(t)).bytes() };
}

const plainBytes = (t: Tensor) =>
  t.dtype === 'bool' || t.dtype === 'float32'
    ? t.bytes()
    : tensorOf('float32', t.dims, float32Values(t)).bytes();

function requireInt32(t: Tensor, what: string): void {
  if (t.dtype === 'int32') return;
  for (const v of typedArray(t)) if (v < limits.low || v > limits.high) throw tfjsInteger(what, String(v));
}

/** Integers that stand for (code − zero)·scale, in one or two bytes each: both products are exact in double, so that
 *  what is decoded is rounded once, as the product of a DequantizeLinear is. */
export function storeCodes(
  dims: readonly number[],
  codes: readonly number[],
  { scale, zero, dtype }: { readonly scale: number; readonly zero: number; readonly dtype: TfType },
): WeightData {
  const least = codes.reduce((a, b) => Math.min(a, b), codes[0] ?? 0);
  const most = codes.reduce((a, b) => Math.max(a, b), least);
  const stored = most - least <= 255 ? 'uint8' : 'uint16';
  const bytes = () =>
    tensorOf(
      stored,
      dims,
      codes.map((code) => code - least),
    ).bytes();
  return { dims, dtype, stored, scale, min: (least - zero) * scale, bytes };
}
