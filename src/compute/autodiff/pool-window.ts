/** How the windows of a pooling lie, which decides how its gradient is best computed. */
import type { ConvGeometry } from '../../model/ops/defaults.ts';

/** Whether two windows can share an element. */
export const overlaps = (g: ConvGeometry): boolean =>
  g.kernel.some((k, i) => (k - 1) * (g.dilations[i] as number) + 1 > (g.strides[i] as number));

/** Whether the windows lie side by side from the first element on; what is left at the end belongs to none.
 *  @param space,out  spatial sizes before and after */
export const tiles = (g: ConvGeometry, space: readonly number[], out: readonly number[]): boolean =>
  (g.pads ?? []).every((p) => p === 0) &&
  g.kernel.every(
    (k, i) => k === g.strides[i] && g.dilations[i] === 1 && k * (out[i] as number) <= (space[i] as number),
  );
