/** Constants as .tflite files store them. */
import { tfliteInteger, tfliteType } from '../../../../support/diagnostics/tflite-writing.ts';
import { type DType, dtypes, isFloat } from '../../../ir/dtype.ts';
import {
  elementCount,
  float32Values,
  numbers,
  type Tensor,
  tensorOf,
  typedArray,
} from '../../../ir/tensor.ts';
import { channelScales } from '../../lowered/grid.ts';
import type { Weight } from '../../lowered/weights.ts';
import type { TfliteType } from '../codes.ts';
import type { LiteTensor, LiteType, Quantization } from './graph.ts';

/** The type that stands for an ONNX type: floats are float32, integers int32 (LiteRT's kernels take those of 8 bits for
 *  quantised numbers). @throws TFLITE_TYPE */
export function liteType(dtype: DType, what: string): TfliteType {
  if (isFloat(dtype)) return 'float32';
  if (dtype === 'bool') return dtype;
  const { kind } = dtypes[dtype];
  if (kind === 'int' || kind === 'uint') return 'int32';
  throw tfliteType(what, dtype);
}

/** The same where a caller meets it: 8 bits stay. */
export const portType = (dtype: DType, what: string): TfliteType =>
  dtype === 'int8' || dtype === 'uint8' ? dtype : liteType(dtype, what);

const limits = { low: -(2 ** 31), high: 2 ** 31 - 1 };

/** A constant without a scale. @throws TFLITE_TYPE, TFLITE_INTEGER when an integer needs more than 32 bits */
export function storedTensor(t: Tensor, name: string): LiteTensor {
  const type = liteType(t.dtype, `"${name}"`);
  if (type === 'int32' && t.dtype !== 'int32')
    for (const v of typedArray(t))
      if (v < limits.low || v > limits.high) throw tfliteInteger(`"${name}"`, String(v));
  return { name, type, shape: t.dims, quantization: null, data: () => bytesAs(t, type) };
}

function bytesAs(t: Tensor, type: TfliteType): Uint8Array {
  if (t.dtype === type) return t.bytes();
  if (type === 'float32') return tensorOf('float32', t.dims, float32Values(t)).bytes();
  return tensorOf('int32', t.dims, numbers(t)).bytes();
}

/** Integers of at most 8 bits as int8: unsigned ones are moved down by 128, and their zero with them.
 *  @returns null for a weight without scales of the whole or of channels */
export function storedCodes({ tensor, grid }: Weight, name: string): LiteTensor | null {
  const scales = grid && channelScales(grid, tensor.dims);
  if (!scales) return null;
  const shift = tensor.dtype === 'uint8' ? 128 : 0;
  const quantization: Quantization = {
    ...{ scale: scales.scale.map(Math.fround), axis: scales.axis },
    zeroPoint: scales.zero.map((z) => z - shift),
  };
  const data = () => (shift === 0 ? tensor.bytes() : moved(tensor.bytes()));
  return { name, type: 'int8', shape: tensor.dims, quantization, data };
}

/** Integers in 4 bits where they fit, else in 8; both are moved, and their zero points with them, to where the type has them. */
export function storedIntegers(
  codes: Int16Array,
  { shape, quantization }: { readonly shape: readonly number[]; readonly quantization: Quantization },
  name: string,
): LiteTensor {
  const first = codes[0] ?? 0;
  const low = codes.reduce((a, b) => Math.min(a, b), first);
  const high = codes.reduce((a, b) => Math.max(a, b), first);
  const isNarrow = high - low < 16;
  const least = isNarrow ? -8 : -128;
  const shift = low >= least && high < -least ? 0 : low - least;
  const zeroPoint = quantization.zeroPoint.map((z) => z - shift);
  const moved = () => codes.map((code) => code - shift);
  return {
    ...{ name, shape, type: isNarrow ? 'int4' : 'int8' },
    quantization: { ...quantization, zeroPoint },
    data: () => (isNarrow ? halves(moved()) : new Uint8Array(Int8Array.from(moved()).buffer)),
  };
}

/** What isn't computed with: in 4 bits where they fit. */
export function narrowCodes(weight: Weight, name: string): LiteTensor | null {
  const stored = storedCodes(weight, name);
  if (!stored || elementCount(stored.shape) < leastNarrow) return stored;
  const { shape, quantization } = stored;
  const codes = Int16Array.from(new Int8Array(Uint8Array.from(stored.data!()).buffer));
  const found = storedIntegers(codes, { shape, quantization: quantization! }, name);
  return found.type === 'int4' ? found : stored;
}

/** Fewer are a few bytes anyway. */
const leastNarrow = 256;

/** Two in a byte, the first in its lower bits. */
const halves = (codes: Int16Array): Uint8Array =>
  Uint8Array.from(
    { length: Math.ceil(codes.length / 2) },
    (_, i) => (codes[2 * i]! & 15) | (((codes[2 * i + 1] ?? 0) & 15) << 4),
  );

/** Fewer half floats don't pay for an operator. */
const leastHalves = 256;

/** Half floats as they are. @returns null for other weights */
export function storedHalves({ tensor, grid }: Weight, name: string): LiteTensor | null {
  if (grid || tensor.dtype !== 'float16' || elementCount(tensor.dims) < leastHalves) return null;
  return { name, type: 'float16', shape: tensor.dims, quantization: null, data: () => tensor.bytes() };
}

/** uint8 less 128: the uppermost bit turns. */
const moved = (bytes: Uint8Array) => bytes.map((byte) => byte ^ 0x80);

export const constantTensor = (
  name: string,
  type: LiteType,
  values: Float32Array | Int32Array | Int8Array,
): LiteTensor => ({
  ...type,
  name,
  data: () => new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
});

/** A number, exact in one step of its own scale. */
export function scalarCodes(value: number, dims: readonly number[], name: string): LiteTensor {
  const scale = value === 0 ? 1 : Math.abs(value) / 127;
  const code = value === 0 ? 0 : Math.sign(value) * 127;
  const quantization = { scale: [Math.fround(scale)], zeroPoint: [0], axis: 0 };
  const codes = new Int8Array(elementCount(dims)).fill(code);
  return constantTensor(name, { type: 'int8', shape: dims, quantization }, codes);
}
