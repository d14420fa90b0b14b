/** A model that was opened once, and all that is asked of it afterwards: what a report names, what an engine runs.
 *  Runs in a page; open-file.ts opens files. */
import { concatenated } from '../../support/bytes.ts';
import { externalDataMissing } from '../../support/diagnostics/model-files.ts';
import { cloneModel } from '../ir/clone.ts';
import type { Model } from '../ir/model.ts';
import type { ExternalLocation } from '../ir/tensor.ts';
import { initializersOf } from '../ir/walk.ts';
import { chooseOutputs } from '../rewrite/choose-outputs.ts';
import { isOlderThanKernels, withKernels } from '../rewrite/opset/kernels.ts';
import type { ModelFormat, WrittenFile } from './format.ts';
import { formatOf, formatOfName } from './index.ts';
import { onnxFormat } from './onnx/format.ts';
import type { TensorSource } from './onnx/tensors.ts';

/** What is asked of a model that only runs. */
export interface Runnable {
  /** The file's name without its folder: "mobilenetv2.onnx". */
  readonly name: string;
  /** What an engine needs to run it. Files that it can open itself are named where they lie, so that their weights need
   *  not pass through here; everything else comes as bytes.
   *  @param takes  'path' for an engine that opens files (the native one) */
  engineSource(takes: 'path' | 'bytes'): ModelSource;
}

export interface OpenedModel extends Runnable {
  readonly format: ModelFormat;
  readonly model: Model;
  /** The model's own file, then those beside it. */
  readonly files: readonly OpenedFile[];
  /** Of all files. */
  readonly sizeBytes: number;
  engineSource(takes: 'bytes'): BytesSource;
  engineSource(takes: 'path' | 'bytes'): ModelSource;
}

/** Where its files lie; nothing for a model in memory. */
export const pathsOf = ({ files }: Pick<OpenedModel, 'files'>): string[] =>
  files.flatMap(({ path }) => (path === null ? [] : [path]));

export interface OpenedFile {
  /** As the model calls it: relative to its folder, with forward slashes. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Where it lies; null for what is only in memory. */
  readonly path: string | null;
  bytes(): Uint8Array;
}

/** What an engine opens. */
export type ModelSource = BytesSource | PathSource;

export interface BytesSource extends SourceFacts {
  readonly bytes: Uint8Array;
  /** Content of the files beside the model, by the names that it has for them. */
  readonly externalData?: ReadonlyMap<string, Uint8Array> | undefined;
}

export interface PathSource extends SourceFacts {
  readonly path: string;
  /** Names of the files beside it. */
  readonly dataFiles?: readonly string[] | undefined;
}

interface SourceFacts {
  /** Whether a weight is in float16. Absent: not looked at. */
  readonly halfWeights?: boolean;
}

interface OpenedParts extends Pick<OpenedModel, 'name' | 'format' | 'model'> {
  /** Called when files are asked for, once. */
  readonly files: () => readonly OpenedFile[];
  /** It was made here, and an engine is to be handed just what is written. */
  readonly ours?: boolean;
}

/** An engine is handed the files where it opens such files and has kernels for what is in them, else what is written for it. */
export function openedModel({ name, format, model, files, ours = false }: OpenedParts): OpenedModel {
  const own = once(files);
  const asOnnx = once(() => {
    if (!ours && isOlderThanKernels(model)) return onnxFiles(withKernels(model), name);
    return format.runnable ? own() : onnxFiles(model, name);
  });
  const halfWeights = once(() => holdsHalf(model));
  // An engine goes by the file's name, where we go by what is in it.
  const opensAsNamed = (path: string | null) => path !== null && formatOfName(path) === format;
  function engineSource(takes: 'bytes'): BytesSource;
  function engineSource(takes: 'path' | 'bytes'): ModelSource;
  function engineSource(takes: 'path' | 'bytes'): ModelSource {
    const files = asOnnx();
    const source = takes === 'path' && opensAsNamed(files[0]!.path) ? pathSource(files) : bytesSource(files);
    return { ...source, halfWeights: halfWeights() };
  }
  return {
    name,
    format,
    model,
    get files() {
      return own();
    },
    get sizeBytes() {
      return own().reduce((sum, file) => sum + file.sizeBytes, 0);
    },
    engineSource,
  };
}

