/** A file of ours as readers of others see it. */
export function withoutOwnEntries(bytes: Uint8Array): Uint8Array {
  const foreign = Uint8Array.from(bytes);
  const text = Buffer.from(foreign.buffer);
  for (let at = text.indexOf('edgepress.'); at >= 0; at = text.indexOf('edgepress.', at + 1)) text[at] = 0x45;
  return foreign;
}
