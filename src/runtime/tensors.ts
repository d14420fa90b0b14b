/** What an app hands in and gets back, and the tensors in between. */
import type { Manifest } from '../ship/emit/manifest.ts';
import { EdgepressError } from './errors.ts';
import { type ImageSource, isImageSource } from './image-source.ts';
import type { Preprocessing } from './preprocess.ts';
import { preprocess } from './preprocess.ts';
import type { Rgba } from './resample.ts';

export type TypedArray =
  | Float32Array
  | Float64Array
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;
export type Data = TypedArray | readonly (number | bigint | boolean | string)[];

/** Numbers with their shape; a tensor of onnxruntime is one. */
export interface TensorLike {
  readonly data: Data;
  readonly dims: readonly number[];
}

/** A bare array takes its shape from the model; a single value is for scalar inputs. */
export type ModelInput = TensorLike | Data | number | bigint | ImageSource;
export type ModelInputs = Readonly<Record<string, ModelInput>>;

export interface OutputTensor {
  /** ONNX name: "float32", "int64" … */
  readonly type: string;
  /** Float32Array for floats of 16 and 32 bits, BigInt64Array for int64, string[] for text. */
  readonly data: TypedArray | readonly string[];
  readonly dims: readonly number[];
}
export type ModelOutputs = Readonly<Record<string, OutputTensor>>;

/** As onnxruntime's Tensor constructor takes it. */
export interface Feed {
  readonly type: string;
  readonly data: TypedArray | readonly string[];
  readonly dims: readonly number[];
}

type Port = Manifest['inputs'][number];

const arrays = {
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  bool: Uint8Array,
} as const;

/** Browsers since 2025. Bundles keep float32 at the edges, so only models that came with half inputs need it. */
const Half = (globalThis as { Float16Array?: new (values: readonly number[]) => Uint16Array }).Float16Array;

const invalid = (message: string) => new EdgepressError('INPUT_INVALID', message);
const shown = ({ name, dtype, shape }: Port) =>
  `"${name}" (${dtype} ${shape ? `[${shape.map((d) => d ?? '?').join(',')}]` : 'of any shape'})`;

/** @param read  pixels of a picture
 *  @throws INPUT_INVALID naming the input, what it takes and what came */
export function toFeeds(
  inputs: ModelInputs,
  ports: readonly Port[],
  spec: Preprocessing | null,
  read: (source: ImageSource) => Rgba,
): Readonly<Record<string, Feed>> {
  const names = ports.map(shown).join(', ');
  if (typeof inputs !== 'object' || inputs === null) throw invalid(`Expected an object with ${names}.`);
  for (const name of Object.keys(inputs))
    if (!ports.some((p) => p.name === name))
      throw invalid(`No input is called "${name}"; there are ${names}.`);
  return Object.fromEntries(
    ports.map((port) => {
      const value = Object.hasOwn(inputs, port.name) ? inputs[port.name] : undefined;
      if (value === undefined) throw invalid(`Input ${shown(port)} is missing.`);
      return [port.name, toFeed(value, port, spec, read)];
    }),
  );
}

function toFeed(
  value: ModelInput,
  port: Port,
  spec: Preprocessing | null,
  read: (source: ImageSource) => Rgba,
): Feed {
  if (isImageSource(value)) {
    if (!spec)
      throw invalid(
        `Input ${shown(port)} takes numbers: this bundle says nothing about preprocessing pictures.`,
      );
    const { data, dims } = preprocess(read(value), spec);
    return {
      type: port.dtype,
      data: convert(data, port),
      dims: checked(fitRank(dims, port), data.length, port),
    };
  }
  if (typeof value === 'number' || typeof value === 'bigint')
    return {
      type: port.dtype,
      data: convert([value], port),
      dims: checked(port.shape?.map(() => 1) ?? [], 1, port),
    };
  if (ArrayBuffer.isView(value) || Array.isArray(value)) {
    const data = value as Data;
    return {
      type: port.dtype,
      data: convert(data, port),
      dims: checked(guessDims(data.length, port), data.length, port),
    };
  }
  const { data, dims } = (value ?? {}) as Partial<TensorLike>;
  if (!data || typeof data.length !== 'number' || !Array.isArray(dims))
    throw invalid(`Input ${shown(port)} takes an array, { data, dims } or a picture.`);
  return { type: port.dtype, data: convert(data, port), dims: checked(dims, data.length, port) };
}

