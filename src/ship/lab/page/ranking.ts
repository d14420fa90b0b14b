/** Measured runs, fastest first. */
import { median, quantile } from '../../../support/statistics.ts';
import { formatMs } from '../../../support/units.ts';
import type { Outcome, Run } from '../messages.ts';

export interface Ranked {
  readonly run: Run;
  readonly medianMs: number;
  /** As people read it; "< 1.00 ms" below the step of the browser's clock. */
  readonly median: string;
  readonly p90Ms: number;
}

export function rank(results: readonly { readonly run: Run; readonly outcome: Outcome }[]): Ranked[] {
  return results
    .flatMap(({ run, outcome }): Ranked[] => {
      if (outcome.kind !== 'measured') return [];
      const medianMs = median(outcome.samplesMs);
      const text = medianMs > 0 ? formatMs(medianMs) : `< ${formatMs(outcome.resolutionMs)}`;
      return [{ run, medianMs, median: text, p90Ms: quantile(outcome.samplesMs, 0.9) }];
    })
    .sort((a, b) => a.medianMs - b.medianMs);
}
