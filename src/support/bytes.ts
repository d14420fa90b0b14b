/** Bytes that come in pieces. */

/** @param sizeBytes  of all pieces together, which need not all be there at once */
export function concatenated(pieces: Iterable<Uint8Array>, sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
