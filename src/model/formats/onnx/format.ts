/** ONNX: protobuf, weights inside or in files beside it. */
import type { Model } from '../../ir/model.ts';
import { initializersOf } from '../../ir/walk.ts';
import type { ModelFormat, WriteOptions, WrittenFile } from '../format.ts';
import { encodeModelExternal, weightBytes } from './external-plan.ts';
import { decodeModel } from './read.ts';
import { isOnnx } from './recognise.ts';
import { encodeModel } from './write.ts';

export const onnxFormat: ModelFormat = {
  name: 'ONNX',
  extensions: ['.onnx'],
  runnable: true,
  recognise: isOnnx,
  read: decodeModel,
  files: dataFiles,
  write,
};

function dataFiles(model: Model): string[] {
  const locations = new Set<string>();
  for (const { value } of initializersOf(model)) {
    const location = value.constant?.external?.location;
    if (location !== undefined) locations.add(location);
  }
  return [...locations];
}

/** Protobuf ends at 2 GiB, and some parsers below. */
const defaultLimit = 1.5e9;

/** With external data one tensor at a time is in memory. @throws ONNX_TOO_LARGE */
function write(model: Model, { name, externalAboveBytes = defaultLimit }: WriteOptions): WrittenFile[] {
  if (weightBytes(model) <= externalAboveBytes) {
    const bytes = encodeModel(model);
    return [{ name, pieces: () => [bytes] }];
  }
  const location = `${name}.data`;
  const { bytes, tensors } = encodeModelExternal(model, location);
  return [
    { name, pieces: () => [bytes] },
    {
      name: location,
      *pieces() {
        let at = 0;
        for (const { tensor, offset } of tensors) {
          yield new Uint8Array(offset - at);
          const content = tensor.bytes();
          yield content;
          at = offset + content.length;
        }
      },
    },
  ];
}
