/** One message with its binary parts in one body: length of the header (uint32, little-endian), the header as JSON in
 *  which each Uint8Array is { "$bytes": [offset, length] }, then the bytes, each part aligned to 8. */

const alignment = 8;
const aligned = (n: number) => Math.ceil(n / alignment) * alignment;

export function encodeFrame(value: unknown): Uint8Array<ArrayBuffer> {
  const parts: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  let end = 0;
  const place = (bytes: Uint8Array) => {
    const at = end;
    parts.push({ at, bytes });
    end = aligned(at + bytes.length);
    return { $bytes: [at, bytes.length] };
  };
  // `this` holds what was there before a toJSON of the value, which Node's Buffer has.
  const header = JSON.stringify(value, function (this: Record<string, unknown>, key, replaced: unknown) {
    const original = this[key];
    return original instanceof Uint8Array ? place(original) : replaced;
  });
  const text = new TextEncoder().encode(header);
  const start = aligned(4 + text.length);
  const frame = new Uint8Array(start + end);
  new DataView(frame.buffer).setUint32(0, text.length, true);
  frame.set(text, 4);
  for (const { at, bytes } of parts) frame.set(bytes, start + at);
  return frame;
}

/** Binary parts are views of `frame`. @throws RangeError or SyntaxError for what encodeFrame did not write */
export function decodeFrame(frame: Uint8Array): unknown {
  const length = new DataView(frame.buffer, frame.byteOffset, frame.byteLength).getUint32(0, true);
  if (4 + length > frame.length) throw new RangeError('The header is longer than the message.');
  const start = aligned(4 + length);
  return JSON.parse(new TextDecoder().decode(frame.subarray(4, 4 + length)), (_, value: unknown) => {
    if (!isPlace(value)) return value;
    const [at, size] = value.$bytes;
    if (at < 0 || size < 0 || start + at + size > frame.length)
      throw new RangeError('A part lies outside of the message.');
    return frame.subarray(start + at, start + at + size);
  });
}

const isPlace = (value: unknown): value is { $bytes: [number, number] } =>
  typeof value === 'object' && value !== null && '$bytes' in value && Array.isArray(value.$bytes);
