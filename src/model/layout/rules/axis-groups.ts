/** Which axes of a tensor become which axes of its reshaped form. */
import type { Dim, Shape } from '../../ir/type.ts';
import { compare, isSame, productOf } from '../../ops/dims.ts';

/** Neighbouring axes of the input that hold the same elements as neighbouring axes of the output, as small as possible. */
export interface AxisGroup {
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** Splits a reshape into groups. Axes of size 1 belong to none.
 *  @returns null where sizes aren't known well enough to tell */
export function axisGroups(before: Shape, after: Shape): AxisGroup[] | null {
  const [inputs, outputs] = [longAxes(before), longAxes(after)];
  const groups: AxisGroup[] = [];
  while (inputs.length > 0 && outputs.length > 0) {
    const group = { inputs: [inputs.shift()!], outputs: [outputs.shift()!] };
    for (;;) {
      const order = compareSizes(sizeOf(before, group.inputs), sizeOf(after, group.outputs));
      if (order === null) return null;
      if (order === 0) break;
      const next = (order < 0 ? inputs : outputs).shift();
      if (next === undefined) return null;
      (order < 0 ? group.inputs : group.outputs).push(next);
    }
    groups.push(group);
  }
  return inputs.length + outputs.length === 0 ? groups : null;
}

const longAxes = (shape: Shape) => shape.flatMap((d, axis) => (d === 1 ? [] : [axis]));
const sizeOf = (shape: Shape, axes: readonly number[]): Dim => productOf(axes.map((a) => shape[a]!));
const compareSizes = (a: Dim, b: Dim) => (isSame(a, b) ? 0 : compare(a, b));

/** How one side of a reshape is permuted when the other is; null where that would tear a group apart.
 *  @param from  axes of each group on the permuted side, @param to  those on the other side */
export function groupOrder(
  perm: readonly number[],
  groups: readonly { readonly from: readonly number[]; readonly to: readonly number[] }[],
): number[] | null {
  const grouped = new Set(groups.flatMap(({ from }) => from));
  const order = perm.filter((axis) => grouped.has(axis));
  const result: number[] = [];
  for (let at = 0; at < order.length; ) {
    const group = groups.find(({ from }) => from[0] === order[at]);
    if (!group?.from.every((axis, i) => order[at + i] === axis)) return null;
    result.push(...group.to);
    at += group.from.length;
  }
  return result;
}
