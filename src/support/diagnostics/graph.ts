/** Messages of graphs that don't hold together, and of the types and shapes in them. */
import { internal, unsupported, user } from '../diagnostics.ts';

export const graphInvalid = (what: string) => internal('GRAPH_INVALID', what);

export const unknownDtype = (code: number | string, where: string) =>
  unsupported('UNKNOWN_DTYPE', `${where} has element type ${code}, which ONNX 1.20 does not define.`);

export const tensorBytes = (what: string, expected: number, received: number) =>
  user(
    'TENSOR_BYTES',
    `${what} needs ${expected} bytes for its shape and type; ${received} are there.`,
    'The file is damaged or was written by a faulty exporter; export the model again.',
  );

/** Inputs of an operator that don't fit together; shape inference catches it and reports the node. */
export const shapeConflict = (what: string) => user('SHAPE_CONFLICT', what);
