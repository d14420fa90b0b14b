/** What stays of every axis once some classes of indices are removed. */

import { shapeOf, type Value } from '../../model/ir/model.ts';
import type { AxisRow, ChannelLinks } from '../../model/ops/channels/links.ts';
import type { Kept } from '../../model/ops/channels/rule.ts';

/** Rows by class id of each index; made once, after which sizes are quick to count. */
interface RowClasses {
  readonly row: AxisRow;
  readonly classes: Int32Array;
}

export const rowClasses = (links: ChannelLinks): RowClasses[] =>
  links.rows.map((row) => ({
    row,
    classes: Int32Array.from({ length: row.size }, (_, i) => links.find(row.base + i)),
  }));

/** Sizes before anything is edited: symbols and numbers as the types say. */
export function keptAfter(links: ChannelLinks, removed: ReadonlySet<number>): Kept {
  const cache = new Map<number, number[] | null>();
  const indices: Kept['indices'] = (value, axis) => {
    const row = links.row(value, axis);
    if (!row) return null;
    let stay = cache.get(row.id);
    if (stay === undefined) {
      const left: number[] = [];
      for (let i = 0; i < row.size; i++) if (!removed.has(links.find(row.base + i))) left.push(i);
      stay = left.length === row.size ? null : left;
      cache.set(row.id, stay);
    }
    return stay;
  };
  const changed = (value: Value, axis: number) => indices(value, axis) !== null;
  return {
    indices,
    changed,
    changedAny: (value) => (shapeOf(value) ?? []).some((_, axis) => changed(value, axis)),
    size: (value, axis) => indices(value, axis)?.length ?? shapeOf(value)![axis]!,
  };
}
