/** Messages of reading TensorFlow.js models. */
import { unsupported, user } from '../diagnostics.ts';
import { cut } from './cut.ts';

export const tfjsMalformed = (where: string, what: string, cause?: unknown) =>
  user(
    'TFJS_MALFORMED',
    `${where} is not a valid TensorFlow.js model: ${what}.`,
    'The file is damaged or was written by a faulty exporter; convert the model again.',
    cause,
  );

export const tfjsWeightsOnly = (file: string, names: number, path: string | undefined) =>
  unsupported(
    'TFJS_WEIGHTS_ONLY',
    `${file} lists ${names} weights${path ? ` (in ${path} …)` : ''} and no network that uses them; a model.json with a modelTopology was expected.`,
    'The network of such files stands in the code of the library that loads them; save the model from there (model.save), or take an ONNX export.',
  );

export const tfjsWeightsShort = (
  weight: string,
  files: readonly string[],
  needed: number,
  received: number,
) =>
  user(
    'TFJS_WEIGHTS_SHORT',
    `Weight "${weight}" ends at byte ${needed} of ${files.join(', ')}; ${received} are there.`,
    'Download or copy the files of the model again; one was cut off or belongs to another model.',
  );

export const tfjsWeightMissing = (file: string, name: string) =>
  user(
    'TFJS_WEIGHT_MISSING',
    `${file} lists no weight "${name}", which its network uses, and doesn't hold it itself.`,
    'Take model.json and its weights from one export; they belong together.',
  );

export const tfjsNoOutputs = (file: string) =>
  user(
    'TFJS_NO_OUTPUTS',
    `${file} has no node whose value could be an output, and no signature that names one.`,
    'Convert the model again; a node that computes something was expected.',
  );

export const tfjsCyclic = (file: string, cycle: readonly string[]) =>
  user(
    'TFJS_CYCLIC',
    `${file} has a cycle outside of any loop: ${cycle.slice(0, 8).join(' → ')}${cycle.length > 8 ? ' …' : ''}.`,
    'The file is damaged or was written by a faulty exporter; convert the model again.',
  );

export const tfjsOperatorUnknown = (
  op: string,
  node: string,
  suggestion: string | undefined,
  earlier: readonly string[],
) =>
  unsupported(
    'TFJS_OPERATOR_UNKNOWN',
    `${op} "${node}" has no counterpart in ONNX that edgepress knows${suggestion ? ` (it knows ${suggestion})` : ''}.`,
    cut(earlier),
  );

/** @param reason  what about this node can't be expressed, as 'soft suppression (sigma 0.5)' */
export const tfjsOperatorForm = (op: string, node: string, reason: string, earlier: readonly string[]) =>
  unsupported(
    'TFJS_OPERATOR_FORM',
    `${op} "${node}" can't be expressed exactly in ONNX: ${reason}.`,
    cut(earlier),
  );
