/** Numbers with their ONNX type, on their way into runtimes that have fewer types, and back. */

export interface TypedNumbers {
  readonly type: string;
  readonly data: ArrayLike<number | bigint>;
  readonly dims: readonly number[];
}

export const isFloat = (type: string) => /^b?float/.test(type);

export const asFloats = (values: ArrayLike<number | bigint>) =>
  values instanceof Float32Array ? values : Float32Array.from(values, Number);

/** @throws Error naming the first value that the array does not hold */
export function asIntegers<T extends Int32Array | Uint8Array>(
  Wanted: { readonly BYTES_PER_ELEMENT: number; from(values: ArrayLike<number>): T },
  name: string,
  values: ArrayLike<number | bigint>,
): T {
  const whole = Wanted.from(Array.from(values, Number));
  const lost = Array.from(values).find((v, i) => Number(v) !== whole[i]);
  if (lost === undefined) return whole;
  throw new Error(
    `Input "${name}" holds ${lost}: the runtime has integers of ${8 * Wanted.BYTES_PER_ELEMENT} bits.`,
  );
}

const arrays: Readonly<Record<string, { from(values: ArrayLike<number>): ArrayLike<number> }>> = {
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Uint8Array,
};

/** As onnxruntime gives it, half floats as float32. */
export function typed(data: ArrayLike<number>, dtype: string, shape: readonly number[]): TypedNumbers {
  const dims = [...shape];
  if (dtype === 'int64') return { type: dtype, dims, data: BigInt64Array.from(Array.from(data, BigInt)) };
  if (dtype === 'uint64') return { type: dtype, dims, data: BigUint64Array.from(Array.from(data, BigInt)) };
  const Wanted = arrays[dtype];
  if (Wanted) return { type: dtype, dims, data: Wanted.from(data) };
  return { type: 'float32', dims, data: data instanceof Float32Array ? data : Float32Array.from(data) };
}
