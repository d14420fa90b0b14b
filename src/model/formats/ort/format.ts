/** onnxruntime's own format (.ort): read only, as its runtime alone can write it (`compress ort`). */
import type { ModelFormat } from '../format.ts';
import { modelOf } from '../onnx/read.ts';
import { messageOf } from './message.ts';
import { isOrt, readOrt } from './read.ts';

export const ortFormat: ModelFormat = {
  id: 'ort',
  name: "onnxruntime's format (.ort)",
  extensions: ['.ort'],
  runnable: true,
  recognise: isOrt,
  read: (bytes, source) => modelOf(messageOf(readOrt(bytes), source.name), source),
  files: () => [],
};
