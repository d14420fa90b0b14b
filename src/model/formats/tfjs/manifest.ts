/** Weights of a TensorFlow.js model: groups of files, each group one stream of bytes in which its tensors follow one another
 *  without gaps. A tensor may start at any byte and go on in the next file; what follows the last is left unread.
 *  Source: tfjs-core src/io/io_utils.ts, decodeWeights. */
import { z } from 'zod';
import { concatenated } from '../../../support/bytes.ts';
import { externalDataUnavailable } from '../../../support/diagnostics/model-files.ts';
import { tfjsMalformed, tfjsWeightsShort } from '../../../support/diagnostics/tfjs.ts';
import { byteLength, type DType } from '../../ir/dtype.ts';
import { denseTensor, elementCount, lazyTensor, stringTensor, type Tensor } from '../../ir/tensor.ts';
import type { TensorSource } from '../onnx/tensors.ts';
import { largestRank, listOf } from './limits.ts';
import { expandWeight, type NarrowType, quantizationSchema, storedBytes } from './quantised-weights.ts';

const entrySchema = z.object({
  name: z.string(),
  shape: z.array(z.number().int().nonnegative()).max(largestRank),
  dtype: z.enum(['float32', 'int32', 'bool', 'string', 'complex64']),
  /** 'optimizer': state of training. */
  group: z.string().nullish(),
  quantization: quantizationSchema.nullish(),
});

export const manifestSchema = listOf(z.object({ paths: listOf(z.string()), weights: listOf(entrySchema) }));

export type WeightsManifest = z.infer<typeof manifestSchema>;
type Group = WeightsManifest[number];
export type WeightEntry = z.infer<typeof entrySchema>;

export interface Weights {
  /** By name; the state of an optimizer is left out. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The files that hold them, relative to the model's folder. */
  readonly files: readonly string[];
  /** In which types weights are stored that are float32 from now on. */
  readonly expanded: readonly NarrowType[];
}

/** Tensors that are read while a model is opened; larger ones are read when they are asked for. */
const eagerBytes = 1 << 16;

/** @throws TFJS_MALFORMED, TFJS_WEIGHTS_SHORT, EXTERNAL_DATA_… */
export function readWeights(manifest: WeightsManifest, source: TensorSource, file: string): Weights {
  const tensors = new Map<string, Tensor>();
  const expanded = new Set<NarrowType>();
  for (const group of manifest) {
    const stream = openGroup(group, source, file);
    let at = 0;
    for (const entry of group.weights) {
      const { tensor, end } = readEntry(entry, stream, at, file);
      at = end;
      if (entry.group === 'optimizer') continue;
      if (entry.quantization && entry.dtype === 'float32') expanded.add(entry.quantization.dtype);
      if (tensors.has(entry.name)) throw tfjsMalformed(file, `it has two weights "${entry.name}"`);
      tensors.set(entry.name, tensor);
    }
  }
  return { tensors, files: filesOf(manifest), expanded: [...expanded].sort() };
}

/** The files of all groups, relative to the model's folder. */
export const filesOf = (manifest: WeightsManifest): string[] => [
  ...new Set(manifest.flatMap(({ paths }) => paths.map(locationOf))),
];

const locationOf = (path: string) => path.replace(/^(\.\/)+/, '');

interface Stream {
  readonly parts: readonly { readonly location: string; readonly start: number; readonly end: number }[];
  readonly sizeBytes: number;
  /** @throws TFJS_WEIGHTS_SHORT beyond the end */
  read(weight: string, from: number, to: number): Uint8Array;
}

function openGroup({ paths, weights }: Group, source: TensorSource, file: string): Stream {
  const what = weights[0] ? `Weight "${weights[0].name}"` : file;
  let at = 0;
  const parts = paths.map((path) => {
    const location = locationOf(path);
    if (!source.sizeOf) throw externalDataUnavailable(what, location);
    const start = at;
    at += source.sizeOf(location, what);
    return { location, start, end: at };
  });
  const read = (location: string, offset: number, length: number) => {
    if (!source.external) throw externalDataUnavailable(what, location);
    return source.external({ location, offset, length });
  };
  return {
    parts,
    sizeBytes: at,
    read(weight, from, to) {
      if (to > at) throw tfjsWeightsShort(weight, paths, to, at);
      const pieces = parts
        .filter((part) => part.start < to && part.end > from)
        .map(({ location, start, end }) => {
          const first = Math.max(from, start);
          return read(location, first - start, Math.min(to, end) - first);
        });
      return pieces.length === 1 ? pieces[0]! : concatenated(pieces, to - from);
    },
  };
}

function readEntry(entry: WeightEntry, stream: Stream, from: number, file: string) {
  const { name, shape, quantization } = entry;
  const count = elementCount(shape);
  if (!Number.isSafeInteger(count)) throw tfjsMalformed(file, `weight "${name}" has the shape [${shape}]`);
  if (entry.dtype === 'string') return readStrings(entry, stream, from);
  const dtype: DType = entry.dtype;
  const expanded = dtype === 'int32' ? 'int32' : 'float32';
  if (quantization && (dtype !== expanded || (dtype === 'int32' && quantization.dtype === 'float16')))
    throw tfjsMalformed(file, `weight "${name}" is ${dtype} stored as ${quantization.dtype}`);
  const end = from + (quantization ? storedBytes(quantization, count) : byteLength(dtype, count));
  if (end > stream.sizeBytes)
    throw tfjsWeightsShort(
      name,
      stream.parts.map((part) => part.location),
      end,
      stream.sizeBytes,
    );
  const bytes = () => {
    const stored = stream.read(name, from, end);
    return quantization ? expandWeight(stored, expanded, quantization) : stored;
  };
  const tensor =
    end - from <= eagerBytes ? denseTensor(dtype, shape, bytes(), name) : lazyTensor(dtype, shape, bytes);
  return { tensor, end };
}

/** Each element: its length in bytes as uint32, then its bytes. */
function readStrings({ name, shape }: WeightEntry, stream: Stream, from: number) {
  const strings: Uint8Array[] = [];
  let at = from;
  for (let i = 0; i < elementCount(shape); i++) {
    const length = stream.read(name, at, at + 4);
    const size = new DataView(length.buffer, length.byteOffset, 4).getUint32(0, true);
    strings.push(stream.read(name, at + 4, at + 4 + size));
    at += 4 + size;
  }
  return { tensor: stringTensor(shape, strings), end: at };
}
