/** Which elements along which axes go together when one of them is removed.
 *  Every axis of known size of every value is a row of indices; a link makes two indices one (union–find). What is left
 *  is a set of classes: removing one class removes its indices from every axis that it reaches, and the model stays
 *  consistent. A pinned class can't be removed, and knows why; the first reason counts.
 *  A merge (or split) of axes by a Reshape is decided last: one of the parts carries the indices of the whole, the
 *  others are pinned, because an index (i, j) that goes with i can't go with j too. */
import type { Value } from '../../ir/model.ts';
import { shapeOf } from '../../ir/model.ts';
import { elementCount } from '../../ir/tensor.ts';

/** What a weight's axis does: 'out' makes channels, 'in' sums over them, 'scale' and 'bias' go along. */
export type Role = 'out' | 'in' | 'scale' | 'bias';

/** What removing an index means to a user. */
export type UnitKind = 'channels' | 'heads' | 'hidden';

export interface AxisRow {
  readonly id: number;
  readonly value: Value;
  readonly axis: number;
  readonly size: number;
  /** Id of the axis's index 0; index i is base + i. */
  readonly base: number;
  role: Role | null;
}

export interface AxisPlace {
  readonly value: Value;
  readonly axis: number;
}

interface Merge {
  readonly whole: AxisPlace;
  /** Outermost first. */
  readonly parts: readonly AxisPlace[];
  /** The whole is what was there before: a split, as into heads. */
  readonly isSplit: boolean;
}

/** Longer axes (audio samples, say) are pinned as a whole: channels are never that many. */
const longestAxis = 65536;

export interface ChannelLinks {
  /** Null when the size is not a number, or beyond what is followed. */
  row(value: Value, axis: number): AxisRow | null;
  readonly rows: readonly AxisRow[];
  link(a: Value, axisA: number, indexA: number, b: Value, axisB: number, indexB: number): void;
  /** Index for index. Pins what can't be linked: a size that isn't a number against one that is, sizes that differ. */
  same(a: Value, axisA: number, b: Value, axisB: number): void;
  pin(value: Value, axis: number, reason: string, index?: number): void;
  pinAll(value: Value | null | undefined, reason: string): void;
  role(value: Value | null | undefined, axis: number, role: Role): void;
  kind(value: Value, axis: number, kind: UnitKind): void;
  merge(merge: Merge): void;
  /** Decides the merges; nothing may be linked after this. */
  resolve(): void;
  /** Class of an element id. */
  find(id: number): number;
  pinOf(cls: number): string | null;
  kindOf(cls: number): UnitKind | null;
}

