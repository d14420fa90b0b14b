/** Where a command writes the model it makes. */
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { withoutExtension } from '../model/formats/index.ts';
import { inMadeFolder } from '../ship/emit/write.ts';

/** Whether a path is a folder by its name, there or not: "small/". */
const namesFolder = (output: string): boolean => /[\\/]$/.test(output);

/** Makes the folder that an output names, for what `work` writes there; it goes again where `work` fails. */
export const inFolderOf = <T>(output: string | undefined, work: () => Promise<T>): Promise<T> =>
  output !== undefined && namesFolder(output) ? inMadeFolder(output, work) : work();

/** Beside the model unless told where; a folder is told by its name's end, or by being there.
 *  @param ending  what takes the place of the model's ".onnx": ".int8.onnx"
 *  @param output  what -o says: a file or a folder */
export function outputPath(model: string, ending: string, output: string | undefined): string {
  const own = `${withoutExtension(model)}${ending}`;
  if (output === undefined) return own;
  const isFolder = namesFolder(output) || statSync(output, { throwIfNoEntry: false })?.isDirectory();
  return isFolder ? join(output, basename(own)) : output;
}
