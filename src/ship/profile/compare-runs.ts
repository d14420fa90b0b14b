/** Whether one of two is faster, from what each run took. Page-safe, as measure.ts. */
import { median, medianInterval, quantile } from '../../support/statistics.ts';
import type { Against } from '../emit/manifest.ts';

export interface LatencyChange {
  /** Time before divided by time after; above 1 is faster. */
  readonly ratio: number;
  /** 95 % interval of the ratio. */
  readonly interval: readonly [number, number];
  /** 'unclear': runs differ so much among themselves that nothing can be said, not even that it is as fast. */
  readonly change: 'faster' | 'same' | 'slower' | 'unclear';
}

/** An interval of the ratio wider than this, as the quotient of its ends, holds "much slower" as well as "much faster". */
export const widest = 1.5;
/** Medians that differ by more than this factor are not called as fast, whatever neighbouring runs say. */
const farthest = 1.1;
/** Two sessions of one model differ by up to this factor, however many neighbouring runs say so: their memory lies elsewhere. (Of twelve
 *  such pairs on wasm two had an interval without 1, with ratios of 1.02.) */
const sessions = 1.04;

interface Timed {
  readonly medianMs: number;
  readonly byTurns?: boolean | undefined;
  readonly samplesMs: readonly number[];
}

/** Faster or slower only when the whole interval of the ratio is, by more than sessions of one model differ, and the two medians,
 *  which stand beside it, say so too.
 *  Alternating runs are compared each with its neighbour: what else the machine did hit both alike. */
export function compareLatency(before: Timed, after: Timed): LatencyChange {
  const { ratio, interval } = ratioOf(before, after);
  const isFaster = interval[0] > 1 && ratio > sessions && after.medianMs < before.medianMs;
  const isSlower = interval[1] < 1 && ratio < 1 / sessions && after.medianMs > before.medianMs;
  if (isFaster || isSlower) return { ratio, interval, change: isFaster ? 'faster' : 'slower' };
  const apart = Math.max(before.medianMs / after.medianMs, after.medianMs / before.medianMs);
  const isUnclear = interval[1] / interval[0] > widest || apart > farthest;
  return { ratio, interval, change: isUnclear ? 'unclear' : 'same' };
}

function ratioOf(before: Timed, after: Timed): Omit<LatencyChange, 'change'> {
  const { length } = before.samplesMs;
  if (before.byTurns && after.byTurns && length > 0 && length === after.samplesMs.length) {
    const ratios = before.samplesMs.map((ms, i) => ms / (after.samplesMs[i] as number));
    return { ratio: median(ratios), interval: medianInterval(ratios) };
  }
  const ratio = before.medianMs / after.medianMs;
  const error = Math.exp(1.96 * Math.hypot(relativeError(before), relativeError(after)));
  return { ratio, interval: [ratio / error, ratio * error] };
}

/** Standard error of the median, 1.2533·σ/√n, as a share of it; σ from the quartiles so that one slow run does not count
 *  for much. */
function relativeError({ samplesMs, medianMs }: Timed): number {
  if (samplesMs.length < 2) return 0;
  const sigma = (quantile(samplesMs, 0.75) - quantile(samplesMs, 0.25)) / 1.349;
  return (1.2533 * sigma) / Math.sqrt(samplesMs.length) / medianMs;
}

/** What took turns with a variant, against that one: the i-th sample of one is the neighbour of the other's i-th.
 *  @returns null where the clock is too coarse to tell some run from none */
export function againstOf(
  variant: string,
  first: readonly number[],
  other: readonly number[],
): Against | null {
  if ([...first, ...other].some((ms) => ms <= 0)) return null;
  const turn = (samplesMs: readonly number[]) => ({ samplesMs, medianMs: median(samplesMs), byTurns: true });
  const { ratio, interval, change } = compareLatency(turn(first), turn(other));
  const short = (x: number) => Number(x.toPrecision(4));
  return { variant, ratio: short(ratio), interval: [short(interval[0]), short(interval[1])], change };
}
