/** Constant targets of Reshape. */
import type { Shape } from '../ir/type.ts';

/** The output shape as a target: numbers, 0 where the source has the same symbol there, and at most one −1.
 *  null where that doesn't say the shape, or a tensor is empty (there 0 is a size). */
export function knownTarget(before: Shape | null, after: Shape | null): number[] | null {
  if (!after || after.includes(0) || before?.includes(0)) return null;
  const target = after.map((d, i) => (typeof d === 'number' ? d : d !== null && d === before?.[i] ? 0 : -1));
  return target.filter((t) => t === -1).length <= 1 ? target : null;
}
