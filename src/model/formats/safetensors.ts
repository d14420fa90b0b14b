/** The safetensors format: named tensors, a JSON header, no code. Checkpoints are kept in it.
 *  Source: huggingface/safetensors, format description of version 0.4. */

import { safetensorsInvalid } from '../../support/diagnostics/training.ts';
import { byteLength, type DType } from '../ir/dtype.ts';
import { denseTensor, elementCount, type Tensor } from '../ir/tensor.ts';

const names: Readonly<Partial<Record<DType, string>>> = {
  float64: 'F64',
  float32: 'F32',
  float16: 'F16',
  bfloat16: 'BF16',
  int64: 'I64',
  int32: 'I32',
  int16: 'I16',
  int8: 'I8',
  uint64: 'U64',
  uint32: 'U32',
  uint16: 'U16',
  uint8: 'U8',
  bool: 'BOOL',
};
const dtypes = new Map(Object.entries(names).map(([dtype, name]) => [name, dtype as DType]));

interface SafeTensors {
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Header length (8 bytes), header, tensors in the order given, each aligned to 8 bytes of the file.
 *  @throws SAFETENSORS_INVALID for a dtype that the format lacks, and for a tensor named like its metadata */
export function encodeSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  // Without a prototype, so that no name of a tensor is special.
  const header: Record<string, unknown> = Object.assign(Object.create(null), { __metadata__: metadata });
  let offset = 0;
  // Widest first keeps every tensor aligned without gaps, which the format forbids.
  const order = Object.entries(tensors).sort(([, a], [, b]) => width(b) - width(a));
  for (const [name, t] of order) {
    const dtype = names[t.dtype];
    if (!dtype) throw safetensorsInvalid(`it has no ${t.dtype} ("${name}")`);
    if (name === '__metadata__') throw safetensorsInvalid('a tensor cannot be called __metadata__');
    const end = offset + byteLength(t.dtype, elementCount(t.dims));
    header[name] = { dtype, shape: t.dims, data_offsets: [offset, end] };
    offset = end;
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const size = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(8 + size + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(size), true);
  bytes.fill(0x20, 8, 8 + size);
  bytes.set(text, 8);
  let at = 8 + size;
  for (const [, t] of order) {
    const content = t.bytes();
    bytes.set(content, at);
    at += content.length;
  }
  return bytes;
}

const width = (t: Tensor) => byteLength(t.dtype, 8);

/** Views the bytes; nothing is copied. @throws SAFETENSORS_INVALID for anything but a whole, sound file */
export function decodeSafetensors(bytes: Uint8Array): SafeTensors {
  if (bytes.length < 8) throw safetensorsInvalid('it ends within its first 8 bytes');
  const size = Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
  if (size > bytes.length - 8) throw safetensorsInvalid('its header is longer than the file');
  const header = parse(bytes.subarray(8, 8 + size));
  const data = bytes.subarray(8 + size);
  const tensors: Record<string, Tensor> = Object.create(null);
  const spans: [number, number][] = [];
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
    const type = dtypes.get(String(dtype));
    if (!type || !isList(shape) || !isList(offsets) || offsets.length !== 2)
      throw safetensorsInvalid(`the entry of "${name}" is malformed`);
    const [from, to] = offsets as [number, number];
    if (from > to || to > data.length || to - from !== byteLength(type, elementCount(shape)))
      throw safetensorsInvalid(`"${name}" does not lie within the file`);
    tensors[name] = denseTensor(type, shape, data.subarray(from, to), name);
    spans.push([from, to]);
  }
  let end = 0;
  for (const [from, to] of spans.sort(([a, b], [c, d]) => a - c || b - d)) {
    if (from !== end) throw safetensorsInvalid('its tensors overlap or leave gaps');
    end = to;
  }
  if (end !== data.length) throw safetensorsInvalid('it goes on after its last tensor');
  const metadata = header['__metadata__'] ?? {};
  if (!isTexts(metadata)) throw safetensorsInvalid('its metadata are not texts');
  return { tensors, metadata };
}

const isTexts = (v: unknown): v is Record<string, string> =>
  typeof v === 'object' && !Array.isArray(v) && Object.values(v ?? {}).every((t) => typeof t === 'string');

const isList = (v: unknown): v is number[] =>
  Array.isArray(v) && v.every((n) => Number.isSafeInteger(n) && n >= 0);

function parse(bytes: Uint8Array): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof header === 'object' && header !== null && !Array.isArray(header))
      return header as Record<string, unknown>;
  } catch (error) {
    throw safetensorsInvalid('its header is not JSON', error);
  }
  throw safetensorsInvalid('its header is not an object');
}
