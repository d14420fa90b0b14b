/** Attributes of a node, in all the encodings that converters have written: texts in base64 or as bytes, integers as texts,
 *  types by name or number.
 *  Source: tfjs-converter src/operations/operation_mapper.ts. */
import { tfjsMalformed } from '../../../../support/diagnostics/tfjs.ts';
import type { DType } from '../../../ir/dtype.ts';
import { largestRank } from '../limits.ts';

export interface Attributes {
  has(name: string): boolean;
  int(name: string, fallback: number): number;
  float(name: string, fallback: number): number;
  bool(name: string, fallback: boolean): boolean;
  text(name: string, fallback: string): string;
  ints(name: string, fallback: readonly number[]): readonly number[];
  texts(name: string): readonly string[];
  /** As TensorFlow.js computes it: whole numbers as int32, others as float32. Null: absent, or none that it has. */
  dtype(name: string): DType | null;
  /** As the file says it: "DT_UINT8". */
  typeName(name: string): string | null;
  /** −1 for sizes that are open; null when the rank is, or nothing is said. */
  shape(name: string): readonly number[] | null;
  /** Name of a function. */
  func(name: string): string | null;
  /** A tensor in the attribute itself, in TensorProto's JSON form. */
  tensor(name: string): Readonly<Record<string, unknown>> | null;
}

type Raw = Readonly<Record<string, unknown>>;

/** TensorFlow's types by their number. Source: tensorflow core/framework/types.proto. */
const typeNames: Readonly<Record<number, string>> = {
  1: 'DT_FLOAT',
  2: 'DT_DOUBLE',
  3: 'DT_INT32',
  4: 'DT_UINT8',
  5: 'DT_INT16',
  6: 'DT_INT8',
  7: 'DT_STRING',
  8: 'DT_COMPLEX64',
  9: 'DT_INT64',
  10: 'DT_BOOL',
  17: 'DT_UINT16',
  18: 'DT_COMPLEX128',
  19: 'DT_HALF',
  20: 'DT_RESOURCE',
  21: 'DT_VARIANT',
};

const computedTypes: Readonly<Record<string, DType>> = {
  DT_FLOAT: 'float32',
  DT_HALF: 'float32',
  DT_DOUBLE: 'float32',
  DT_INT32: 'int32',
  DT_INT64: 'int32',
  DT_INT8: 'int32',
  DT_UINT8: 'int32',
  DT_BOOL: 'bool',
  DT_STRING: 'string',
  DT_COMPLEX64: 'complex64',
  DT_COMPLEX128: 'complex64',
};

/** "DT_UINT8" for its number or name; null for what is neither. */
export const typeNameOf = (raw: unknown): string | null =>
  typeof raw === 'number' ? (typeNames[raw] ?? null) : typeof raw === 'string' ? raw : null;

/** What TensorFlow.js computes that type in. */
export const computedType = (name: string | null): DType | null =>
  (name !== null && Object.hasOwn(computedTypes, name) ? computedTypes[name] : null) ?? null;

/** @param where  how messages call the node */
export function attributesOf(attributes: Raw, where: string): Attributes {
  const at = (name: string): Raw | null => {
    const found = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    return typeof found === 'object' && found !== null ? (found as Raw) : null;
  };
  const wrong = (name: string, expected: string) =>
    tfjsMalformed(where, `attribute "${name}" is no ${expected}`);
  const number = (name: string, raw: unknown): number => {
    const value = typeof raw === 'string' ? Number(raw) : raw;
    if (typeof value !== 'number' || Number.isNaN(value)) throw wrong(name, 'number');
    return value;
  };
  const list = (name: string): Raw => {
    const found = at(name)?.['list'];
    return typeof found === 'object' && found !== null ? (found as Raw) : {};
  };
  const numeric = (name: string, fallback: number): number => {
    const found = at(name);
    const raw = found?.['i'] ?? found?.['f'];
    return raw == null ? fallback : number(name, raw);
  };
  return {
    has: (name) => at(name) !== null,
    int: numeric,
    float: numeric,
    bool(name, fallback) {
      const found = at(name);
      return found ? found['b'] === true : fallback;
    },
    text(name, fallback) {
      const raw = at(name)?.['s'];
      return raw == null ? fallback : decodeText(raw, () => wrong(name, 'text'));
    },
    ints(name, fallback) {
      if (!at(name)) return fallback;
      const { f, i } = list(name);
      const raw = Array.isArray(f) && f.length > 0 ? f : i;
      return Array.isArray(raw) ? raw.map((v) => number(name, v)) : [];
    },
    texts(name) {
      const raw = list(name)['s'];
      return Array.isArray(raw) ? raw.map((v) => decodeText(v, () => wrong(name, 'list of texts'))) : [];
    },
    dtype: (name) => computedType(typeNameOf(at(name)?.['type'])),
    typeName: (name) => typeNameOf(at(name)?.['type']),
    shape: (name) => shapeOf(at(name)?.['shape'], () => wrong(name, 'shape')),
    func(name) {
      const found = at(name)?.['func'] as Raw | undefined;
      return typeof found?.['name'] === 'string' ? found['name'] : null;
    },
    tensor: (name) => (at(name)?.['tensor'] as Raw | undefined) ?? null,
  };
}

/** Base64, or an array of byte values. */
export function decodeText(raw: unknown, fail: () => Error): string {
  return new TextDecoder().decode(decodeBytes(raw, fail));
}

export function decodeBytes(raw: unknown, fail: () => Error): Uint8Array {
  if (Array.isArray(raw)) return Uint8Array.from(raw as number[]);
  if (typeof raw !== 'string') throw fail();
  try {
    return Uint8Array.from(atob(raw), (c) => c.charCodeAt(0));
  } catch {
    throw fail();
  }
}

/** A TensorShapeProto: { dim: [{ size: "-1" }] }. */
export function shapeOf(raw: unknown, fail: () => Error): readonly number[] | null {
  if (typeof raw !== 'object' || raw === null) return null;
  const { dim, unknownRank } = raw as Raw;
  if (unknownRank === true) return null;
  if (dim === undefined) return [];
  if (!Array.isArray(dim) || dim.length > largestRank) throw fail();
  return dim.map((d: Raw | null) => {
    const size = Number(d?.['size'] ?? 0);
    if (!Number.isSafeInteger(size) || size < -1) throw fail();
    return size;
  });
}
