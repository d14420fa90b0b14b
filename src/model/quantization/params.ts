/** From a range of real numbers to scale and zero point. */
import { emptyRange } from '../../support/diagnostics/quantization.ts';
import { gridLimits, type QuantSpec } from './spec.ts';

export interface QuantParams {
  /** Real units per integer step; > 0, exactly representable in float32. */
  readonly scale: number;
  /** The integer that stands for 0. */
  readonly zeroPoint: number;
}

/** Scale and zero point that map [min, max] to the integers of `spec`.
 *  Zero is always exactly representable, so padding stays exact.
 *  @param min,max observed range in real units; widened to include 0
 *  @throws EMPTY_RANGE when min or max is not finite
 *  @see Jacob et al. 2018, arXiv:1712.05877, eq. 1 */
export function quantParams(min: number, max: number, spec: QuantSpec, what = 'A tensor'): QuantParams {
  if (!Number.isFinite(min) || !Number.isFinite(max)) throw emptyRange(what, min, max);
  const { low, high } = gridLimits(spec);
  const a = Math.min(0, min);
  const b = Math.max(0, max);
  if (spec.symmetric) {
    const bound = Math.max(-a, b);
    const zeroPoint = (low + high) / 2;
    return { scale: usable(bound / (high - zeroPoint)), zeroPoint };
  }
  const scale = usable((b - a) / (high - low));
  const zeroPoint = Math.min(high, Math.max(low, Math.round(low - a / scale)));
  return { scale, zeroPoint };
}

/** A scale that survives float32 and whose reciprocal does; 1 for a tensor that is all zero. */
function usable(scale: number): number {
  if (scale === 0) return 1;
  return Math.fround(Math.max(scale, 1.1754943508222875e-38 * 256));
}

/** Real numbers that the grid can show: everything outside saturates to the ends. */
export function representableRange({ scale, zeroPoint }: QuantParams, spec: QuantSpec): [number, number] {
  const limits = gridLimits({ ...spec, symmetric: false });
  return [(limits.low - zeroPoint) * scale, (limits.high - zeroPoint) * scale];
}
