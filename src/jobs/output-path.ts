/** Where a command writes the model it makes. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { withoutExtension } from '../model/formats/index.ts';
import { inMadeFolder } from '../ship/emit/write.ts';
import { isUrl, lastPartOf } from '../support/url.ts';

/** Whether a path is a folder by its name, there or not: "small/". */
const namesFolder = (output: string): boolean => /[\\/]$/.test(output);

/** Makes the folder that an output names or lies in, for what `work` writes there; it goes again where `work` fails. Of a file's path
 *  one folder at most is made: more that aren't there are a mistyped path, which `work` refuses. */
export function inFolderOf<T>(output: string | undefined, work: () => Promise<T>): Promise<T> {
  if (output === undefined) return work();
  if (namesFolder(output)) return inMadeFolder(output, work);
  const folder = dirname(output);
  return existsSync(dirname(folder)) ? inMadeFolder(folder, work) : work();
}

/** Where a model lies, without its ending; its name alone for one on the web. It may lie in a folder or an archive that is named
 *  instead of it. */
export const nameOf = (model: string): string =>
  withoutExtension((isUrl(model) ? lastPartOf(model) : model).replace(/[\\/]+$|\.zip$/i, ''));

/** Beside the model unless told where; a folder is told by its name's end, or by being there.
 *  @param ending  what takes the place of the model's ".onnx": ".int8.onnx"
 *  @param output  what -o says: a file or a folder */
export function outputPath(model: string, ending: string, output: string | undefined): string {
  const own = `${nameOf(model)}${ending}`;
  if (output === undefined) return own;
  const isFolder = namesFolder(output) || statSync(output, { throwIfNoEntry: false })?.isDirectory();
  return isFolder ? join(output, basename(own)) : output;
}
