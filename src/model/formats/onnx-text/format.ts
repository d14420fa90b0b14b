/** ONNX in textual form, one file with everything in it. */
import type { ModelFormat } from '../format.ts';
import { parseModel } from './parse-model.ts';
import { printModel } from './print-model.ts';

const extensions = ['.onnx.txt', '.onnxtxt'];
const head = /^\uFEFF?\s*<\s*ir_version\b/;

export const onnxTextFormat: ModelFormat = {
  name: 'ONNX in textual form',
  extensions,
  runnable: false,
  recognise: (bytes, path) =>
    head.test(new TextDecoder().decode(bytes.subarray(0, 512))) ||
    (extensions.some((extension) => path.toLowerCase().endsWith(extension)) && isText(bytes)),
  read: (bytes, { name }) => parseModel(new TextDecoder().decode(bytes), name),
  files: () => [],
  write: (model, { name }) => [{ name, pieces: () => [new TextEncoder().encode(printModel(model))] }],
};

/** Protobuf begins with a byte that no text has. */
const isText = (bytes: Uint8Array) =>
  bytes.subarray(0, 512).every((b) => b >= 32 || b === 9 || b === 10 || b === 13);
