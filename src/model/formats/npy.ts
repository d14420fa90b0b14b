/** NumPy's .npy arrays and .npz archives ↔ Tensor. Source: numpy.lib.format, versions 1 to 3. */
import { zipSync } from 'fflate';
import { npyDtype, npyMalformed } from '../../support/diagnostics/files.ts';
import { byteLength, type DType, dtypes } from '../ir/dtype.ts';
import { denseTensor, elementCount, type Tensor } from '../ir/tensor.ts';
import { unzipWithin } from './zip.ts';

/** Element types by the kind and size in `descr`. */
const types: Readonly<Record<string, DType>> = {
  f2: 'float16',
  f4: 'float32',
  f8: 'float64',
  i1: 'int8',
  i2: 'int16',
  i4: 'int32',
  i8: 'int64',
  u1: 'uint8',
  u2: 'uint16',
  u4: 'uint32',
  u8: 'uint64',
  b1: 'bool',
};
const known = Object.keys(types).join(', ');

const MAGIC = '\x93NUMPY';

/** Reads one array. The result views `bytes` when the file is little-endian and in C order.
 *  @param name  how messages call the file
 *  @throws NPY_MALFORMED, NPY_DTYPE */
export function decodeNpy(bytes: Uint8Array, name = 'The array'): Tensor {
  const { descr, fortran, shape, dataAt } = readHeader(bytes, name);
  const dtype = types[descr.replace(/^[<>=|]/, '')];
  if (!dtype) throw npyDtype(name, descr, known);
  const needed = byteLength(dtype, elementCount(shape));
  if (!Number.isSafeInteger(needed) || bytes.length - dataAt < needed)
    throw npyMalformed(
      name,
      `[${shape.join(',')}] of ${dtype} needs ${needed} bytes; ${bytes.length - dataAt} are there`,
    );
  let data = bytes.subarray(dataAt, dataAt + needed);
  const width = dtypes[dtype].bits / 8;
  if (descr.startsWith('>') && width > 1) data = swapBytes(data, width);
  if (fortran && shape.length > 1) data = toRowMajor(data, shape, width);
  return denseTensor(dtype, shape, data, name);
}

interface Header {
  readonly descr: string;
  readonly fortran: boolean;
  readonly shape: number[];
  readonly dataAt: number;
}

function readHeader(bytes: Uint8Array, name: string): Header {
  if (bytes.length < 12 || latin1(bytes.subarray(0, 6)) !== MAGIC)
    throw npyMalformed(name, 'it does not begin as one');
  const version = bytes[6]!;
  if (version < 1 || version > 3)
    throw npyMalformed(name, `its format version is ${version}; 1 to 3 are known`);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const headerAt = version === 1 ? 10 : 12;
  const dataAt = headerAt + (version === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (dataAt > bytes.length) throw npyMalformed(name, 'its header is cut off');
  const header = new TextDecoder().decode(bytes.subarray(headerAt, dataAt));
  const descr = /['"]descr['"]\s*:\s*['"]([^'"]*)['"]/.exec(header)?.[1];
  const order = /['"]fortran_order['"]\s*:\s*(True|False)/.exec(header)?.[1];
  const shape = /['"]shape['"]\s*:\s*\(([\dL,\s]*)\)/.exec(header)?.[1];
  if (descr === undefined && /['"]descr['"]\s*:\s*\[/.test(header))
    throw npyDtype(name, 'record (structured)', known);
  if (descr === undefined || order === undefined || shape === undefined)
    throw npyMalformed(name, `its header is ${JSON.stringify(header.slice(0, 120).trim())}`);
  // Python 2 wrote long integers as 3L.
  const dims = shape.split(',').flatMap((d) => (d.trim() === '' ? [] : [Number.parseInt(d, 10)]));
  return { descr, fortran: order === 'True', shape: dims, dataAt };
}

function swapBytes(data: Uint8Array, width: number): Uint8Array {
  const swapped = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += width)
    for (let k = 0; k < width; k++) swapped[i + k] = data[i + width - 1 - k]!;
  return swapped;
}

/** Column-major to row-major: walks the target in order, keeping the source position by strides. */
function toRowMajor(data: Uint8Array, shape: readonly number[], width: number): Uint8Array {
  const moved = new Uint8Array(data.length);
  const strides = shape.map((_, axis) => width * elementCount(shape.slice(0, axis)));
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < data.length; to += width) {
    for (let k = 0; k < width; k++) moved[to + k] = data[from + k]!;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      from -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
  return moved;
}

/** Writes one array, version 1. @throws NPY_DTYPE for element types that NumPy lacks */
export function encodeNpy(tensor: Tensor): Uint8Array {
  const code = Object.entries(types).find(([, dtype]) => dtype === tensor.dtype)?.[0];
  if (!code) throw npyDtype('The tensor', tensor.dtype, known);
  const order = dtypes[tensor.dtype].bits === 8 ? '|' : '<';
  const shape = tensor.dims.length === 1 ? `${tensor.dims[0]},` : tensor.dims.join(', ');
  const text = `{'descr': '${order}${code}', 'fortran_order': False, 'shape': (${shape}), }`;
  // Data begin at a multiple of 64 bytes, so that they can be mapped.
  const length = Math.ceil((10 + text.length + 1) / 64) * 64 - 10;
  const content = tensor.bytes();
  const out = new Uint8Array(10 + length + content.length);
  const header = `${MAGIC}\x01\x00${String.fromCharCode(length & 255, length >> 8)}${text.padEnd(length - 1)}\n`;
  for (let i = 0; i < header.length; i++) out[i] = header.charCodeAt(i);
  out.set(content, 10 + length);
  return out;
}

/** Writes arrays as NumPy's `savez` does, uncompressed; the same bytes for the same arrays. Each says in a comment, which readers pass
 *  over, that it is ours. @throws NPY_DTYPE */
export function encodeNpz(arrays: ReadonlyMap<string, Tensor>): Uint8Array {
  const entries = [...arrays].map(([name, tensor]) => [`${name}.npy`, encodeNpy(tensor)]);
  return zipSync(Object.fromEntries(entries), {
    level: 0,
    mtime: new Date(1980, 0, 1),
    comment: 'made by edgepress',
  });
}

/** The arrays of an archive by name, without `.npy`, in the order of the archive. Entries that aren't arrays are
 *  left out.
 *  @throws NPY_MALFORMED, NPY_DTYPE naming the entry */
export function decodeNpz(bytes: Uint8Array, name = 'The archive'): Map<string, Tensor> {
  if (latin1(bytes.subarray(0, 2)) !== 'PK') throw npyMalformed(name, 'it is not a zip archive');
  const isArray = (path: string) => path.endsWith('.npy');
  const entries = unzipWithin(bytes, isArray, (reason) => npyMalformed(name, reason));
  return new Map(
    Object.entries(entries).map(([entry, content]) => [
      entry.replace(/\.npy$/, ''),
      decodeNpy(content, `${name}, entry ${entry}`),
    ]),
  );
}

const latin1 = (bytes: Uint8Array) => String.fromCharCode(...bytes);
