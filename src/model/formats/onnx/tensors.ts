/** TensorProto ↔ Tensor. Content in the typed fields (float_data …) becomes little-endian bytes; raw_data is viewed. */

import { tensorBytes } from '../../../support/diagnostics/graph.ts';
import {
  externalDataShort,
  externalDataUnavailable,
  onnxMalformed,
  tensorDims,
} from '../../../support/diagnostics/model-files.ts';
import type { SparseTensor } from '../../ir/attribute.ts';
import { type DType, dtypeFromCode, dtypes } from '../../ir/dtype.ts';
import {
  denseTensor,
  type ExternalLocation,
  elementCount,
  externalTensor,
  sizeBytes,
  stringTensor,
  type Tensor,
  type TypedArray,
} from '../../ir/tensor.ts';
import { bigintOf, type onnx, parseMessage, proto, unknownOf, wireInts, withUnknown } from './wire.ts';

/** Reads the bytes of external data when they are needed. */
export type ReadExternal = (location: ExternalLocation) => Uint8Array;

export interface TensorSource {
  readonly external?: ReadExternal | undefined;
  /** Called once for each external tensor when the model is opened; throws when the data can't be there. */
  readonly checkExternal?: ((location: ExternalLocation, what: string) => void) | undefined;
  /** Bytes that a file beside the model has; throws when it can't be opened. */
  readonly sizeOf?: ((location: string, what: string) => number) | undefined;
}

/** Where the writer should put a tensor instead of into the message; undefined: into the message. */
export type PlaceExternal = (tensor: Tensor, name: string) => ExternalLocation | undefined;

/** Fields without a place in Tensor, by the (immutable, shared) tensor they came with. */
interface TensorNotes {
  readonly name: string;
  readonly doc: string;
  readonly segment: onnx.TensorProto.ISegment | undefined;
  readonly unknown: readonly Uint8Array[];
}
const notes = new WeakMap<Tensor | SparseTensor, Partial<TensorNotes>>();

const EXTERNAL = 1;

/** @param what  how messages name the tensor
 *  @throws UNKNOWN_DTYPE, TENSOR_BYTES, TENSOR_DIMS, EXTERNAL_DATA_… */
export function decodeTensor(message: onnx.ITensorProto, what: string, source: TensorSource): Tensor {
  const dtype = dtypeFromCode(message.dataType ?? 0, what);
  const dims = decodeDims(message.dims ?? [], what);
  const tensor = content(message, dtype, dims, what, source);
  const unknown = unknownOf(message);
  if (message.name || message.docString || message.segment || unknown.length > 0)
    notes.set(tensor, {
      name: message.name ?? '',
      doc: message.docString ?? '',
      segment: message.segment ?? undefined,
      unknown,
    });
  return tensor;
}

/** A serialised TensorProto, as in ONNX's test vectors (`input_0.pb`).
 *  @throws ONNX_MALFORMED and what a tensor of a model can throw */
export function decodeTensorProto(bytes: Uint8Array, name = 'The tensor file'): Tensor {
  return decodeTensor(parseMessage(proto.TensorProto, bytes, name), name, {});
}

function decodeDims(raw: readonly unknown[], what: string): number[] {
  const dims = raw.map((d) => Number(bigintOf(d)));
  if (!dims.every((d) => d >= 0) || !Number.isSafeInteger(elementCount(dims))) throw tensorDims(what, dims);
  return dims;
}

function content(
  message: onnx.ITensorProto,
  dtype: DType,
  dims: number[],
  what: string,
  source: TensorSource,
): Tensor {
  if (message.dataLocation === EXTERNAL) return external(message, dtype, dims, what, source);
  if (dtype === 'string') {
    const strings = message.stringData ?? [];
    if (strings.length !== elementCount(dims)) throw tensorBytes(what, elementCount(dims), strings.length);
    return stringTensor(dims, strings);
  }
  if (
    Object.hasOwn(message, 'rawData') &&
    message.rawData &&
    !(message.rawData.length === 0 && typed(message))
  )
    return denseTensor(dtype, dims, message.rawData, what);
  const array = fromFields(message, dtype);
  return denseTensor(dtype, dims, new Uint8Array(array.buffer, array.byteOffset, array.byteLength), what);
}

const typed = (m: onnx.ITensorProto) =>
  [m.floatData, m.doubleData, m.int32Data, m.int64Data, m.uint64Data].some((list) => list && list.length > 0);

/** Which field holds which type: onnx.proto, TensorProto. 16-bit floats are bit patterns, sub-byte types come
 *  packed, a byte in each entry. */
function fromFields(m: onnx.ITensorProto, dtype: DType): TypedArray {
  if (dtype === 'float32' || dtype === 'complex64') return Float32Array.from(m.floatData ?? []);
  if (dtype === 'float64' || dtype === 'complex128') return Float64Array.from(m.doubleData ?? []);
  if (dtype === 'int64') return BigInt64Array.from(m.int64Data ?? [], bigintOf);
  if (dtype === 'uint64') return BigUint64Array.from(m.uint64Data ?? [], bigintOf);
  if (dtype === 'uint32') return Uint32Array.from(m.uint64Data ?? [], (v) => Number(bigintOf(v)));
  const entries = m.int32Data ?? [];
  if (dtype === 'int32') return Int32Array.from(entries);
  return dtypes[dtype].bits === 16 ? Uint16Array.from(entries) : Uint8Array.from(entries);
}

