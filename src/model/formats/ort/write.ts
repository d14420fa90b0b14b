/** Writes the tables of an .ort file in one fixed order. onnxruntime itself writes initialisers, values and attributes
 *  as its hash tables hand them out, so that the same model gives other bytes each time; a bundle's must be the same. */
import { createFlatbufferWriter, type FlatbufferWriter, type Slot } from './flatbuffer.ts';
import {
  keepsOrder,
  type OrtTable,
  type OrtValue,
  slotsOf,
  sortedBy,
  type TableName,
  tableOf,
  unionTables,
} from './schema.ts';

/** Tensor data starts at a multiple of this, so that a runtime may use it where it lies. */
const tensorAlignment = 16;

const encoder = new TextEncoder();

/** @param root  InferenceSession, as readOrt gives it
 *  @param sizeHint  bytes that the file will about have */
export function writeOrt(root: OrtTable, sizeHint = 1 << 16): Uint8Array {
  const out = { writer: createFlatbufferWriter(sizeHint), texts: new Map<string, number>() };
  return out.writer.finish(writeTable(out, root, 'InferenceSession'), 'ORTM');
}

interface Output {
  readonly writer: FlatbufferWriter;
  /** Names stand in many places; each is written once. */
  readonly texts: Map<string, number>;
}

function writeTable(out: Output, table: OrtTable, name: TableName): number {
  const slots = slotsOf(name).map(([field, type]): Slot | undefined => {
    const value = table[field];
    if (value === undefined || !type) return undefined;
    if (typeof value === 'number' || typeof value === 'bigint')
      return { kind: Number(type) as 1 | 4 | 8, value };
    const actual = type === 'union' ? unionTables[Number(table['valueType'])]! : type;
    return { kind: 'offset', value: writeTarget(out, value, actual, keepsOrder(name, field)) };
  });
  return out.writer.table(slots);
}

function writeTarget(out: Output, value: OrtValue, type: string, keepOrder: boolean): number {
  if (typeof value === 'string') return writeText(out, value);
  if (value instanceof Uint8Array) return writeBytes(out, value, type);
  if (!isList(value)) return writeTable(out, value as OrtTable, tableOf(type)!);
  const inner = type.slice(1, -1);
  const table = tableOf(inner);
  const key = table && !keepOrder ? sortedBy[table] : undefined;
  const ordered = key ? inOrder(value, key) : value;
  return out.writer.offsets(ordered.map((v) => writeTarget(out, v, inner, false)));
}

function writeText({ writer, texts }: Output, text: string): number {
  let place = texts.get(text);
  if (place === undefined) {
    const bytes = encoder.encode(text);
    place = writer.vector(bytes, bytes.length, 4, true);
    texts.set(text, place);
  }
  return place;
}

function writeBytes({ writer }: Output, bytes: Uint8Array, type: string): number {
  if (type === 'bytes') return writer.vector(bytes, bytes.length, 4, true);
  if (type === 'raw') return writer.vector(bytes, bytes.length, tensorAlignment);
  const elementBytes = Number(type.slice(1));
  return writer.vector(bytes, bytes.length / elementBytes, elementBytes === 8 ? 8 : 4);
}

const isList = (value: OrtValue): value is readonly OrtValue[] => Array.isArray(value);

/** By UTF-8 bytes, as the runtime compares keys. */
function inOrder(list: readonly OrtValue[], key: string): readonly OrtValue[] {
  const keyed = list.map((value) => {
    const name = (value as OrtTable)[key];
    return { value, bytes: encoder.encode(typeof name === 'string' ? name : '') };
  });
  return keyed.sort((a, b) => compare(a.bytes, b.bytes)).map(({ value }) => value);
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
