/** Strings of a model are bytes, usually but not always UTF-8. Bytes that are not stand in the text as the lone
 *  surrogates U+DC80 to U+DCFF (Python's "surrogateescape"), so that a text in memory loses nothing. */

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function textFromBytes(bytes: Uint8Array): string {
  return decode(bytes) ?? decodePieces(bytes);
}

export function bytesFromText(text: string): Uint8Array {
  const encoder = new TextEncoder();
  if (!/[\uD800-\uDFFF]/u.test(text)) return encoder.encode(text);
  const parts = text.split(/([\uDC80-\uDCFF])/u);
  return Uint8Array.from(
    parts.flatMap((part, i) => (i % 2 ? [part.charCodeAt(0) - 0xdc00] : [...encoder.encode(part)])),
  );
}

function decode(bytes: Uint8Array): string | null {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

function decodePieces(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const lead = bytes[at]!;
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const piece = decode(bytes.subarray(at, at + length));
    text += piece ?? String.fromCharCode(0xdc00 + lead);
    at += piece === null ? 1 : length;
  }
  return text;
}
