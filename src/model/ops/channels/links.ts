/** Which elements along which axes go together when one of them is removed.
 *  Every axis of known size of every value is a row of indices; a link makes two indices one (union–find). What is left
 *  is a set of classes: removing one class removes its indices from every axis that it reaches, and the model stays
 *  consistent. A pinned class can't be removed, and knows why; the first reason counts. */
import type { Value } from '../../ir/model.ts';
import { shapeOf } from '../../ir/model.ts';
import { type Classes, createClasses } from './classes.ts';
import { decideMerges, type Merge } from './merges.ts';

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
  const classes = createClasses<UnitKind>();
  const { rows, row } = createRows(classes);
  const merges: Merge[] = [];

  const pin: ChannelLinks['pin'] = (value, axis, reason, index) => {
    const r = row(value, axis);
    if (!r) return;
    if (index !== undefined) classes.pin(r.base + index, reason);
    else for (let i = 0; i < r.size; i++) classes.pin(r.base + i, reason);
  };

  return {
    ...{ row, rows, pin },
    link(a, axisA, indexA, b, axisB, indexB) {
      const [x, y] = [row(a, axisA), row(b, axisB)];
      if (x && y) classes.join(x.base + indexA, y.base + indexB);
    },
    same(a, axisA, b, axisB) {
      const [x, y] = [row(a, axisA), row(b, axisB)];
      if (x && y && x.size === y.size) {
        for (let i = 0; i < x.size; i++) classes.join(x.base + i, y.base + i);
        return;
      }
      if (x) pin(a, axisA, 'size-unknown-beside-it');
      if (y) pin(b, axisB, 'size-unknown-beside-it');
    },
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
      if (r) for (let i = 0; i < r.size; i++) classes.setKind(r.base + i, kind);
    },
    merge: (m) => merges.push(m),
    resolve: () => decideMerges({ classes, row, pin }, merges),
    find: classes.find,
    pinOf: classes.pinOf,
    kindOf: classes.kindOf,
  };
}

/** The rows of indices, made when first asked for. */
function createRows(classes: Classes<UnitKind>): Pick<ChannelLinks, 'row' | 'rows'> {
  const rows: AxisRow[] = [];
  const byValue = new Map<Value, (AxisRow | null)[]>();
  const rowOf = (value: Value, axis: number, size: number | string | null): AxisRow | null => {
    if (typeof size !== 'number' || size <= 0 || size > longestAxis) return null;
    const made: AxisRow = { id: rows.length, value, axis, size, base: classes.add(size), role: null };
    rows.push(made);
    return made;
  };
  const rowsOf = (value: Value) => {
    const made = (shapeOf(value) ?? []).map((size, axis) => rowOf(value, axis, size));
    byValue.set(value, made);
    return made;
  };
  return { rows, row: (value, axis) => (byValue.get(value) ?? rowsOf(value))[axis] ?? null };
}
