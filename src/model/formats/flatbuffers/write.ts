/** Writes plain values as a flatbuffer by its schema. */
import { Builder } from 'flatbuffers';
import { type FlatSchema, type FlatTable, type FlatValue, fieldsOf } from './schema.ts';

/** Of 'raw' vectors. */
const rawAlignment = 16;

/** @param root  as readFlatbuffer gives it
 *  @param sizeHint  bytes that the file will about have */
export function writeFlatbuffer(root: FlatTable, schema: FlatSchema, sizeHint = 1 << 16): Uint8Array {
  const builder = new Builder(sizeHint);
  // An absent field is not the same as one that is 0.
  builder.forceDefaults(true);
  builder.finish(writeTable({ builder, schema }, root, schema.root), schema.identifier);
  return builder.asUint8Array().slice();
}

interface Output {
  readonly builder: Builder;
  readonly schema: FlatSchema;
}

interface Slot {
  readonly slot: number;
  readonly size: number;
  add(): void;
}

function writeTable(out: Output, table: FlatTable, name: string): number {
  const { builder, schema } = out;
  const fields = [...fieldsOf(schema, name, table)];
  const slots = fields.flatMap(({ slot, name, type }): Slot[] => {
    const value = table[name];
    return value === undefined ? [] : [fieldOf(out, slot, value, type)];
  });
  builder.startObject(fields.length === 0 ? 0 : fields.at(-1)!.slot + 1);
  // Large ones first, as the schema compiler does, so that none needs padding.
  for (const { add } of slots.sort((a, b) => b.size - a.size)) add();
  return builder.endObject();
}

function fieldOf(out: Output, slot: number, value: FlatValue, type: string): Slot {
  const { builder } = out;
  if (type === '8')
    return { slot, size: 8, add: () => builder.addFieldInt64(slot, BigInt(value as bigint), 0n) };
  if (type === 'f4') return { slot, size: 4, add: () => builder.addFieldFloat32(slot, Number(value), 0) };
  if (type === '4') return { slot, size: 4, add: () => builder.addFieldInt32(slot, Number(value), 0) };
  if (type === '1') return { slot, size: 1, add: () => builder.addFieldInt8(slot, Number(value), 0) };
  const place = writeTarget(out, value, type);
  return { slot, size: 4, add: () => builder.addFieldOffset(slot, place, 0) };
}

/** @returns the place of a string, vector or table */
function writeTarget(out: Output, value: FlatValue, type: string): number {
  const { builder } = out;
  // The library's shared strings leave the empty one out.
  if (typeof value === 'string') return builder[value === '' ? 'createString' : 'createSharedString'](value);
  if (value instanceof Uint8Array) return writeBytes(builder, value, type);
  if (!isList(value)) return writeTable(out, value as FlatTable, type);
  const places = value.map((element) => writeTarget(out, element, type.slice(1, -1)));
  builder.startVector(4, places.length, 4);
  for (const place of places.reverse()) builder.addOffset(place);
  return builder.endVector();
}

function writeBytes(builder: Builder, bytes: Uint8Array, type: string): number {
  if (type === 'bytes') return builder.createString(bytes);
  if (type === 'raw') {
    builder.prep(rawAlignment, bytes.length);
    return builder.createByteVector(bytes);
  }
  const size = Number(type.slice(1));
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  builder.startVector(size, bytes.length / size, size % 8 === 0 ? 8 : Math.min(size, 4));
  if (size === 2) for (let at = bytes.length - 2; at >= 0; at -= 2) builder.addInt16(view.getInt16(at, true));
  else for (let at = bytes.length - 4; at >= 0; at -= 4) builder.addInt32(view.getInt32(at, true));
  return builder.endVector();
}

const isList = (value: FlatValue): value is readonly FlatValue[] => Array.isArray(value);
