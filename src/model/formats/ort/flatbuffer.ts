/** A flatbuffer is written from its end to its start: what an offset points to lies behind it, so it comes first.
 *  Places are counted from the end. Source: the FlatBuffers "internals" page. */

export interface FlatbufferWriter {
  /** @returns the place of a string or vector: element count, then the bytes, `alignment` holding for these */
  vector(bytes: Uint8Array, count: number, alignment: number, terminated?: boolean): number;
  /** @returns the place of a vector of offsets */
  offsets(targets: readonly number[]): number;
  /** @param slots  in the schema's order; undefined where the table has none. @returns the place of the table */
  table(slots: readonly (Slot | undefined)[]): number;
  finish(root: number, identifier: string): Uint8Array;
}

export interface Slot {
  /** 1, 4 and 8 are numbers of so many bytes; 'offset' holds the place of a string, vector or table. */
  readonly kind: 1 | 4 | 8 | 'offset';
  readonly value: number | bigint;
}

export function createFlatbufferWriter(sizeHint: number): FlatbufferWriter {
  let buffer = new Uint8Array(Math.max(1024, sizeHint));
  let view = new DataView(buffer.buffer);
  let used = 0;
  let largestAlignment = 4;
  const vtables = new Map<string, number>();

  /** Room for `size` bytes that start aligned once the file is finished. @returns its index in the buffer of now */
  const reserve = (size: number, alignment: number): number => {
    largestAlignment = Math.max(largestAlignment, alignment);
    used += size + ((alignment - ((used + size) % alignment)) % alignment);
    if (used > buffer.length) {
      const larger = new Uint8Array(Math.max(used, 2 * buffer.length));
      larger.set(buffer, larger.length - buffer.length);
      buffer = larger;
      view = new DataView(buffer.buffer);
    }
    return buffer.length - used;
  };

  const vtable = (offsets: readonly number[], tableBytes: number): number => {
    const key = `${tableBytes}:${offsets}`;
    const known = vtables.get(key);
    if (known !== undefined) return known;
    const at = reserve(4 + 2 * offsets.length, 2);
    view.setUint16(at, 4 + 2 * offsets.length, true);
    view.setUint16(at + 2, tableBytes, true);
    for (const [i, offset] of offsets.entries()) view.setUint16(at + 4 + 2 * i, offset, true);
    vtables.set(key, used);
    return used;
  };

  return {
    vector(bytes, count, alignment, terminated = false) {
      // First the data on its alignment, then the count directly before it: both fit since alignments are ≥ 4.
      const at = reserve(bytes.length + (terminated ? 1 : 0), Math.max(4, alignment));
      buffer.set(bytes, at);
      view.setUint32(reserve(4, 4), count, true);
      return used;
    },
    offsets(targets) {
      const at = reserve(4 * targets.length, 4);
      for (const [i, target] of targets.entries())
        view.setUint32(at + 4 * i, buffer.length - at - 4 * i - target, true);
      view.setUint32(reserve(4, 4), targets.length, true);
      return used;
    },
    table(slots) {
      const { offsets, size, alignment } = layOut(slots);
      const at = reserve(size, alignment);
      const place = used;
      for (const [i, slot] of slots.entries()) {
        if (!slot) continue;
        const field = at + offsets[i]!;
        if (slot.kind === 'offset') view.setUint32(field, buffer.length - field - Number(slot.value), true);
        else if (slot.kind === 8) view.setBigInt64(field, BigInt(slot.value), true);
        else if (slot.kind === 4) view.setInt32(field, Number(slot.value), true);
        else view.setUint8(field, Number(slot.value));
      }
      const last = offsets.findLastIndex((offset) => offset > 0);
      const shape = vtable(offsets.slice(0, last + 1), size);
      view.setInt32(buffer.length - place, shape - place, true);
      return place;
    },
    finish(root, identifier) {
      const at = reserve(8, largestAlignment);
      view.setUint32(at, used - root, true);
      buffer.set(new TextEncoder().encode(identifier), at + 4);
      return buffer.slice(at);
    },
  };
}

/** Offsets of a table's fields from its start: four-byte fields after the offset of the vtable, then eight, then one. */
function layOut(slots: readonly (Slot | undefined)[]) {
  const offsets = slots.map(() => 0);
  let size = 4;
  const put = (bytes: number) => {
    for (const [i, slot] of slots.entries()) {
      if (!slot || (slot.kind === 'offset' ? 4 : slot.kind) !== bytes) continue;
      size = Math.ceil(size / bytes) * bytes;
      offsets[i] = size;
      size += bytes;
    }
  };
  for (const bytes of [4, 8, 1]) put(bytes);
  return { offsets, size, alignment: slots.some((slot) => slot?.kind === 8) ? 8 : 4 };
}
