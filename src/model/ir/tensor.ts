/** Tensors: dtype, dims and little-endian bytes, in four kinds that differ in where the bytes are.
 *  dense: in memory · external: in a file, read on demand · lazy: computed when asked for · string: not bytes.
 *  Sub-byte types (int4, uint2 …) are dense with packed bytes, low nibble first, as ONNX stores them. */

import { tensorBytes } from '../../support/diagnostics/graph.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import { fromFloat16, toFloat16 } from '../../support/float16.ts';
import { byteLength, type DType, dtypes } from './dtype.ts';

export interface Tensor {
  readonly kind: 'dense' | 'external' | 'lazy' | 'string';
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** Little-endian content. Views memory where it can; callers must not write to it. */
  bytes(): Uint8Array;
  /** Only for dtype string: the raw (usually UTF-8) content of each element. */
  readonly strings?: readonly Uint8Array[];
  /** Only for kind external: where the bytes are. */
  readonly external?: ExternalLocation;
}

export interface ExternalLocation {
  /** Path relative to the model's folder, as written in the model. */
  readonly location: string;
  readonly offset: number;
  readonly length: number;
}

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

export const elementCount = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

export const sizeBytes = (t: Tensor) =>
  t.strings ? t.strings.reduce((n, s) => n + s.length, 0) : byteLength(t.dtype, elementCount(t.dims));

/** @throws TENSOR_BYTES when the byte count does not fit dtype and dims */
export function denseTensor(
  dtype: DType,
  dims: readonly number[],
  bytes: Uint8Array,
  name = 'A tensor',
): Tensor {
  const expected = byteLength(dtype, elementCount(dims));
  if (bytes.length !== expected) throw tensorBytes(name, expected, bytes.length);
  return { kind: 'dense', dtype, dims: [...dims], bytes: () => bytes };
}

export function stringTensor(dims: readonly number[], strings: readonly (string | Uint8Array)[]): Tensor {
  const raw = strings.map((s) => (typeof s === 'string' ? new TextEncoder().encode(s) : s));
  if (raw.length !== elementCount(dims)) throw tensorBytes('A string tensor', elementCount(dims), raw.length);
  return { kind: 'string', dtype: 'string', dims: [...dims], bytes: noBytes, strings: raw };
}

/** Bytes computed on first use and not kept: writing a large model needs one tensor in memory at a time. */
export const lazyTensor = (dtype: DType, dims: readonly number[], compute: () => Uint8Array): Tensor => ({
  kind: 'lazy',
  dtype,
  dims: [...dims],
  bytes: compute,
});

export const externalTensor = (
  dtype: DType,
  dims: readonly number[],
  external: ExternalLocation,
  read: () => Uint8Array,
): Tensor => ({ kind: 'external', dtype, dims: [...dims], external, bytes: read });

function noBytes(): Uint8Array {
  throw new Diagnostic('STRING_TENSOR', 'internal', 'A string tensor has no bytes; read `strings`.');
}

/** A tensor over numbers, converted to `dtype` (float16 rounds to nearest even; int64 takes integers).
 *  A typed array that already has the layout of `dtype` is used as it is, without a copy. */
