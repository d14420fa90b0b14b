/** The types in which a caller can meet the inputs and outputs of a file. */
export const ioTypes = ['float', 'uint8', 'int8'] as const;
export type IoType = (typeof ioTypes)[number];