function external(
  message: onnx.ITensorProto,
  dtype: DType,
  dims: number[],
  what: string,
  source: TensorSource,
): Tensor {
  const entries = new Map((message.externalData ?? []).map((e) => [e.key ?? '', e.value ?? '']));
  const needed = Math.ceil((elementCount(dims) * dtypes[dtype].bits) / 8);
  const number = (key: string, fallback: number) => {
    const text = entries.get(key);
    const value = text ? Number(text) : fallback;
    if (!Number.isSafeInteger(value) || value < 0)
      throw onnxMalformed(what, `its external data has ${key} "${text}"`);
    return value;
  };
  const location: ExternalLocation = {
    location: entries.get('location') ?? '',
    offset: number('offset', 0),
    length: number('length', needed),
  };
  return tensorBeside(location, dtype, dims, what, source);
}

/** A tensor whose elements lie in a file beside the model.
 *  @throws TENSOR_BYTES when so many bytes are not its elements, and what the source's check throws */
export function tensorBeside(
  location: ExternalLocation,
  dtype: DType,
  dims: readonly number[],
  what: string,
  source: TensorSource,
): Tensor {
  const needed = Math.ceil((elementCount(dims) * dtypes[dtype].bits) / 8);
  if (location.length !== needed || dtype === 'string') throw tensorBytes(what, needed, location.length);
  source.checkExternal?.(location, what);
  return externalTensor(dtype, dims, location, () => {
    if (!source.external) throw externalDataUnavailable(what, location.location);
    const bytes = source.external(location);
    if (bytes.length !== needed) throw externalDataShort(what, location.location, needed, bytes.length);
    return bytes;
  });
}

/** @param name  name in the message; by default the one that the tensor was read with */
export function encodeTensor(tensor: Tensor, name?: string, place?: PlaceExternal): onnx.ITensorProto {
  const kept = notes.get(tensor);
  const label = name ?? kept?.name ?? '';
  const message: onnx.ITensorProto = { dims: wireInts(tensor.dims), dataType: dtypes[tensor.dtype].code };
  if (label) message.name = label;
  if (kept?.doc) message.docString = kept.doc;
  if (kept?.segment) message.segment = kept.segment;
  const at = tensor.strings ? undefined : place?.(tensor, label);
  if (tensor.strings) message.stringData = [...tensor.strings];
  else if (at) {
    message.dataLocation = EXTERNAL;
    message.externalData = [
      { key: 'location', value: at.location },
      { key: 'offset', value: String(at.offset) },
      { key: 'length', value: String(at.length) },
    ];
  } else {
    message.rawData = tensor.bytes();
    if (message.rawData.length !== sizeBytes(tensor))
      throw tensorBytes(label || 'A tensor', sizeBytes(tensor), message.rawData.length);
  }
  return withUnknown(message, kept?.unknown);
}

/** @throws ONNX_MALFORMED without values or indices, and what tensors can throw */
export function decodeSparse(
  message: onnx.ISparseTensorProto,
  what: string,
  source: TensorSource,
): SparseTensor {
  if (!message.values || !message.indices)
    throw onnxMalformed(what, 'a sparse tensor lacks values or indices');
  const sparse: SparseTensor = {
    dims: decodeDims(message.dims ?? [], what),
    values: decodeTensor(message.values, `${what} (values)`, source),
    indices: decodeTensor(message.indices, `${what} (indices)`, source),
    name: message.values.name || undefined,
  };
  const unknown = unknownOf(message);
  if (unknown.length > 0) notes.set(sparse, { unknown });
  return sparse;
}

export const encodeSparse = (sparse: SparseTensor, name = sparse.name): onnx.ISparseTensorProto =>
  withUnknown(
    {
      values: encodeTensor(sparse.values, name),
      indices: encodeTensor(sparse.indices),
      dims: wireInts(sparse.dims),
    },
    notes.get(sparse)?.unknown,
  );

/** metadata_props of a TensorProto. */
const METADATA = 16;

/** The tensor with its documentation and metadata changed; the same one where it has none that change.
 *  @param change  what becomes of a text, and of fields of which one number holds entries of metadata */
export function withTensorTexts(
  tensor: Tensor,
  change: {
    readonly text: (text: string) => string;
    readonly fields: (fields: readonly Uint8Array[], number: number) => readonly Uint8Array[] | undefined;
  },
): Tensor {
  const kept = notes.get(tensor);
  if (!kept?.doc && !kept?.unknown?.length) return tensor;
  const copy = { ...tensor };
  notes.set(copy, {
    ...kept,
    doc: change.text(kept.doc ?? ''),
    unknown: change.fields(kept.unknown ?? [], METADATA) ?? [],
  });
  return copy;
}
