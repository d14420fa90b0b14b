/** Opens models from wherever they are: a file, bytes, memory. Each file is read and decoded once. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { urlNotFile } from '../../support/diagnostics/fetching.ts';
import { modelInputInvalid, modelNotFoundIn } from '../../support/diagnostics/model-files.ts';
import { readProblem } from '../../support/read-problem.ts';
import { isUrl, shownUrl } from '../../support/url.ts';
import type { Model } from '../ir/model.ts';
import { archiveEnding, isZip, namedInArchive, unpackModel, usualNames } from './archive.ts';
import { readFormatFile } from './file.ts';
import { formatOfName } from './index.ts';
import { onnxFormat } from './onnx/format.ts';
import {
  type BytesOptions,
  cut,
  type OpenedFile,
  type OpenedModel,
  onnxFiles,
  openedModel,
  openModelBytes,
} from './opened.ts';
import { tfjsFormat } from './tfjs/format.ts';

/** A path, an address on the web, bytes, a model in memory, or what is open already. */
export type ModelInput = string | Uint8Array | Model | OpenedModel;

/** Opens a model of any format. Weights beside a file stay there until they are asked for.
 *  @param options  for bytes and models in memory: what to call them, and for bytes the data beside them
 *  @throws MODEL_INPUT for anything else, URL_NOT_FILE, FILE_NOT_FOUND and its kin, EXTERNAL_DATA_…, and what the format's reader throws */
export function openModel(input: ModelInput, options: BytesOptions = {}): OpenedModel {
  const opened = openWhole(input, options);
  return options.outputs ? cut(opened, options.outputs) : opened;
}

function openWhole(input: ModelInput, options: BytesOptions): OpenedModel {
  if (isUrl(input)) throw urlNotFile(shownUrl(input));
  if (typeof input === 'string') return openModelFile(input, options.outputs);
  if (input instanceof Uint8Array) return openModelBytes(input, options);
  // Whoever calls from JavaScript may hand over anything.
  if (typeof input !== 'object' || input === null || !('engineSource' in input || 'graph' in input))
    throw modelInputInvalid(input);
  return 'engineSource' in input ? input : openedInMemory(input, options.name);
}

/** Somebody's own model, of any opset. */
const openedInMemory = (model: Model, name = 'model.onnx'): OpenedModel =>
  openedModel({ name, format: onnxFormat, model, files: () => onnxFiles(model, name) });

/** The folder that a model lies in, with what belongs to it; null for one that is only in memory. */
export function folderOf(input: ModelInput): string | null {
  if (typeof input === 'string') return dirname(input);
  const path = 'engineSource' in input ? (input.files[0]?.path ?? null) : null;
  return path === null ? null : dirname(path);
}

function openModelFile(given: string, outputs?: readonly string[]): OpenedModel {
  const path = modelInFolder(given) ?? given;
  const packed = openArchive(path, outputs);
  if (packed) return packed;
  const { format, model, bytes } = readFormatFile(path, outputs);
  const name = basename(path);
  const first = { name, path, sizeBytes: bytes.length, bytes: () => bytes };
  const beside = format.files(model).map((file) => onDisk(file, join(dirname(path), file)));
  return openedModel({ name, format, model, files: () => [first, ...beside] });
}

/** A model in a .zip or MediaPipe's .task, unpacked into memory and named after it; null for other files. */
function openArchive(path: string, outputs?: readonly string[]): OpenedModel | null {
  if (!archiveEnding.test(path)) return null;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw readProblem(path, error);
  }
  if (!isZip(bytes)) return null;
  const { name, bytes: model, data } = unpackModel(bytes, path);
  return openModelBytes(model, { name: namedInArchive(basename(path), name), data, outputs });
}

/** The model of a folder that holds one under its usual name, or one of TensorFlow.js under another, which is a folder of files.
 *  @throws MODEL_NOT_FOUND_IN where it holds several of those */
function modelInFolder(path: string): string | undefined {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return undefined;
  const usual = usualNames.map((name) => join(path, name)).find((file) => existsSync(file));
  if (usual !== undefined) return usual;
  const names = readdirSync(path).filter((name) => name.endsWith('.json') && isTfjs(join(path, name)));
  if (names.length > 1) throw modelNotFoundIn(path, names);
  return names[0] && join(path, names[0]);
}

function isTfjs(file: string): boolean {
  try {
    return statSync(file).isFile() && tfjsFormat.recognise(readFileSync(file), file);
  } catch {
    return false;
  }
}

/** A model of ours and the files that it was just written to; they are not read again. */
export function openedFromFiles(model: Model, [first, ...beside]: readonly string[]): OpenedModel {
  const files = [first!, ...beside].map((path) => onDisk(basename(path), path));
  return openedModel({
    ...{ name: basename(first!), format: formatOfName(first!), model },
    ...{ files: () => files, ours: true },
  });
}

const onDisk = (name: string, path: string): OpenedFile => ({
  name,
  path,
  sizeBytes: statSync(path).size,
  bytes() {
    try {
      return readFileSync(path);
    } catch (error) {
      throw readProblem(path, error);
    }
  },
});
