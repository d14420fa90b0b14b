/** Writes the tables of an .ort file in one fixed order. onnxruntime itself writes initialisers, values and attributes
 *  as its hash tables hand them out, so that the same model gives other bytes each time; a bundle's must be the same. */
import { type FlatTable, type FlatValue, fieldsOf } from '../flatbuffers/schema.ts';
import { writeFlatbuffer } from '../flatbuffers/write.ts';
import { keepsOrder, ortSchema, sortedBy } from './schema.ts';

const encoder = new TextEncoder();

/** @param root  InferenceSession, as readOrt gives it
 *  @param sizeHint  bytes that the file will about have */
export const writeOrt = (root: FlatTable, sizeHint?: number): Uint8Array =>
  writeFlatbuffer(inOrder(root, ortSchema.root), ortSchema, sizeHint);

/** The same table with its lists in order, and those of the tables in it. */
function inOrder(table: FlatTable, name: string): FlatTable {
  const ordered: Record<string, FlatValue | undefined> = { ...table };
  for (const { name: field, type } of fieldsOf(ortSchema, name, table)) {
    const value = table[field];
    const inner = type.replace(/^\[(.*)\]$/, '$1');
    if (value === undefined || !(inner in ortSchema.tables)) continue;
    if (inner === type) ordered[field] = inOrder(value as FlatTable, inner);
    else {
      const list = (value as readonly FlatTable[]).map((element) => inOrder(element, inner));
      const key = keepsOrder(name, field) ? undefined : sortedBy[inner as keyof typeof sortedBy];
      ordered[field] = key === undefined ? list : sorted(list, key);
    }
  }
  return ordered;
}

/** By UTF-8 bytes, as the runtime compares keys. */
function sorted(list: readonly FlatTable[], key: string): readonly FlatTable[] {
  const keyed = list.map((value) => {
    const name = value[key];
    return { value, bytes: encoder.encode(typeof name === 'string' ? name : '') };
  });
  return keyed.sort((a, b) => compare(a.bytes, b.bytes)).map(({ value }) => value);
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
