/** Reads a flatbuffer into plain values by its schema. */
import { type CheckedFlatbuffer, checkedFlatbuffer, hasIdentifier } from './checked.ts';
import { type FlatSchema, type FlatTable, type FlatValue, fieldsOf } from './schema.ts';

/** @param damaged  the diagnostic of a format whose file is cut or corrupted
 *  @returns the root table; bytes and vectors are views of `bytes` */
export function readFlatbuffer(
  bytes: Uint8Array,
  schema: FlatSchema,
  damaged: (reason: string) => Error,
): FlatTable {
  const { identifier, root } = schema;
  if (!hasIdentifier(bytes, identifier)) throw damaged(`it does not carry the mark ${identifier}`);
  const file = checkedFlatbuffer(bytes, damaged);
  return readTable({ file, schema }, file.root, root, 0);
}

interface Source {
  readonly file: CheckedFlatbuffer;
  readonly schema: FlatSchema;
}

function readTable(source: Source, at: number, table: string, depth: number): FlatTable {
  source.file.requireDepth(depth);
  const values: Record<string, FlatValue> = {};
  for (const { slot, name, type } of fieldsOf(source.schema, table, values)) {
    const field = source.file.field(at, slot);
    if (field !== undefined) values[name] = readValue(source, field, type, depth);
  }
  return values;
}

function readValue(source: Source, at: number, type: string, depth: number): FlatValue {
  const { file } = source;
  if (type === '1' || type === '4' || type === '8') return file.number(at, Number(type) as 1 | 4 | 8);
  if (type === 'f4') return file.float(at);
  const target = file.target(at);
  if (type === 'text') return file.text(target);
  if (type === 'bytes' || type === 'raw') return file.vector(target, 1);
  if (type.startsWith('v')) return file.vector(target, Number(type.slice(1)));
  if (type.startsWith('['))
    return Array.from(file.elements(target), (at) => readValue(source, at, type.slice(1, -1), depth));
  return readTable(source, target, type, depth + 1);
}
