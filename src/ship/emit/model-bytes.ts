/** A model as the bytes of its file or files, with weights in a second file where one can't hold them. */
import { EMBEDDED_LIMIT, encodeModelExternal, weightBytes } from '../../model/formats/onnx/external-plan.ts';
import { encodeModel } from '../../model/formats/onnx/write.ts';
import { writeGraphModel } from '../../model/formats/tfjs/write/write.ts';
import { writeTflite } from '../../model/formats/tflite/write/write.ts';
import type { Model } from '../../model/ir/model.ts';
import { sizeBytes } from '../../model/ir/tensor.ts';

export interface ModelBytes {
  readonly model: Uint8Array;
  /** Weights outside of the model file, under the name by which it asks for them. */
  readonly data: readonly { readonly location: string; readonly bytes: Uint8Array }[];
}

/** @param fileName  of the model; data is called `<fileName>_data`, as loaders of the field expect
 *  @param limit  bytes of weights beyond which they go into the data file
 *  @throws ONNX_TOO_LARGE */
export function modelBytes(model: Model, fileName: string, limit = EMBEDDED_LIMIT): ModelBytes {
  if (weightBytes(model) <= limit) return { model: encodeModel(model), data: [] };
  const location = `${fileName}_data`;
  const { bytes, tensors } = encodeModelExternal(model, location);
  const last = tensors.at(-1);
  const data = new Uint8Array(last ? last.offset + sizeBytes(last.tensor) : 0);
  for (const { tensor, offset } of tensors) data.set(tensor.bytes(), offset);
  return { model: bytes, data: [{ location, bytes: data }] };
}

/** A graph-model of TensorFlow.js: `fileName` and its shards of weights.
 *  @throws TFJS_OPERATOR and what else TensorFlow.js has no form for */
export function tfjsBytes(model: Model, fileName: string): ModelBytes {
  const [json, ...shards] = writeGraphModel(model, fileName).map(({ name, pieces }) => ({
    location: name,
    bytes: joined([...pieces()]),
  }));
  return { model: json!.bytes, data: shards };
}

/** @throws TFLITE_OPERATOR and what else LiteRT has no form for */
export const tfliteBytes = (model: Model): ModelBytes => ({ model: writeTflite(model), data: [] });

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Bytes of all files. */
export const totalBytes = ({ model, data }: ModelBytes): number =>
  data.reduce((sum, { bytes }) => sum + bytes.length, model.length);
