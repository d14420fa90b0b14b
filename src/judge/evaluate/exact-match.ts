/** Share of texts that came out as they should, to the last character. */
import { wilsonInterval } from '../../support/statistics.ts';

export interface ExactMatchMeter {
  /** Equal, or equal to one of several; space at either end does not count. */
  add(text: string, expected: string | readonly string[]): boolean;
  result(): ExactMatchResult;
}

export interface ExactMatchResult {
  readonly count: number;
  readonly matches: number;
  /** null before the first text. */
  readonly value: number | null;
  /** 95 % Wilson interval. */
  readonly interval: readonly [number, number] | null;
}

/** Counts texts that are as expected.
 *  @example
 *  const meter = createExactMatchMeter();
 *  meter.add('12 May', '12 May');
 *  console.log(meter.result().value); */
export function createExactMatchMeter(): ExactMatchMeter {
  let [count, matches] = [0, 0];
  return {
    add(text, expected) {
      const accepted = typeof expected === 'string' ? [expected] : expected;
      const match = accepted.some((e) => e.trim() === text.trim());
      count++;
      if (match) matches++;
      return match;
    },
    result: () => ({
      count,
      matches,
      value: count > 0 ? matches / count : null,
      interval: count > 0 ? wilsonInterval(matches, count) : null,
    }),
  };
}
