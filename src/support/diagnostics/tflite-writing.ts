/** What keeps a model from being written as a .tflite file. */
import { unsupported } from '../diagnostics.ts';
import { cut } from './cut.ts';

/** @param why  as "LiteRT has no operator for it"
 *  @param earlier  values that the node is computed from and that can be outputs themselves */
export const tfliteOperator = (op: string, node: string, why: string, earlier: readonly string[]) =>
  unsupported(
    'TFLITE_OPERATOR',
    `${op} "${node}" can't be written for LiteRT: ${why}.`,
    earlier.length > 0
      ? cut(earlier)
      : 'Nothing is computed before it that could be an output: run the ONNX model with onnxruntime.',
  );

export const tfliteType = (what: string, dtype: string) =>
  unsupported(
    'TFLITE_TYPE',
    `LiteRT computes in float32, int32, bool and 8-bit integers; ${what} is ${dtype}.`,
    'Cut the part that needs it off the model, or run the ONNX model with onnxruntime.',
  );

export const tfliteInteger = (what: string, value: string) =>
  unsupported(
    'TFLITE_INTEGER',
    `.tflite files are written with integers of 32 bits; ${what} holds ${value}.`,
    'Export the model with int32 constants, or run the ONNX model with onnxruntime.',
  );

export const tfliteTooLarge = (size: string) =>
  unsupported(
    'TFLITE_TOO_LARGE',
    `A .tflite file holds at most 2 GB; this model takes ${size}.`,
    'Make its weights smaller first (--int8), or run the ONNX model with onnxruntime.',
  );

export const tfliteDimension = (tensor: string, shape: string) =>
  unsupported(
    'TFLITE_TOO_LARGE',
    `A .tflite file has sizes below 2^31; "${tensor}" is ${shape}.`,
    'Export the model with smaller sizes, or run the ONNX model with onnxruntime.',
  );

/** @param open  names of the sizes that are left open, without the batch */
export const tfliteSize = (input: string, shape: string, open: readonly string[]) =>
  unsupported(
    'TFLITE_SIZE',
    `A .tflite file has inputs of known sizes; "${input}" is ${shape}.`,
    open.length > 0
      ? `Say them: --sizes ${open.map((name) => `${name}=<n>`).join(',')}`
      : 'Export the model with its sizes.',
  );

/** @param left  as 'Input "ids" is not made int8: it is int64.' */
export const tfliteIo = (type: string, left: readonly string[]) =>
  unsupported(
    'TFLITE_IO',
    `Inputs and outputs in ${type} were asked for, and none has a scale for that. ${left.join(' ')}`,
    'Leave --io out, or compute in integers up to there first: compress --int8 static --data <folder or .npz>.',
  );
