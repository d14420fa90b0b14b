/** Messages of reading TensorFlow.js models. */
import { unsupported, user } from '../diagnostics.ts';

const cut = 'Cut the model before it: --outputs with the names of values that are computed earlier.';

export const tfjsMalformed = (where: string, what: string, cause?: unknown) =>
  user(
    'TFJS_MALFORMED',
    `${where} is not a valid TensorFlow.js model: ${what}.`,
    'The file is damaged or was written by a faulty exporter; convert the model again.',
    cause,
  );

export const tfjsOperatorUnknown = (op: string, node: string, suggestion: string | undefined) =>
  unsupported(
    'TFJS_OPERATOR_UNKNOWN',
    `${op} "${node}" has no counterpart in ONNX that edgepress knows${suggestion ? ` (it knows ${suggestion})` : ''}.`,
    cut,
  );

/** @param reason  what about this node can't be expressed, as 'soft suppression (sigma 0.5)' */
export const tfjsOperatorForm = (op: string, node: string, reason: string) =>
  unsupported('TFJS_OPERATOR_FORM', `${op} "${node}" can't be expressed exactly in ONNX: ${reason}.`, cut);
