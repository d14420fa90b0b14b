/** Operators that drop or add axes. Which axis of the input an axis of the output is decides how both are permuted. */
import type { Permutation } from '../permutation.ts';

/** For every axis of the output the axis of the input that it comes from; null for one that is new. */
export type AxisLinks = readonly (number | null)[];

/** How the output is permuted when the input is: axes that come from the input stand in its order (those from one axis
 *  together); a new axis stays before the one that it stands before, or behind the one that it stands behind. */
export function outputOrder(perm: Permutation, links: AxisLinks): number[] {
  const order = perm.flatMap((axis) => links.flatMap((from, to) => (from === axis ? [to] : [])));
  for (let to = links.length - 1; to >= 0; to--) {
    if (links[to] !== null) continue;
    const next = order.indexOf(to + 1);
    if (next >= 0) order.splice(next, 0, to);
    else order.splice(placeBehind(order, to, links), 0, to);
  }
  return order;
}

/** Behind the last axis before `to` that comes from the input. */
function placeBehind(order: readonly number[], to: number, links: AxisLinks): number {
  for (let axis = to - 1; axis >= 0; axis--) if (links[axis] !== null) return order.indexOf(axis) + 1;
  return order.length;
}

/** The same read backwards: for every axis of the input the axis of the output that it becomes, null where it goes. */
export const reversed = (links: AxisLinks, inputRank: number): AxisLinks =>
  Array.from({ length: inputRank }, (_, axis) => {
    const to = links.indexOf(axis);
    return to < 0 ? null : to;
  });

/** Axes without those named. */
export const withoutAxes = (rank: number, gone: readonly number[]): number[] =>
  Array.from({ length: rank }, (_, axis) => axis).filter((axis) => !gone.includes(axis));

/** Axes with new ones at the places named. */
export function withNewAxes(rank: number, added: readonly number[]): (number | null)[] {
  let next = 0;
  return Array.from({ length: rank + added.length }, (_, to) => (added.includes(to) ? null : next++));
}
