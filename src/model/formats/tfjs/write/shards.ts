/** Weights as the files of one group: one stream of bytes, cut into shards. */
import type { WeightData } from './graph.ts';

/** What browsers cache well, and what Google's converter writes. */
export const shardBytes = 4 * 1024 * 1024;

const bytesPerElement = { float16: 2, uint8: 1, uint16: 2 } as const;

export function storedBytes(weight: WeightData): number {
  const count = weight.dims.reduce((a, b) => a * b, 1);
  if (weight.stored !== 'plain') return count * bytesPerElement[weight.stored];
  return count * (weight.dtype === 'bool' ? 1 : 4);
}

/** Names of the shards of so many bytes: group1-shard1of3.bin. */
export function shardNames(totalBytes: number): string[] {
  const count = Math.ceil(totalBytes / shardBytes);
  return Array.from({ length: count }, (_, i) => `group1-shard${i + 1}of${count}.bin`);
}

/** The bytes of one shard, in pieces; tensors are asked for one at a time. */
export function* shardPieces(weights: readonly WeightData[], index: number): Generator<Uint8Array> {
  const [from, to] = [index * shardBytes, (index + 1) * shardBytes];
  let at = 0;
  for (const weight of weights) {
    const size = storedBytes(weight);
    const [begin, end] = [Math.max(from, at), Math.min(to, at + size)];
    if (begin < end) yield weight.bytes().subarray(begin - at, end - at);
    at += size;
  }
}
