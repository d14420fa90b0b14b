/** ONNX in textual form; large weights lie in a file beside it, as with ONNX. */
import { textTooLarge } from '../../../support/diagnostics/model-files.ts';
import type { Model } from '../../ir/model.ts';
import type { ModelFormat, ReadSource, WriteOptions, WrittenFile } from '../format.ts';
import { dataFile, dataFilesOf, planExternal, weightBytes } from '../onnx/external-plan.ts';
import type { PlaceExternal } from '../onnx/tensors.ts';
import { parseModel } from './parse-model.ts';
import { printModel } from './print-model.ts';

const extensions = ['.onnx.txt', '.onnxtxt'];
const head = /^\uFEFF?\s*<\s*ir_version\b/;

/** A number takes up to eight times its bytes as text, and a text ends at 512 MB. */
const defaultLimit = 5e7;

export const onnxTextFormat: ModelFormat = {
  id: 'onnx-text',
  name: 'ONNX in textual form',
  extensions,
  runnable: false,
  recognise: (bytes, path) =>
    head.test(new TextDecoder().decode(bytes.subarray(0, 512))) ||
    (extensions.some((extension) => path.toLowerCase().endsWith(extension)) && isText(bytes)),
  read,
  files: dataFilesOf,
  write,
};

/** Protobuf begins with a byte that no text has. */
const isText = (bytes: Uint8Array) =>
  bytes.subarray(0, 512).every((b) => b >= 32 || b === 9 || b === 10 || b === 13);

function read(bytes: Uint8Array, source: ReadSource): Model {
  let text: string;
  try {
    text = new TextDecoder().decode(bytes);
  } catch (error) {
    throw textTooLarge(source.name, error);
  }
  return parseModel(text, source.name, source);
}

/** @throws TEXT_TOO_LARGE */
function write(model: Model, { name, externalAboveBytes = defaultLimit }: WriteOptions): WrittenFile[] {
  const location = `${name}.data`;
  const plan =
    weightBytes(model) <= externalAboveBytes
      ? { place: () => undefined, tensors: () => [] }
      : planExternal(location);
  const text = printed(model, name, plan.place);
  const tensors = plan.tensors();
  const first = { name, pieces: () => [new TextEncoder().encode(text)] };
  return tensors.length === 0 ? [first] : [first, dataFile(location, tensors)];
}

function printed(model: Model, name: string, place: PlaceExternal): string {
  try {
    return printModel(model, { place });
  } catch (error) {
    // JavaScript's only word for a text that is too long.
    if (error instanceof RangeError) throw textTooLarge(name, error);
    throw error;
  }
}
