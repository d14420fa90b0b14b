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
import { fileProblem } from '../../support/diagnostics/files.ts';
import { formatNotWritten, formatUnnamed, onnxTooLarge } from '../../support/diagnostics/model-files.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import { readProblem } from '../../support/read-problem.ts';
import type { Model } from '../ir/model.ts';
import { type ModelFormat, writtenFormatIds } from './format.ts';
import { formatOf, formatOfName, formatWithId, namesFormat } from './index.ts';
import { externalFiles } from './onnx/external-file.ts';
import { MESSAGE_LIMIT } from './onnx/write.ts';

interface ReadFile {
  readonly format: ModelFormat;
  readonly model: Model;
  /** Of the first file; weights of the model are views of it. */
  readonly bytes: Uint8Array;
}

/** Opens a model. Weights in external data are read when a pass asks for them; that the data is there is checked now.
 *  @example
 *  const model = readModelFile('model.onnx');
 *  @throws FILE_NOT_FOUND, FILE_IS_FOLDER, FILE_PERMISSION, ONNX_TOO_LARGE, EXTERNAL_DATA_… and what the format's
 *    reader throws */
export const readModelFile = (path: string): Model => readFormatFile(path).model;

/** The same, with the format that it turned out to be. */
export function readFormatFile(path: string, outputs?: readonly string[]): ReadFile {
  const bytes = readBytes(path);
  const format = formatOf(bytes, path);
  const source = { name: path, outputs, ...externalFiles(dirname(path)) };
  return { format, bytes, model: format.read(bytes, source) };
}

function readBytes(path: string): Uint8Array {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const { size } = fstatSync(file);
    if (size > MESSAGE_LIMIT) throw onnxTooLarge(path, size, MESSAGE_LIMIT);
    return readFileSync(file);
  } catch (error) {
    throw error instanceof Diagnostic ? error : readProblem(path, error);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

interface WriteFileOptions {
  /** Weights beyond this go into `<name>.data` beside the model; by default 1.5 GB, well below protobuf's 2 GiB. */
  readonly externalAboveBytes?: number;
  /** As in WriteOptions. */
  readonly openBatch?: boolean | undefined;
  readonly remark?: (text: string) => void;
}

/** How models of other kinds are called, which a file of ours would be taken for. */
const foreign = /\.(tfjs|pb|pbtxt|pt|pth|pkl|h5|hdf5|keras|safetensors|mlmodel|mlpackage|gguf|zip|bin)$/i;

/** @throws FORMAT_NOT_WRITTEN when the name asks for a format that is only read, FORMAT_UNNAMED for one that we don't have */
export function requireWritable(path: string): Required<Pick<ModelFormat, 'write'>> {
  if (foreign.test(path)) throw formatUnnamed(path, writtenEndings());
  const { name, write } = formatOfName(path);
  if (write) return { write };
  throw formatNotWritten(path, name, writtenEndings());
}

/** ".onnx", ".json (TensorFlow.js)". */
const writtenEndings = () =>
  writtenFormatIds.map(formatWithId).map(({ name, extensions }) => `${extensions[0]} (${name})`);

/** Where the name alone says in which format to write. @throws FORMAT_UNNAMED, FORMAT_NOT_WRITTEN */
export function requireNamedFormat(path: string): void {
  if (!namesFormat(path)) throw formatUnnamed(path, writtenEndings());
  requireWritable(path);
}

/** Writes in the format that the path's extension names (ONNX where it names none), under a temporary name in the same
 *  folder, then renames: `path` holds the old file or the whole new one.
 *  @returns the files written, the model's own first
 *  @throws FORMAT_NOT_WRITTEN, FOLDER_NOT_FOUND, FILE_IS_FOLDER, FILE_PERMISSION, DISK_FULL, ONNX_TOO_LARGE */
export function writeModelFile(model: Model, path: string, options: WriteFileOptions = {}): string[] {
  const { write } = requireWritable(path);
  if (isFolder(path)) throw fileProblem(path, 'write', { code: 'EISDIR' });
  const [first, ...beside] = write(model, { name: basename(path), ...options }).map(({ name, pieces }) => ({
    path: join(dirname(path), name),
    write(file: number) {
      for (const piece of pieces()) writeAll(file, piece);
    },
  }));
  // The model last: whoever sees it finds its data.
  const all = [...beside, { ...first!, path }];
  replaceFiles(all);
  return [path, ...beside.map((output) => output.path)];
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
function replaceFiles(outputs: readonly Output[]): void {
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
  } catch (error) {
    for (const path of begun) rmSync(path, { force: true });
    // What has no number of the system's went wrong in here, not on the disk.
    throw error instanceof Error && 'errno' in error ? fileProblem(current, 'write', error) : error;
  }
}

function writeAll(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length; )
    done += writeSync(file, bytes, done, Math.min(bytes.length - done, 2 ** 30));
}
