/** Zip archives, unpacked within bounds: what they would hold is known from their directory before anything is unpacked. */
import { type UnzipFileInfo, unzipSync } from 'fflate';
import { Diagnostic } from '../../support/diagnostics.ts';

/** Deflate makes at most 1032 bytes of one. */
const largestRatio = 1032;
/** More than this isn't unpacked into memory: of any archive, and for each byte of it. Weights shrink little, those that are
 *  mostly zeros ten or twenty times. */
const smallestLimit = 2 ** 26;
const likelyRatio = 64;
const largestBytes = 2 ** 31;

/** The files of an archive by their paths, in its order.
 *  @param wanted  whether to unpack it; folders are left out anyway
 *  @param malformed  the diagnostic for an archive that is cut off, or claims more than it can hold */
export function unzipWithin(
  bytes: Uint8Array,
  wanted: (path: string) => boolean,
  malformed: (reason: string) => Error,
): Record<string, Uint8Array> {
  let [packed, total] = [0, 0];
  const filter = ({ name, size, originalSize }: UnzipFileInfo) => {
    if (!wanted(name) || name.endsWith('/')) return false;
    packed += size;
    total += originalSize;
    if (packed > bytes.length)
      throw malformed(`with "${name}" its entries are longer than the archive: they overlap`);
    if (
      originalSize > largestRatio * size + 64 ||
      total > Math.min(largestBytes, smallestLimit + likelyRatio * bytes.length)
    )
      throw malformed(`with "${name}" it claims to hold ${total} bytes`);
    return true;
  };
  try {
    // Sizes are those that the directory claims, and a filter sees them before its entry is unpacked: all of them first.
    unzipSync(bytes, { filter: (entry) => filter(entry) && false });
    [packed, total] = [0, 0];
    return unzipSync(bytes, { filter });
  } catch (error) {
    if (error instanceof Diagnostic) throw error;
    throw malformed(error instanceof Error ? error.message : String(error));
  }
}
