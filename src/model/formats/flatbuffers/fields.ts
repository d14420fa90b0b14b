/** Fields of a table that was read; absent ones are 0 or empty. */
import type { FlatTable } from './schema.ts';

export const tableField = (t: FlatTable, field: string) => t[field] as FlatTable | undefined;
export const tablesField = (t: FlatTable, field: string) => (t[field] ?? []) as readonly FlatTable[];
export const bytesField = (t: FlatTable, field: string) => (t[field] ?? new Uint8Array()) as Uint8Array;
/** Of 1 or 4 bytes, or a float. */
export const numberField = (t: FlatTable, field: string, fallback = 0) => Number(t[field] ?? fallback);
export const int32sField = (t: FlatTable, field: string): number[] => [...new Int32Array(aligned(t, field))];
export const float32sField = (t: FlatTable, field: string): number[] => [
  ...new Float32Array(aligned(t, field)),
];
export const int64sField = (t: FlatTable, field: string): bigint[] => [
  ...new BigInt64Array(aligned(t, field)),
];

/** A copy: the file's vectors need not begin where an array of numbers may. */
export const aligned = (t: FlatTable, field: string): ArrayBuffer =>
  Uint8Array.from(bytesField(t, field)).buffer;