export function tensorOf(dtype: DType, dims: readonly number[], values: ArrayLike<number | bigint>): Tensor {
  const array = toLayout(dtype, values);
  return denseTensor(dtype, dims, new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
}

export const scalar = (dtype: DType, value: number) => tensorOf(dtype, [], [value]);

function toLayout(dtype: DType, values: ArrayLike<number | bigint>): TypedArray {
  const numbers = values as ArrayLike<number>;
  switch (dtype) {
    case 'float32':
      return values instanceof Float32Array ? values : Float32Array.from(numbers);
    case 'float64':
      return values instanceof Float64Array ? values : Float64Array.from(numbers);
    case 'float16':
      return values instanceof Uint16Array ? values : toFloat16(Float32Array.from(numbers));
    case 'bfloat16':
      return values instanceof Uint16Array
        ? values
        : Uint16Array.from(bfloat16Bits(Float32Array.from(numbers)));
    case 'int8':
      return values instanceof Int8Array ? values : Int8Array.from(numbers);
    case 'uint8':
      return values instanceof Uint8Array ? values : Uint8Array.from(numbers);
    case 'bool':
      return values instanceof Uint8Array ? values : Uint8Array.from(numbers, (v) => (v ? 1 : 0));
    case 'int16':
      return values instanceof Int16Array ? values : Int16Array.from(numbers);
    case 'uint16':
      return values instanceof Uint16Array ? values : Uint16Array.from(numbers);
    case 'int32':
      return values instanceof Int32Array ? values : Int32Array.from(numbers);
    case 'uint32':
      return values instanceof Uint32Array ? values : Uint32Array.from(numbers);
    case 'int64':
      return values instanceof BigInt64Array ? values : BigInt64Array.from(Array.from(values, toBigInt));
    case 'uint64':
      return values instanceof BigUint64Array ? values : BigUint64Array.from(Array.from(values, toBigInt));
    case 'int4':
    case 'uint4':
    case 'int2':
    case 'uint2':
      return pack(dtype, numbers);
    default:
      throw new Diagnostic('DTYPE_LAYOUT', 'internal', `No array layout for ${dtype}.`);
  }
}

const toBigInt = (v: number | bigint) => (typeof v === 'bigint' ? v : BigInt(v));

function bfloat16Bits(values: Float32Array): number[] {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return Array.from(bits, (b) =>
    (b & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : (b + 0x7fff + ((b >>> 16) & 1)) >>> 16,
  );
}

/** The content as the typed array that lays it out: Uint16Array for float16 and bfloat16, Uint8Array for bool and
 *  the packed types. Views the tensor's memory when it is aligned, copies when it is not. */
export function typedArray(t: Tensor): TypedArray {
  const bytes = t.bytes();
  const view = <T>(make: (buffer: ArrayBufferLike, offset: number, length: number) => T, size: number): T =>
    bytes.byteOffset % size === 0
      ? make(bytes.buffer, bytes.byteOffset, bytes.length / size)
      : make(new Uint8Array(bytes).buffer, 0, bytes.length / size);
  switch (t.dtype) {
    case 'float32':
      return view((b, o, n) => new Float32Array(b, o, n), 4);
    case 'float64':
      return view((b, o, n) => new Float64Array(b, o, n), 8);
    case 'int8':
      return view((b, o, n) => new Int8Array(b, o, n), 1);
    case 'int16':
      return view((b, o, n) => new Int16Array(b, o, n), 2);
    case 'uint16':
    case 'float16':
    case 'bfloat16':
      return view((b, o, n) => new Uint16Array(b, o, n), 2);
    case 'int32':
      return view((b, o, n) => new Int32Array(b, o, n), 4);
    case 'uint32':
      return view((b, o, n) => new Uint32Array(b, o, n), 4);
    case 'int64':
      return view((b, o, n) => new BigInt64Array(b, o, n), 8);
    case 'uint64':
      return view((b, o, n) => new BigUint64Array(b, o, n), 8);
    default:
      return bytes;
  }
}

/** The content as float32 numbers, whatever the numeric dtype; a view when the tensor is float32 and aligned. */
export function float32Values(t: Tensor): Float32Array {
  const array = typedArray(t);
  if (array instanceof Float32Array) return array;
  if (t.dtype === 'float16') return fromFloat16(array as Uint16Array);
  if (t.dtype === 'bfloat16') {
    const bits = Uint32Array.from(array as Uint16Array, (b) => b << 16);
    return new Float32Array(bits.buffer);
  }
  if (dtypes[t.dtype].bits < 8) return Float32Array.from(unpack(t));
  return Float32Array.from(array as ArrayLike<number | bigint> as ArrayLike<number>, Number);
}

/** Small integer or float constants (axes, shapes, pads) as plain numbers; int64 beyond 2^53 is clamped. */
export function numbers(t: Tensor): number[] {
  if (t.dtype === 'float16' || t.dtype === 'bfloat16') return Array.from(float32Values(t));
  if (dtypes[t.dtype].bits < 8) return unpack(t);
  return Array.from(typedArray(t) as ArrayLike<number | bigint> as ArrayLike<number>, Number);
}

/** Integers as the bytes of an int4/uint4/int2/uint2 tensor, low bits first. */
function pack(dtype: DType, values: ArrayLike<number>): Uint8Array {
  const { bits } = dtypes[dtype];
  const perByte = 8 / bits;
  const bytes = new Uint8Array(Math.ceil(values.length / perByte));
  for (let i = 0; i < values.length; i++)
    bytes[Math.floor(i / perByte)]! |= (values[i]! & ((1 << bits) - 1)) << ((i % perByte) * bits);
  return bytes;
}

/** Elements of an int4/uint4/int2/uint2 tensor, low bits first. */
export function unpack(t: Tensor): number[] {
  const { bits, kind } = dtypes[t.dtype];
  const bytes = t.bytes();
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  const sign = kind === 'int' ? 1 << (bits - 1) : 0;
  return Array.from({ length: elementCount(t.dims) }, (_, i) => {
    const v = (bytes[Math.floor(i / perByte)]! >> ((i % perByte) * bits)) & mask;
    return v & sign ? v - (1 << bits) : v;
  });
}
