/** Integer grids: which dtype, where its limits are, whether zero sits in the middle. */
import { type DType, dtypes } from '../ir/dtype.ts';

export type QuantDType = 'int8' | 'uint8';

/** What weights are stored in. int4 becomes int8 before anything computes with it. */
export type WeightDType = QuantDType | 'int4';

export interface QuantSpec {
  readonly dtype: QuantDType;
  /** Zero point 0 (int8) or 128 (uint8), and limits of equal size on both sides. */
  readonly symmetric: boolean;
}

/** Smallest and largest integer used. A symmetric int8 grid leaves −128 out, so that −x is as exact as x. */
export function gridLimits(spec: QuantSpec): { low: number; high: number } {
  const { min, max } = dtypes[spec.dtype as DType];
  if (!spec.symmetric) return { low: min!, high: max! };
  return { low: min! + 1, high: max! };
}
