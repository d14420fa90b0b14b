/** Reads an .ort file (a flatbuffer) into plain values by the schema. Every offset is checked: a damaged file throws. */
import { ortDamaged } from '../../../support/diagnostics/model-files.ts';
import { type OrtTable, type OrtValue, slotsOf, type TableName, tableOf, unionTables } from './schema.ts';

const identifier = 'ORTM';
const decoder = new TextDecoder();

/** Whether the bytes carry the mark of the format. */
export const isOrt = (bytes: Uint8Array) =>
  bytes.length > 8 && decoder.decode(bytes.subarray(4, 8)) === identifier;

/** @returns the root table, InferenceSession
 *  @throws ORT_DAMAGED when the bytes are no .ort file, or a cut or corrupted one */
export function readOrt(bytes: Uint8Array): OrtTable {
  if (!isOrt(bytes)) throw ortDamaged('it does not carry the mark ORTM');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    return readTable({ bytes, view }, view.getUint32(0, true), 'InferenceSession');
  } catch (cause) {
    if (cause instanceof RangeError) throw ortDamaged('it points outside itself', cause);
    throw cause;
  }
}

interface Source {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

function readTable(source: Source, at: number, name: TableName): OrtTable {
  const { view } = source;
  const vtable = at - view.getInt32(at, true);
  const slots = (view.getUint16(vtable, true) - 4) / 2;
  const table: Record<string, OrtValue> = {};
  for (const [i, [field, type]] of slotsOf(name).entries()) {
    const offset = i < slots && type ? view.getUint16(vtable + 4 + 2 * i, true) : 0;
    if (offset === 0 || !type) continue;
    const actual = type === 'union' ? unionTables[Number(table['valueType'])] : type;
    if (actual) table[field] = readValue(source, at + offset, actual);
  }
  return table;
}

function readValue(source: Source, at: number, type: string): OrtValue {
  const { view } = source;
  if (type === '1') return view.getUint8(at);
  if (type === '4') return view.getInt32(at, true);
  if (type === '8') return view.getBigInt64(at, true);
  const target = at + view.getUint32(at, true);
  if (type === 'text') return decoder.decode(vector(source, target, 1));
  if (type === 'bytes' || type === 'raw') return vector(source, target, 1);
  if (type.startsWith('v')) return vector(source, target, Number(type.slice(1)));
  if (type.startsWith('[')) {
    const count = vector(source, target, 4).length / 4;
    return Array.from({ length: count }, (_, i) => readValue(source, target + 4 + 4 * i, type.slice(1, -1)));
  }
  return readTable(source, target, tableOf(type)!);
}

function vector({ bytes, view }: Source, at: number, elementBytes: number): Uint8Array {
  const end = at + 4 + view.getUint32(at, true) * elementBytes;
  if (end > bytes.length) throw new RangeError('a vector ends outside');
  return bytes.subarray(at + 4, end);
}
