/** The idx format of MNIST: a magic number (type, rank), big-endian sizes, then bytes. Pure; gunzipped by
 *  the caller.
 *  @see yann.lecun.com/exdb/mnist */
import { dataUnreadable } from '../support/diagnostics/data.ts';

interface IdxImages {
  readonly count: number;
  readonly height: number;
  readonly width: number;
  readonly channels: 1 | 3;
  /** Row by row, channels last. */
  readonly data: Uint8Array;
}

/** Unsigned-byte pictures [N,H,W] or [N,H,W,3].
 *  @throws DATA_UNREADABLE when it is none, or is cut short */
export function decodeIdxImages(bytes: Uint8Array, where: string): IdxImages {
  const { dims, data } = decodeIdx(bytes, where);
  const [count, height, width, depth = 1] = dims;
  if (dims.length < 3 || dims.length > 4 || (depth !== 1 && depth !== 3))
    throw unreadable(where, `idx array [${dims.join(',')}] is not pictures`);
  return { count: count!, height: height!, width: width!, channels: depth, data };
}

/** One unsigned byte for each sample.
 *  @throws DATA_UNREADABLE */
export function decodeIdxLabels(bytes: Uint8Array, where: string): readonly number[] {
  const { dims, data } = decodeIdx(bytes, where);
  if (dims.length !== 1) throw unreadable(where, `idx array [${dims.join(',')}] is not a list of labels`);
  return Array.from(data);
}

function decodeIdx(bytes: Uint8Array, where: string) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rank = bytes[3] ?? 0;
  const start = 4 + 4 * rank;
  if (bytes.length < start || bytes[0] !== 0 || bytes[1] !== 0 || bytes[2] !== 0x08 || rank === 0)
    throw unreadable(where, 'not an idx file of unsigned bytes');
  const dims = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  const needed = dims.reduce((a, b) => a * b, 1);
  if (bytes.length - start !== needed)
    throw unreadable(where, `${needed} bytes announced, ${bytes.length - start} there`);
  return { dims, data: bytes.subarray(start) };
}

const unreadable = (where: string, why: string) => dataUnreadable(where, new Error(why));
