/** Types of numbers in files without a header. */
export const binTypes = [
  ...(['float32', 'float16', 'float64', 'uint8', 'int8', 'uint16', 'int16'] as const),
  ...(['uint32', 'int32', 'uint64', 'int64', 'bool'] as const),
] as const;

export type BinType = (typeof binTypes)[number];
