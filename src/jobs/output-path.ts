/** Where a command writes the model it makes. */
import { existsSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { usualNames } from '../model/formats/archive.ts';
import type { WrittenFormatId } from '../model/formats/format.ts';
import { formatOfName, formatWithId, namesFormat, withoutExtension } from '../model/formats/index.ts';
import { inMadeFolder } from '../ship/emit/write.ts';
import { folderNamesFormat, formatConflict } from '../support/diagnostics/model-files.ts';
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

export interface OutputChoice {
  /** What -o says: a file or a folder. */
  readonly output?: string | undefined;
  /** Of the file; by default what its name says, ONNX in a folder. */
  readonly format?: WrittenFormatId | undefined;
}

/** Beside the model unless told where; a folder is told by its name's end, or by being there. What TensorFlow.js loads are several
 *  files: they get a folder.
 *  @param ending  what tells the result's name from the model's: ".int8"
 *  @throws FORMAT_CONFLICT where the name asks for another format */
export function outputPath(model: string, ending: string, { output, format }: OutputChoice): string {
  if (output !== undefined && !isFolder(output)) return checkedFormat(output, format);
  const own = `${nameOf(model)}${ending}`;
  if (format === 'tfjs') return join(output ?? own, usualNames[0]);
  return placeOf(`${own}${formatWithId(format ?? 'onnx').extensions[0]}`, output);
}

/** @param own  where it lies if nothing is said @param output  a file or a folder */
export const placeOf = (own: string, output: string | undefined): string =>
  output !== undefined && isFolder(output) ? join(output, basename(own)) : (output ?? own);

/** @throws FORMAT_FOLDER where a folder is there under the name of a file */
export function isFolder(output: string): boolean {
  if (namesFolder(output)) return true;
  const isThere = statSync(output, { throwIfNoEntry: false })?.isDirectory() ?? false;
  if (isThere && namesFormat(output)) throw folderNamesFormat(output, formatOfName(output).name);
  return isThere;
}

/** A file's path as it is. @throws FORMAT_CONFLICT where its name asks for another format */
export function checkedFormat(output: string, format: WrittenFormatId | undefined): string {
  const named = formatOfName(output);
  if (format !== undefined && named.id !== format) throw formatConflict(output, named.name, format);
  return output;
}
