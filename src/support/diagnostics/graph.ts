/** Messages of graphs that don't hold together, and of the types and shapes in them. */
import { internal, nearest, unsupported, user } from '../diagnostics.ts';

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

/** @param node  operator, and the node's name or that of its first output */
export const attributeInvalid = (
  node: { readonly op: string; readonly name: string },
  { attribute, expected, received }: Record<'attribute' | 'expected' | 'received', string>,
) =>
  user(
    'ATTRIBUTE_INVALID',
    `Attribute "${attribute}" of ${node.op} "${node.name}" is ${received}; expected: ${expected}.`,
    'No runtime takes the model as it is; mend the attribute, or export the model again.',
  );

/** @param open  names of the sizes that the model leaves open */
export function sizeUnknown(name: string, open: readonly string[]) {
  const close = nearest(name, open);
  const there = open.length > 0 ? open.map((n) => `"${n}"`).join(', ') : 'none';
  return user(
    'SIZE_UNKNOWN',
    `--sizes gives a number to a size that the model's inputs leave open; "${name}" is none of them: ${there}.`,
    close ? `Did you mean "${close}"?` : 'compress inspect shows the inputs and their sizes.',
  );
}

/** @param inputs  names of the model's inputs */
export function inputUnknown(name: string, inputs: readonly string[]) {
  const close = nearest(name, inputs);
  return user(
    'INPUT_UNKNOWN',
    `--fix gives inputs a number; "${name}" is none of the model's: ${inputs.map((n) => `"${n}"`).join(', ')}.`,
    close ? `Did you mean "${close}"?` : 'compress inspect shows the inputs.',
  );
}

/** @param type  as "int64 []" */
export const inputNotFixed = (name: string, type: string, number: number) =>
  user(
    'INPUT_NOT_FIXED',
    `--fix gives an input of known size one number that its type holds; "${name}" is ${type}, and ${number} was given.`,
    'Give open sizes a number first (--sizes), and a number of the type; 0 and 1 for bool.',
  );

/** @param path  names of the functions, from one to itself */
export const functionRecursive = (path: readonly string[]) =>
  user(
    'FUNCTION_RECURSIVE',
    `Functions of a model must end in operators; "${path[0]}" calls itself (${path.join(' → ')}).`,
    'ONNX allows no recursion; export the model again with another version of the exporter.',
  );

export const functionsTooLarge = (nodes: number, most: number) =>
  unsupported(
    'FUNCTIONS_TOO_LARGE',
    `The model's functions, written out, are ${Number.isFinite(nodes) ? nodes.toExponential(1) : 'endlessly many'} nodes; at most ${most} can be added.`,
    'Export the model with its functions inlined, or with fewer nested calls.',
  );

export const functionsTooDeep = (most: number) =>
  unsupported(
    'FUNCTIONS_TOO_DEEP',
    `The model's functions call each other more than ${most} levels deep; that is more than can be handled.`,
    'Export the model with its functions inlined.',
  );

/** @param known  names of values that could be outputs */
export function outputUnknown(name: string, known: readonly string[]) {
  const close = nearest(name, known);
  return user(
    'OUTPUT_UNKNOWN',
    `The model computes no value "${name}" that could be an output.`,
    close ? `Did you mean "${close}"?` : 'compress inspect lists the nodes of a model.',
  );
}
