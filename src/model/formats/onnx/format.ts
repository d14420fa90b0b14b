/** ONNX: protobuf, weights inside or in files beside it. */
import type { Model } from '../../ir/model.ts';
import type { ModelFormat, WriteOptions, WrittenFile } from '../format.ts';
import { dataFile, dataFilesOf, EMBEDDED_LIMIT, encodeModelExternal, weightBytes } from './external-plan.ts';
import { decodeModel } from './read.ts';
import { isOnnx } from './recognise.ts';
import { encodeModel } from './write.ts';

export const onnxFormat: ModelFormat = {
  id: 'onnx',
  name: 'ONNX',
  extensions: ['.onnx'],
  runnable: true,
  recognise: isOnnx,
  read: decodeModel,
  files: dataFilesOf,
  write,
};

/** @throws ONNX_TOO_LARGE */
function write(model: Model, { name, externalAboveBytes = EMBEDDED_LIMIT }: WriteOptions): WrittenFile[] {
  if (weightBytes(model) <= externalAboveBytes) {
    const bytes = encodeModel(model);
    return [{ name, pieces: () => [bytes] }];
  }
  const location = `${name}.data`;
  const { bytes, tensors } = encodeModelExternal(model, location);
  return [{ name, pieces: () => [bytes] }, dataFile(location, tensors)];
}
