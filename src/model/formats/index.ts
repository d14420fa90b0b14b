/** The model formats. To add one: a folder with its adapter, and a line here. Runs in a page; files are in file.ts. */
import type { FormatId, ModelFormat } from './format.ts';
import { onnxFormat } from './onnx/format.ts';
import { onnxTextFormat } from './onnx-text/format.ts';
import { ortFormat } from './ort/format.ts';
import { tfjsFormat } from './tfjs/format.ts';
import { tfliteFormat } from './tflite/format.ts';

/** In the order in which they are asked whether a file is theirs. */
export const formats: readonly ModelFormat[] = [
  ortFormat,
  onnxTextFormat,
  tfjsFormat,
  tfliteFormat,
  onnxFormat,
];

/** The format of a file; ONNX when no format knows it, whose reader says what the file is instead. */
export const formatOf = (bytes: Uint8Array, path: string): ModelFormat =>
  formats.find((format) => format.recognise(bytes, path)) ?? onnxFormat;

/** The format that a file's name asks for; ONNX for names that say nothing. */
export const formatOfName = (path: string): ModelFormat =>
  formats.find((format) => extensionOf(path, format) !== undefined) ?? onnxFormat;

/** Whether a file's name names a format. */
export const namesFormat = (path: string): boolean =>
  formats.some((format) => extensionOf(path, format) !== undefined);

export const formatWithId = (id: FormatId): ModelFormat => formats.find((format) => format.id === id)!;

const extensionOf = (path: string, { extensions }: ModelFormat): string | undefined =>
  extensions.find((extension) => path.toLowerCase().endsWith(extension));

/** "net.onnx.txt" → "net"; a name without the extension of a format stays as it is. */
export function withoutExtension(path: string): string {
  const extension = extensionOf(path, formatOfName(path));
  return extension === undefined ? path : path.slice(0, -extension.length);
}
