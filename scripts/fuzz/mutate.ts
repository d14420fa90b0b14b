/** Changes to files: a list of small ones, which fast-check shortens to those that matter. */
import fc from 'fast-check';

/** Numbers that sizes, offsets and counts go wrong at. */
const oddIntegers = [0, 1, -1, 2, 127, 128, 255, 256, 65535, 2 ** 31 - 1, -(2 ** 31), 2 ** 30, 1e6];

export type ByteChange =
  | { readonly kind: 'flip'; readonly at: number; readonly bit: number }
  | { readonly kind: 'set'; readonly at: number; readonly value: number }
  | { readonly kind: 'int32'; readonly at: number; readonly value: number }
  | { readonly kind: 'remove' | 'repeat'; readonly at: number; readonly count: number }
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: 'end'; readonly at: number };

/** A place as a share of the file, so that it is one in files of any size. */
const place = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });

const byteChange: fc.Arbitrary<ByteChange> = fc.oneof(
  fc.record({ kind: fc.constant('flip' as const), at: place, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant('set' as const), at: place, value: fc.nat(255) }),
  fc.record({ kind: fc.constant('int32' as const), at: place, value: fc.constantFrom(...oddIntegers) }),
  fc.record({
    kind: fc.constantFrom('remove' as const, 'repeat' as const),
    at: place,
    count: fc.integer({ min: 1, max: 64 }),
  }),
  fc.record({ kind: fc.constant('insert' as const), at: place, bytes: fc.uint8Array({ maxLength: 16 }) }),
  fc.record({ kind: fc.constant('end' as const), at: place }),
);

export const byteChanges = fc.array(byteChange, { minLength: 1, maxLength: 8 });

export const changed = (bytes: Uint8Array, changes: readonly ByteChange[]): Uint8Array =>
  changes.reduce(change, bytes);

function change(bytes: Uint8Array, one: ByteChange): Uint8Array {
  const at = Math.floor(one.at * bytes.length);
  const copy = Uint8Array.from(bytes);
  const spliced = (count: number, put: Uint8Array) =>
    Uint8Array.from([...bytes.subarray(0, at), ...put, ...bytes.subarray(at + count)]);
  switch (one.kind) {
    case 'flip':
      copy[at]! ^= 1 << one.bit;
      return copy;
    case 'set':
      copy[at] = one.value;
      return copy;
    case 'int32':
      if (at + 4 <= copy.length) new DataView(copy.buffer).setInt32(at, one.value, true);
      return copy;
    case 'remove':
      return spliced(one.count, new Uint8Array());
    case 'repeat':
      return spliced(0, bytes.subarray(at, at + one.count));
    case 'insert':
      return spliced(0, one.bytes);
    case 'end':
      return bytes.subarray(0, at);
  }
}

/** A value that takes the place of one in a JSON document, or a key that a key is renamed to. */
export type JsonChange =
  | { readonly kind: 'value'; readonly at: number; readonly value: unknown }
  | { readonly kind: 'rename'; readonly at: number; readonly key: string }
  | { readonly kind: 'drop'; readonly at: number }
  | { readonly kind: 'double'; readonly at: number };

const oddKeys = ['__proto__', 'constructor', 'toString', 'length', '', 'é', 'a/../../b', 'x'.repeat(300)];
const oddValues: readonly unknown[] = [
  ...[null, true, '', [], {}, [[]], -1, 0, 0.5, 1e308, 2 ** 53, 2 ** 31, '__proto__', '../../etc/passwd'],
  ...['x'.repeat(100_000), 'NaN', [null], { constructor: 1 }, Array.from({ length: 5000 }, () => 1)],
];

const jsonChange: fc.Arbitrary<JsonChange> = fc.oneof(
  fc.record({
    kind: fc.constant('value' as const),
    at: place,
    value: fc.oneof(fc.constantFrom(...oddValues), fc.jsonValue({ maxDepth: 2 })),
  }),
  fc.record({ kind: fc.constant('rename' as const), at: place, key: fc.constantFrom(...oddKeys) }),
  fc.record({ kind: fc.constant('drop' as const), at: place }),
  fc.record({ kind: fc.constant('double' as const), at: place }),
);

export const jsonChanges = fc.array(jsonChange, { minLength: 1, maxLength: 6 });

interface Slot {
  readonly holder: Record<string, unknown> | unknown[];
  readonly key: string;
}

export function changedJson(bytes: Uint8Array, changes: readonly JsonChange[]): Uint8Array {
  const root = { all: JSON.parse(new TextDecoder().decode(bytes)) as unknown };
  for (const one of changes) {
    const slots = slotsOf(root);
    const slot = slots[Math.floor(one.at * slots.length)];
    if (slot) changeSlot(slot, one);
  }
  return new TextEncoder().encode(JSON.stringify(root.all) ?? 'null');
}

function slotsOf(holder: Slot['holder']): Slot[] {
  return Object.entries(holder).flatMap(([key, value]) => {
    const inner = typeof value === 'object' && value !== null ? slotsOf(value as Slot['holder']) : [];
    return [{ holder, key }, ...inner];
  });
}

function changeSlot({ holder, key }: Slot, one: JsonChange): void {
  const fields = holder as Record<string, unknown>;
  const put = (name: string, value: unknown) =>
    Object.defineProperty(fields, name, { value, enumerable: true, configurable: true, writable: true });
  if (one.kind === 'value') put(key, structuredClone(one.value));
  else if (Array.isArray(holder))
    holder.splice(
      Number(key),
      one.kind === 'double' ? 0 : 1,
      ...(one.kind === 'double' ? [holder[Number(key)]] : []),
    );
  else if (one.kind === 'drop') delete fields[key];
  else if (one.kind === 'double') put(`${key}2`, fields[key]);
  else {
    const value = fields[key];
    delete fields[key];
    put(one.key, value);
  }
}