export function createChannelLinks(): ChannelLinks {
  const parent: number[] = [];
  const rows: AxisRow[] = [];
  const byValue = new Map<Value, (AxisRow | null)[]>();
  const pins = new Map<number, string>();
  const kinds = new Map<number, UnitKind>();
  const merges: Merge[] = [];

  const find = (id: number): number => {
    let root = id;
    while (parent[root] !== root) root = parent[root]!;
    for (let at = id; at !== root; ) [at, parent[at]] = [parent[at]!, root];
    return root;
  };

  const union = (a: number, b: number) => {
    const [x, y] = [find(a), find(b)];
    if (x === y) return;
    parent[y] = x;
    const pin = pins.get(x) ?? pins.get(y);
    if (pin !== undefined) pins.set(x, pin);
    const kind = kinds.get(x) ?? kinds.get(y);
    if (kind) kinds.set(x, kind);
  };

  const row = (value: Value, axis: number): AxisRow | null => {
    let axes = byValue.get(value);
    if (!axes) {
      axes = (shapeOf(value) ?? []).map((size, i) => {
        if (typeof size !== 'number' || size <= 0 || size > longestAxis) return null;
        const made: AxisRow = { id: rows.length, value, axis: i, size, base: parent.length, role: null };
        for (let k = 0; k < size; k++) parent.push(made.base + k);
        rows.push(made);
        return made;
      });
      byValue.set(value, axes);
    }
    return axes[axis] ?? null;
  };

  const pinClass = (id: number, reason: string) => {
    const root = find(id);
    if (!pins.has(root)) pins.set(root, reason);
  };

  const pin: ChannelLinks['pin'] = (value, axis, reason, index) => {
    const r = row(value, axis);
    if (!r) return;
    if (index !== undefined) pinClass(r.base + index, reason);
    else for (let i = 0; i < r.size; i++) pinClass(r.base + i, reason);
  };

  const same: ChannelLinks['same'] = (a, axisA, b, axisB) => {
    const [x, y] = [row(a, axisA), row(b, axisB)];
    if (x && y && x.size === y.size) {
      for (let i = 0; i < x.size; i++) union(x.base + i, y.base + i);
      return;
    }
    if (x) pin(a, axisA, 'size-unknown-beside-it');
    if (y) pin(b, axisB, 'size-unknown-beside-it');
  };

  /** Whether some index of the axis could still be removed. */
  const isFree = (place: AxisPlace) => {
    const r = row(place.value, place.axis);
    if (!r || r.size === 1) return false;
    for (let i = 0; i < r.size; i++) if (!pins.has(find(r.base + i))) return true;
    return false;
  };

  const firstPin = (place: AxisPlace) => {
    const r = row(place.value, place.axis);
    return r && r.size > 1 ? (pins.get(find(r.base)) ?? null) : null;
  };

  /** The indices of `whole` go with the index of part `chosen`. */
  const decide = ({ whole, parts, isSplit }: Merge, chosen: number) => {
    const reason = parts.map(firstPin).find((r) => r !== null) ?? 'reshape-mixes-axes';
    parts.forEach((p, i) => {
      if (i !== chosen) pin(p.value, p.axis, 'inside-a-reshaped-axis');
    });
    const flat = row(whole.value, whole.axis);
    const part = parts[chosen] && row(parts[chosen].value, parts[chosen].axis);
    if (!flat || !part) {
      pin(whole.value, whole.axis, reason);
      return;
    }
    const sizes = parts.map((p) => shapeOf(p.value)![p.axis] as number);
    const inner = elementCount(sizes.slice(chosen + 1));
    for (let i = 0; i < flat.size; i++) union(flat.base + i, part.base + (Math.floor(i / inner) % part.size));
    if (isSplit && inner > 1)
      for (let i = 0; i < part.size; i++) {
        const root = find(part.base + i);
        if (!kinds.has(root)) kinds.set(root, 'heads');
      }
  };

  const resolve = () => {
    let open = [...merges];
    while (open.length > 0) {
      const options = open.map((m) =>
        isFree(m.whole) ? m.parts.flatMap((p, i) => (isFree(p) ? [i] : [])) : [],
      );
      // What has no choice goes first: each decision pins axes that others choose among.
      const forced = open.filter((_, i) => options[i]!.length <= 1);
      const now = forced.length > 0 ? forced : open.slice(0, 1);
      for (const m of now) decide(m, options[open.indexOf(m)]![0] ?? -1);
      open = open.filter((m) => !now.includes(m));
    }
  };

  return {
    row,
    rows,
    link(a, axisA, indexA, b, axisB, indexB) {
      const [x, y] = [row(a, axisA), row(b, axisB)];
      if (x && y) union(x.base + indexA, y.base + indexB);
    },
    same,
    pin,
    pinAll(value, reason) {
      const rank = value ? (shapeOf(value)?.length ?? 0) : 0;
      for (let axis = 0; axis < rank; axis++) pin(value!, axis, reason);
    },
    role(value, axis, role) {
      const r = value && row(value, axis);
      if (r) r.role ??= role;
    },
    kind(value, axis, kind) {
      const r = row(value, axis);
      if (r) for (let i = 0; i < r.size; i++) kinds.set(find(r.base + i), kind);
    },
    merge: (m) => merges.push(m),
    resolve,
    find,
    pinOf: (cls) => pins.get(find(cls)) ?? null,
    kindOf: (cls) => kinds.get(find(cls)) ?? null,
  };
}
