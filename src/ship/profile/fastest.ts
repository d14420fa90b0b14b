/** Which runs on a device are the fastest: those that nothing else there is clearly faster than. */

import { isSoftware } from '../../support/gpu-adapter.ts';
import type { Against } from '../emit/manifest.ts';

/** One variant at one place. */
export interface RunTimes {
  readonly variant: string;
  /** "wasm × 4" */
  readonly place: string;
  readonly adapter: string | null;
  readonly medianMs: number;
  /** 95 % interval of the median, where it is known. */
  readonly intervalMs: readonly [number, number] | null;
  /** Where it took turns with another variant. */
  readonly against?: Against | undefined;
}

/** More than what two measurements at different times on one machine differ by. */
const margin = 1.1;

/** The runs that no other one is clearly faster than, the least median first. A GPU that the CPU stands in for is not ranked: its
 *  times say nothing about real ones.
 *  @param timesOf  null: it was not measured */
export function fastestRuns<T>(runs: readonly T[], timesOf: (run: T) => RunTimes | null): T[] {
  const ranked = runs.flatMap((run) => {
    const times = timesOf(run);
    return times && (times.adapter === null || !isSoftware(times.adapter)) ? [{ run, times }] : [];
  });
  return ranked
    .filter(({ times }) => !ranked.some((other) => isFaster(other.times, times)))
    .sort((a, b) => a.times.medianMs - b.times.medianMs)
    .map(({ run }) => run);
}

/** By turns with the same variant: whether all of the quotient of the two ratios' intervals is above 1, and the medians agree. Else
 *  the two ran at different times: their intervals must lie apart, and by more than a margin. */
function isFaster(a: RunTimes, b: RunTimes): boolean {
  if (a.medianMs >= b.medianMs) return false;
  const [one, two] = [a.against, b.against];
  if (a.place === b.place && (one || two) && baseOf(a) === baseOf(b)) {
    if (!one) return two?.change === 'slower';
    if (!two) return one.change === 'faster';
    return one.interval[0] > two.interval[1];
  }
  const [, high] = a.intervalMs ?? [0, a.medianMs];
  const [low] = b.intervalMs ?? [b.medianMs];
  return high < low && a.medianMs * margin < b.medianMs;
}

const baseOf = ({ variant, against }: RunTimes) => against?.variant ?? variant;