export interface BytesOptions {
  /** Default: "model.onnx". */
  readonly name?: string | undefined;
  /** Content of the files beside the model, by the names that it has for them. */
  readonly data?: ReadonlyMap<string, Uint8Array> | undefined;
  /** Names of the values that become the outputs: the model is cut behind them. */
  readonly outputs?: readonly string[] | undefined;
}

/** Opens a model of any format from memory. The bytes must not change from then on.
 *  @throws NOT_ONNX naming what it is instead, EXTERNAL_DATA_MISSING, and what the format's reader throws */
export function openModelBytes(
  bytes: Uint8Array,
  { name = 'model.onnx', data = new Map(), outputs }: BytesOptions = {},
): OpenedModel {
  const format = formatOf(bytes, name);
  const model = format.read(bytes, { name, outputs, ...dataSource(data) });
  const beside = format.files(model).map((file) => inMemory(file, data.get(file)!));
  const opened = openedModel({ name, format, model, files: () => [inMemory(name, bytes), ...beside] });
  return outputs ? cut(opened, outputs) : opened;
}

/** With other outputs than its file has, a model is handed to an engine as it is in memory. What a caller holds stays whole. */
export function cut(opened: OpenedModel, outputs: readonly string[]): OpenedModel {
  const { name, format, files } = opened;
  const isCut = opened.model.graph.outputs.map((v) => v.name).join('\n') === outputs.join('\n');
  const model = isCut ? opened.model : cloneModel(opened.model);
  if (!isCut) chooseOutputs(model, outputs);
  return openedModel({ name, format: { ...format, runnable: false }, model, files: () => files });
}

/** A model made in memory. It is encoded as ONNX when something asks for its bytes; it must not change from then on. */
export const openedFromModel = (model: Model, name = 'model.onnx'): OpenedModel =>
  openedModel({ name, format: onnxFormat, model, files: () => onnxFiles(model, name), ours: true });

/** A model of ours and the files that it was encoded to. */
export const openedFromParts = (
  model: Model,
  parts: readonly { readonly name: string; readonly bytes: Uint8Array }[],
): OpenedModel =>
  openedModel({
    name: parts[0]!.name,
    format: formatOf(parts[0]!.bytes, parts[0]!.name),
    model,
    files: () => parts.map(({ name, bytes }) => inMemory(name, bytes)),
    ours: true,
  });

const inMemory = (name: string, bytes: Uint8Array): OpenedFile => ({
  name,
  sizeBytes: bytes.length,
  path: null,
  bytes: () => bytes,
});

/** A model as ONNX, in memory. */
export const onnxFiles = (model: Model, name: string): OpenedFile[] =>
  onnxFormat.write!(model, { name }).map((file) => inMemory(file.name, joined(file)));

function joined({ sizeBytes, pieces }: WrittenFile): Uint8Array {
  // Where the size is known, the pieces need not all be there at once, beside the whole.
  if (sizeBytes !== undefined) return concatenated(pieces(), sizeBytes);
  const all = [...pieces()];
  return all.length === 1
    ? all[0]!
    : concatenated(
        all,
        all.reduce((sum, piece) => sum + piece.length, 0),
      );
}

const pathSource = ([first, ...beside]: readonly OpenedFile[]): PathSource => ({
  path: first!.path!,
  dataFiles: beside.length > 0 ? beside.map((file) => file.name) : undefined,
});

const bytesSource = ([first, ...beside]: readonly OpenedFile[]): BytesSource => ({
  bytes: first!.bytes(),
  externalData: beside.length > 0 ? new Map(beside.map((file) => [file.name, file.bytes()])) : undefined,
});

function dataSource(data: ReadonlyMap<string, Uint8Array>): TensorSource {
  const file = (location: string, what: string) => {
    const found = data.get(location);
    if (!found) throw externalDataMissing(what, location, 'the data that came with the model');
    return found;
  };
  const read = ({ location, offset, length }: ExternalLocation, what: string) =>
    file(location, what).subarray(offset, offset + length);
  return {
    checkExternal: (at, what) => void read(at, what),
    external: (at) => read(at, 'The tensor'),
    sizeOf: (location, what) => file(location, what).length,
  };
}

const holdsHalf = (model: Model) =>
  [...initializersOf(model)].some(({ value }) => value.constant?.dtype === 'float16');

function once<T>(compute: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => {
    made ??= { value: compute() };
    return made.value;
  };
}
