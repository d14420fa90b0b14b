/** Messages of reading .tflite files. */
import { unsupported, user } from '../diagnostics.ts';
import { cut } from './cut.ts';

/** @param what  as "tensor 7 has the type 99" */
export const tfliteMalformed = (file: string, what: string) =>
  user(
    'TFLITE_MALFORMED',
    `${file} is not a valid .tflite model: ${what}.`,
    'The file is damaged or was written by a faulty converter; download or convert it again.',
  );

/** @param what  as 'tensor 7 "weights" has its data in another file' */
export const tfliteUnsupported = (file: string, what: string, hint: string) =>
  unsupported('TFLITE_UNSUPPORTED', `${file} can't be read: ${what}.`, hint);

/** @param models  its signatures, with the names of their outputs */
export const tfliteSeveralModels = (
  file: string,
  models: readonly { readonly key: string; readonly outputs: readonly string[] }[],
) =>
  unsupported(
    'TFLITE_SEVERAL_MODELS',
    `${file} holds ${models.length} models, and one is read at a time: ${models
      .slice(0, 8)
      .map(({ key, outputs }) => `"${key}" (${outputs.slice(0, 4).join(', ')})`)
      .join(', ')}${models.length > 8 ? ' …' : ''}.`,
    `Name the outputs of one: --outputs ${models[0]?.outputs.join(',') ?? ''}`,
  );

/** @param op  with its place, as "CONV_2D (operator 12)" */
export const tfliteOperatorUnknown = (
  op: string,
  node: string,
  suggestion: string | undefined,
  earlier: readonly string[],
) =>
  unsupported(
    'TFLITE_OPERATOR_UNKNOWN',
    `${op} "${node}" has no counterpart in ONNX that edgepress knows${suggestion ? ` (it knows ${suggestion})` : ''}.`,
    cut(earlier),
  );

/** @param op  with its place, as "CONV_2D (operator 12)", @param reason  what about it can't be expressed */
export const tfliteOperatorForm = (op: string, node: string, reason: string, earlier: readonly string[]) =>
  unsupported(
    'TFLITE_OPERATOR_FORM',
    `${op} "${node}" can't be expressed exactly in ONNX: ${reason}.`,
    cut(earlier),
  );
