/** What keeps a model from being written as a TensorFlow.js graph-model. */
import { unsupported } from '../diagnostics.ts';
import { cut } from './cut.ts';

/** @param why  as "TensorFlow.js has no operator for it"
 *  @param earlier  values that the node is computed from and that can be outputs */
export const tfjsOperator = (op: string, node: string, why: string, earlier: readonly string[]) =>
  unsupported(
    'TFJS_OPERATOR',
    `${op} "${node}" can't be written for TensorFlow.js: ${why}.`,
    earlier.length > 0
      ? `Run the ONNX model with onnxruntime-web. Or ${uncapitalized(cut(earlier))}`
      : 'Nothing is computed before it that could be an output: run the ONNX model with onnxruntime-web.',
  );

const uncapitalized = (text: string) => text[0]!.toLowerCase() + text.slice(1);

export const tfjsType = (what: string, dtype: string) =>
  unsupported(
    'TFJS_TYPE',
    `TensorFlow.js computes in float32, int32 and bool; ${what} is ${dtype}.`,
    'Cut the part that needs it off the model, or run the ONNX model with onnxruntime-web.',
  );

export const tfjsInteger = (what: string, value: string) =>
  unsupported(
    'TFJS_INTEGER',
    `TensorFlow.js has integers of 32 bits; ${what} holds ${value}.`,
    'Export the model with int32 constants, or run the ONNX model with onnxruntime-web.',
  );

export const tfjsRank = (what: string, rank: number) =>
  unsupported(
    'TFJS_RANK',
    `TensorFlow.js has tensors of up to 6 axes; ${what} has ${rank}.`,
    'Merge axes of size 1 before exporting.',
  );
