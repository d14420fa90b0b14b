/** Where a command writes the model it makes. */
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { withoutExtension } from '../model/formats/index.ts';

/** Beside the model unless told where; a folder is told by its name's end, or by being there.
 *  @param ending  what tells the result from the model, before ".onnx": ".int8"
 *  @param output  what -o says: a file or a folder */
export function outputPath(model: string, ending: string, output: string | undefined): string {
  const own = `${withoutExtension(model)}${ending}.onnx`;
  if (output === undefined) return own;
  const isFolder = /[\\/]$/.test(output) || statSync(output, { throwIfNoEntry: false })?.isDirectory();
  return isFolder ? join(output, basename(own)) : output;
}
