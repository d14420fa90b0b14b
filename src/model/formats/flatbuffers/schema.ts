/** How a flatbuffer's tables are described to read.ts and write.ts, and what they hold once read. */

/** A table's fields in the order of their slots; null is a slot no longer used. Field types: '1', '4', '8' integers of so
 *  many bytes; 'f4' a float32; 'v2', 'v4', 'v8', 'v12' vectors of numbers as they lie in the file (12: a struct of three); 'raw' bytes that start at a multiple of 16, so that a runtime
 *  may use them where they lie; 'text' and '[text]'; 'bytes' and '[bytes]' strings that need not be text; 'union',
 *  whose kind is the field before it; otherwise a table's name, '[Name]' for a list. */
export type FlatFields = Readonly<Record<string, string | null>>;

export interface FlatSchema {
  /** Four letters at the fifth byte of a file. */
  readonly identifier: string;
  readonly root: string;
  readonly tables: Readonly<Record<string, FlatFields>>;
  /** Tables that a union's kinds stand for, by "Table.field"; kind 0 is none. */
  readonly unions: Readonly<Record<string, readonly (string | undefined)[]>>;
}

/** What a slot holds: a number's bits, text, bytes of a vector or string, a table, or a list. Absent slots stay absent. */
export type FlatValue = number | bigint | string | Uint8Array | FlatTable | readonly FlatValue[];
export type FlatTable = { readonly [field: string]: FlatValue | undefined };

interface FlatField {
  readonly slot: number;
  readonly name: string;
  readonly type: string;
}

/** The fields of a table with the type that each has in it: a union's is that of its kind, and a kind that the schema
 *  doesn't know has none. */
export function* fieldsOf(schema: FlatSchema, table: string, values: FlatTable): Generator<FlatField> {
  let before = '';
  for (const [slot, [name, declared]] of Object.entries(schema.tables[table]!).entries()) {
    const type =
      declared === 'union' ? schema.unions[`${table}.${name}`]?.[Number(values[before] ?? 0)] : declared;
    before = name;
    if (type) yield { slot, name, type };
  }
}
