/** A flatbuffer from a stranger. Google's library reads where an offset leads without a look at it; here every place is
 *  checked before it is read. Offsets lead forward only, so that there are no cycles; what is left to a hostile file is
 *  depth, and one place that many point to, both limited as in the library's C++ Verifier.
 *  Source: FlatBuffers' "Internals" page; include/flatbuffers/verifier.h. */
import { ByteBuffer } from 'flatbuffers';

/** Tables within tables, the Verifier's default. */
const deepest = 64;

/** What is read may be this many times the file: names that many share are there once. */
const largestGrowth = 16;

const decoder = new TextDecoder();

/** Places are bytes from the start of the file. */
export interface CheckedFlatbuffer {
  readonly root: number;
  /** @returns the place of a table's field; undefined where the table has none */
  field(table: number, slot: number): number | undefined;
  number(at: number, size: 1 | 4 | 8): number | bigint;
  float(at: number): number;
  /** @returns where the offset at a place leads */
  target(at: number): number;
  /** @returns a vector's elements as they lie in the file */
  vector(at: number, elementBytes: number): Uint8Array;
  /** @returns the places of a list's elements */
  elements(at: number): Generator<number>;
  text(at: number): string;
  /** @throws what `damaged` makes where tables are nested too deep */
  requireDepth(depth: number): void;
}

/** Whether the four letters of a format stand where a flatbuffer has them. */
export const hasIdentifier = (bytes: Uint8Array, identifier: string) =>
  bytes.length >= 8 && decoder.decode(bytes.subarray(4, 8)) === identifier;

/** @param damaged  the diagnostic of a format whose file points outside itself or unfolds without end */
export function checkedFlatbuffer(bytes: Uint8Array, damaged: (reason: string) => Error): CheckedFlatbuffer {
  const buffer = new ByteBuffer(bytes);
  let allowance = largestGrowth * bytes.length;

  const require = (at: number, size: number): number => {
    if (at < 0 || at + size > bytes.length) throw damaged('it points outside itself');
    return at;
  };
  const spend = (size: number): void => {
    allowance -= size;
    if (allowance < 0)
      throw damaged('its tables refer to one another so often that they would fill the memory');
  };
  const offset = (at: number): number => at + buffer.readUint32(require(at, 4));
  const vector = (at: number, elementBytes: number): Uint8Array => {
    const size = buffer.readUint32(require(at, 4)) * elementBytes;
    return bytes.subarray(require(at + 4, size), at + 4 + size);
  };

  return {
    root: offset(0),
    field(table, slot) {
      const vtable = require(table - buffer.readInt32(require(table, 4)), 4);
      const entry = 4 + 2 * slot;
      if (entry + 2 > buffer.readUint16(vtable)) return undefined;
      const within = buffer.readUint16(require(vtable + entry, 2));
      return within === 0 ? undefined : table + within;
    },
    number(at, size) {
      require(at, size);
      if (size === 8) return buffer.readInt64(at);
      return size === 4 ? buffer.readInt32(at) : buffer.readUint8(at);
    },
    float: (at) => buffer.readFloat32(require(at, 4)),
    target(at) {
      spend(4);
      return offset(at);
    },
    vector,
    *elements(at) {
      const count = vector(at, 4).length / 4;
      for (let i = 0; i < count; i++) yield at + 4 + 4 * i;
    },
    text(at) {
      const content = vector(at, 1);
      spend(content.length);
      return decoder.decode(content);
    },
    requireDepth(depth) {
      if (depth > deepest) throw damaged(`its tables are nested more than ${deepest} deep`);
    },
  };
}
