/** Model files on disk. Reading leaves external data where it is; writing is atomic. */
import {
  closeSync,
  fstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileProblem } from '../../../support/diagnostics/files.ts';
import { onnxTooLarge } from '../../../support/diagnostics/model-files.ts';
import { Diagnostic } from '../../../support/diagnostics.ts';
import type { Model } from '../../ir/model.ts';
import { externalFiles } from './external-file.ts';
import { encodeModelExternal, weightBytes } from './external-plan.ts';
import { decodeModel } from './read.ts';
import { encodeModel, MESSAGE_LIMIT } from './write.ts';

/** Opens a model. Weights in external data are read when a pass asks for them; that the data is there is checked now.
 *  @throws FILE_NOT_FOUND, FILE_IS_FOLDER, FILE_PERMISSION, ONNX_TOO_LARGE, EXTERNAL_DATA_… and what decodeModel
 *    throws */
export function readModelFile(path: string): Model {
  return decodeModel(readBytes(path), { name: path, ...externalFiles(dirname(path)) });
}

function readBytes(path: string): Uint8Array {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const { size } = fstatSync(file);
    if (size > MESSAGE_LIMIT) throw onnxTooLarge(path, size, MESSAGE_LIMIT);
    return readFileSync(file);
  } catch (error) {
    throw error instanceof Diagnostic ? error : fileProblem(path, 'read', error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

export interface WriteOptions {
  /** Weights beyond this go into `<name>.data` beside the model; by default 1.5 GB, well below protobuf's 2 GiB. */
  readonly externalAboveBytes?: number;
}

/** Writes under a temporary name in the same folder, then renames: `path` holds the old file or the whole new one.
 *  With external data one tensor at a time is in memory.
 *  @returns the files written
 *  @throws FOLDER_NOT_FOUND, FILE_IS_FOLDER, FILE_PERMISSION, DISK_FULL, ONNX_TOO_LARGE */
export function writeModelFile(model: Model, path: string, options: WriteOptions = {}): string[] {
  if (isFolder(path)) throw fileProblem(path, 'write', { code: 'EISDIR' });
  if (weightBytes(model) <= (options.externalAboveBytes ?? 1.5e9)) {
    const bytes = encodeModel(model);
    return replaceFiles([{ path, write: (file) => writeAll(file, bytes) }]);
  }
  const data = `${path}.data`;
  const { bytes, tensors } = encodeModelExternal(model, basename(data));
  return replaceFiles([
    {
      path: data,
      write(file) {
        let at = 0;
        for (const { tensor, offset } of tensors) {
          writeAll(file, new Uint8Array(offset - at));
          const content = tensor.bytes();
          writeAll(file, content);
          at = offset + content.length;
        }
      },
    },
    { path, write: (file) => writeAll(file, bytes) },
  ]);
}

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch (error) {
    throw fileProblem(path, 'write', error);
  }
}

interface Output {
  readonly path: string;
  readonly write: (file: number) => void;
}

/** All files are complete before the first takes its name. */
function replaceFiles(outputs: readonly Output[]): string[] {
  const temporary = outputs.map(({ path }) => join(dirname(path), `.${basename(path)}.${process.pid}.tmp`));
  const begun: string[] = [];
  let current = '';
  try {
    outputs.forEach((output, i) => {
      current = output.path;
      const file = openSync(temporary[i]!, 'w');
      begun.push(temporary[i]!);
      try {
        output.write(file);
      } finally {
        closeSync(file);
      }
    });
    outputs.forEach(({ path }, i) => {
      current = path;
      renameSync(temporary[i]!, path);
    });
    return outputs.map((o) => o.path);
  } catch (error) {
    for (const path of begun) rmSync(path, { force: true });
    throw error instanceof Diagnostic ? error : fileProblem(current, 'write', error);
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(file, bytes, done, Math.min(bytes.length - done, 2 ** 30));
}
