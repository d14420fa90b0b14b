/** A model as the bytes of its file or files, with weights in a second file where one can't hold them. */
import { encodeModelExternal, weightBytes } from '../../model/formats/onnx/external-plan.ts';
import { encodeModel } from '../../model/formats/onnx/write.ts';
import type { Model } from '../../model/ir/model.ts';
import { sizeBytes } from '../../model/ir/tensor.ts';

export interface ModelBytes {
  readonly model: Uint8Array;
  /** Weights outside of the model file, under the name by which it asks for them. */
  readonly data: { readonly location: string; readonly bytes: Uint8Array } | null;
}

/** Protobuf ends at 2 GiB, and some parsers below. */
const defaultLimit = 1.5e9;

/** @param fileName  of the model; data is called `<fileName>_data`, as loaders of the field expect
 *  @param limit  bytes of weights beyond which they go into the data file
 *  @throws ONNX_TOO_LARGE */
export function modelBytes(model: Model, fileName: string, limit = defaultLimit): ModelBytes {
  if (weightBytes(model) <= limit) return { model: encodeModel(model), data: null };
  const location = `${fileName}_data`;
  const { bytes, tensors } = encodeModelExternal(model, location);
  const last = tensors.at(-1);
  const data = new Uint8Array(last ? last.offset + sizeBytes(last.tensor) : 0);
  for (const { tensor, offset } of tensors) data.set(tensor.bytes(), offset);
  return { model: bytes, data: { location, bytes: data } };
}
