/** Tensor constants. Elements of float16, bfloat16, float8 and float4 are bit patterns, as the standard has it;
 *  float16 and bfloat16 also take float literals (1.0, inf), which the standard refuses. */

import { type DType, dtypes } from '../../ir/dtype.ts';
import {
  denseTensor,
  elementCount,
  stringTensor,
  type Tensor,
  tensorOf,
  typedArray,
} from '../../ir/tensor.ts';
import type { ValueType } from '../../ir/type.ts';
import { tensorBeside } from '../onnx/tensors.ts';
import {
  expect,
  failure,
  integer,
  isFloatLiteral,
  list,
  matches,
  number,
  peek,
  peekNumber,
  quotedString,
  type Scanner,
  skipSpace,
} from './scanner.ts';
import { bytesFromText } from './text-bytes.ts';

/** The content of a tensor whose type has been read: `{1, 2}` or `["location": "w.bin", …]`.
 *  @param at  where the type stands, for messages
 *  @throws TEXT_SYNTAX */
export function parseTensorContent(s: Scanner, type: ValueType | null, name: string, at: number): Tensor {
  const shape = type?.kind === 'tensor' ? type.shape : null;
  if (type?.kind !== 'tensor' || !shape?.every((d) => typeof d === 'number' && d >= 0))
    throw failure(s, 'a tensor type with numbers as dimensions, for a constant', at);
  const dims = shape as readonly number[];
  if (peek(s) === '[') return parseExternal(s, type.dtype, dims, name);
  skipSpace(s);
  const start = s.at;
  expect(s, '{', 'before the elements of a tensor');
  const tensor = parseElements(s, type.dtype, dims, start);
  expect(s, '}', 'or "," after an element');
  return tensor;
}

function parseElements(s: Scanner, dtype: DType, dims: readonly number[], start: number): Tensor {
  const perElement = dtypes[dtype].kind === 'complex' ? 2 : 1;
  const wanted = elementCount(dims) * perElement;
  const counted = <T>(values: T[]): T[] => {
    if (values.length === wanted) return values;
    throw failure(s, `${wanted} element${wanted === 1 ? '' : 's'} (${values.length} are given)`, start);
  };
  if (dtype === 'string')
    return stringTensor(dims, counted(elements(s, () => bytesFromText(quotedString(s, 'a quoted string')))));
  if (isWide(dtype)) return tensorOf(dtype, dims, counted(elements(s, () => wideInteger(s, dtype))));
  if (dtype === 'float32' || dtype === 'float64') return floatTensor(s, dtype, dims, counted);
  if (dtype === 'complex64' || dtype === 'complex128') {
    const parts = floatTensor(s, dtype === 'complex64' ? 'float32' : 'float64', [wanted], counted);
    return denseTensor(dtype, dims, parts.bytes());
  }
  const { bits, kind } = dtypes[dtype];
  const values = counted(elements(s, () => smallInteger(s, dtype)));
  if (bits < 8) return denseTensor(dtype, dims, pack(values, bits));
  // Bit patterns, and bool as it is stored.
  if (kind === 'float' || kind === 'bool')
    return denseTensor(dtype, dims, tensorOf(bits === 16 ? 'uint16' : 'uint8', [wanted], values).bytes());
  return tensorOf(dtype, dims, values);
}

function elements<T>(s: Scanner, read: () => T): T[] {
  const values: T[] = [];
  if (peek(s) === '}') return values;
  do {
    if (peek(s) === '…')
      throw failure(s, 'all elements (a text printed with elided elements cannot be read)');
    values.push(read());
  } while (matches(s, ','));
  return values;
}

const isWide = (dtype: DType) => dtype === 'int64' || dtype === 'uint64';

const wideInteger = (s: Scanner, dtype: DType) =>
  dtype === 'int64'
    ? integer(s, 'an int64', -(2n ** 63n), 2n ** 63n - 1n)
    : integer(s, 'a uint64', 0n, 2n ** 64n - 1n);

/** An element of an integer type, or the bit pattern of a small float. */
function smallInteger(s: Scanner, dtype: DType): number {
  const { bits, kind, min, max } = dtypes[dtype];
  if (bits === 16 && kind === 'float' && isFloatLiteral(peekNumber(s) ?? '')) {
    const half = tensorOf(dtype, [1], [Number.parseFloat(floatLiteral(s, Number.MAX_VALUE))]);
    return Number(typedArray(half)[0]);
  }
  const low = BigInt(min ?? 0);
  const high = BigInt(max ?? 2 ** bits - 1);
  const what = kind === 'float' ? `a bit pattern of ${dtype}` : `an element of ${dtype}`;
  return Number(integer(s, `${what} (${low} to ${high})`, low, high));
}

function floatTensor(
  s: Scanner,
  dtype: 'float32' | 'float64',
  dims: readonly number[],
  counted: (values: number[]) => number[],
): Tensor {
  const negativeNaNs: number[] = [];
  let index = 0;
  const largest = dtype === 'float32' ? maxFloat32 : Number.MAX_VALUE;
  const values = elements(s, () => {
    const literal = floatLiteral(s, largest);
    if (literal === '-NaN') negativeNaNs.push(index);
    index++;
    return Number(literal);
  });
  const tensor = tensorOf(dtype, dims, counted(values));
  const bytes = tensor.bytes();
  const size = dtypes[dtype].bits / 8;
  for (const i of negativeNaNs) bytes[i * size + size - 1]! |= 0x80;
  return tensor;
}

/** Largest magnitude that rounds to a finite float32. */
const maxFloat32 = 3.402823567797336e38;

/** A number that `Number()` understands, -NaN aside. */
function floatLiteral(s: Scanner, largest: number): string {
  skipSpace(s);
  const start = s.at;
  const literal = number(s, 'a number');
  if (Math.abs(Number(literal)) <= largest) return literal;
  const sign = literal.startsWith('-') ? '-' : '';
  if (/nan$/i.test(literal)) return `${sign}NaN`;
  if (/(inf|infinity)$/i.test(literal)) return `${sign}Infinity`;
  throw failure(s, 'a number within the range of the type', start);
}

/** A float32 in a place that has one number, such as an attribute. */
export const parseFloat32 = (s: Scanner): number => Math.fround(Number(floatLiteral(s, maxFloat32)));

function pack(values: readonly number[], bits: number): Uint8Array {
  const perByte = 8 / bits;
  const mask = (1 << bits) - 1;
  const bytes = new Uint8Array(Math.ceil(values.length / perByte));
  values.forEach((v, i) => {
    bytes[Math.floor(i / perByte)]! |= (v & mask) << ((i % perByte) * bits);
  });
  return bytes;
}

function parseExternal(s: Scanner, dtype: DType, dims: readonly number[], name: string): Tensor {
  skipSpace(s);
  const start = s.at;
  const entries = new Map(
    list(s, '[', ']', 'external data', () => {
      const key = quotedString(s, 'a quoted key such as "location"');
      expect(s, ':', 'after the key');
      return [key, quotedString(s, 'a quoted value')] as const;
    }),
  );
  const location = entries.get('location');
  const offset = Number(entries.get('offset') ?? 0);
  const length = Number(entries.get('length') ?? Math.ceil((elementCount(dims) * dtypes[dtype].bits) / 8));
  if (!location || ![offset, length].every((n) => Number.isSafeInteger(n) && n >= 0))
    throw failure(s, '"location", and whole numbers as "offset" and "length"', start);
  return tensorBeside({ location, offset, length }, dtype, dims, `Tensor "${name}"`, s.beside);
}
