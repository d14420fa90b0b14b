/** Bytes of a file as text, in UTF-8 alone. */
import { textEncoding } from '../../support/diagnostics/sample-files.ts';

/** Bytes that are looked at for what else it may be. */
const looked = 4096;

/** @returns the text without a byte order mark
 *  @throws TEXT_ENCODING naming the encoding that it probably is */
export function decodeText(bytes: Uint8Array, name: string): string {
  const [a, b] = bytes;
  if (a === 0xff && b === 0xfe) throw textEncoding(name, 'UTF-16LE');
  if (a === 0xfe && b === 0xff) throw textEncoding(name, 'UTF-16BE');
  const head = bytes.subarray(0, looked);
  // Latin letters in 16 bits are zeros every other byte, which is valid UTF-8.
  const zeros = (rest: number) => head.filter((byte, i) => byte === 0 && i % 2 === rest).length;
  const [even, odd] = [zeros(0), zeros(1)];
  if (even + odd > head.length / 8) throw textEncoding(name, odd > even ? 'UTF-16LE' : 'UTF-16BE');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw textEncoding(name, 'ISO-8859-1');
  }
}
