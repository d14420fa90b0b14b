/** Cuts a file into pieces that caches and proxies accept. Joined in order they are the file again. */

/** Many hosts and caches refuse single files beyond 25 MB. */
export const defaultShardBytes = 20e6;

interface Shard {
  readonly path: string;
  /** A view; nothing is copied. */
  readonly bytes: Uint8Array;
}

/** One file under its own name where it fits, else n pieces of about equal size, `<path>.part1of3`.
 *  @param limit  bytes a piece may have; Infinity keeps every file whole */
export function cutIntoShards(path: string, bytes: Uint8Array, limit: number): Shard[] {
  const count = Math.max(1, Math.ceil(bytes.length / limit));
  if (count === 1) return [{ path, bytes }];
  const each = Math.ceil(bytes.length / count);
  const digits = String(count).length;
  return Array.from({ length: count }, (_, i) => ({
    path: `${path}.part${String(i + 1).padStart(digits, '0')}of${count}`,
    bytes: bytes.subarray(i * each, Math.min(bytes.length, (i + 1) * each)),
  }));
}