/** The model's shape with its open dimensions filled in, when only one is open or all others are 1. */
function guessDims(length: number, port: Port): readonly number[] {
  if (!port.shape) return [length];
  const known = port.shape.reduce<number>((n, d) => (typeof d === 'number' ? n * d : n), 1);
  let rest = length / known;
  const open = port.shape.filter((d) => typeof d !== 'number').length;
  // A batch of one, where the batch is the first of two open dimensions.
  let skip = open === 2 && typeof port.shape[0] !== 'number' ? 1 : 0;
  if (open - skip > 1) throw invalid(`The shape of input ${shown(port)} is open: pass { data, dims }.`);
  return port.shape.map((d) => {
    if (typeof d === 'number') return d;
    if (skip-- > 0) return 1;
    const dim = rest;
    rest = 1;
    return dim;
  });
}

/** Models without a batch axis, or without a channel axis, have inputs of rank 3. */
function fitRank(dims: readonly number[], port: Port): readonly number[] {
  const shape = port.shape;
  if (shape?.length !== 3) return dims;
  const hasChannels = shape[0] === 3 || shape[2] === 3 || shape[2] === 1;
  const channelAxis = dims[1] === 1 ? 1 : 3;
  return hasChannels ? dims.slice(1) : dims.filter((_, axis) => axis !== channelAxis);
}

function checked(dims: readonly number[], length: number, port: Port): readonly number[] {
  const fits =
    dims.every((d) => Number.isInteger(d) && d >= 0) &&
    dims.reduce((a, b) => a * b, 1) === length &&
    (!port.shape ||
      (port.shape.length === dims.length &&
        port.shape.every((d, i) => typeof d !== 'number' || d === dims[i])));
  if (!fits) throw invalid(`Input ${shown(port)} doesn't fit ${length} values in shape [${dims.join(',')}].`);
  return dims;
}

function convert(data: Data, port: Port): Feed['data'] {
  const { dtype } = port;
  try {
    if (dtype === 'string') {
      if (Array.isArray(data) && data.every((v) => typeof v === 'string')) return data as string[];
      throw new TypeError('expected texts');
    }
    if (typeof data[0] === 'string') throw new TypeError('got texts');
    const numbers = data as ArrayLike<number>;
    if (dtype === 'int64')
      return data instanceof BigInt64Array ? data : BigInt64Array.from(numbers, (v) => BigInt(v));
    if (dtype === 'uint64')
      return data instanceof BigUint64Array ? data : BigUint64Array.from(numbers, (v) => BigInt(v));
    if (dtype === 'float16' && Half) return new Half(Array.from(numbers, Number));
    const Wanted = arrays[dtype as keyof typeof arrays];
    if (!Wanted) throw new TypeError('this browser has no array of that type');
    return data instanceof Wanted ? data : new Wanted(Array.from(numbers, Number));
  } catch (cause) {
    throw invalid(`Input ${shown(port)}: ${(cause as Error).message}.`);
  }
}

/** An output of onnxruntime without its half floats. */
export function toOutput(tensor: { type: string; data: unknown; dims: readonly number[] }): OutputTensor {
  const { type, dims } = tensor;
  if (type !== 'float16') return { type, data: tensor.data as OutputTensor['data'], dims };
  const data = tensor.data as ArrayLike<number>;
  if (data instanceof Uint16Array)
    throw new EdgepressError('RUN_FAILED', 'An output is float16, which this browser has no array for.');
  return { type: 'float32', data: Float32Array.from(data), dims };
}
