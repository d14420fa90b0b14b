/** Numbers as a flatbuffer's vectors hold them. */
const bytesOf = (array: Int32Array | Float32Array | BigInt64Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

export const integers = (values: readonly number[]): Uint8Array => bytesOf(Int32Array.from(values));
export const floats = (values: readonly number[]): Uint8Array => bytesOf(Float32Array.from(values));
export const bigints = (values: readonly number[]): Uint8Array =>
  bytesOf(BigInt64Array.from(values, (v) => BigInt(v)));
