/** Measured runs, fastest first; what the CPU computes in a GPU's place last. */
import { isSoftware } from '../../../support/gpu-adapter.ts';
import { median, medianInterval, quantile } from '../../../support/statistics.ts';
import { formatMs } from '../../../support/units.ts';
import { fastestRuns } from '../../profile/fastest.ts';
import type { DeviceFacts, DoneRun, Run } from '../messages.ts';
import { placeKey } from '../naming.ts';

export interface Ranked {
  readonly run: Run;
  readonly medianMs: number;
  /** As people read it; "< 1.00 ms" below the step of the browser's clock. */
  readonly median: string;
  readonly p90Ms: number;
  /** Nothing else is clearly faster. */
  readonly isFastest: boolean;
  /** The CPU stood in for the GPU. */
  readonly isSoftware: boolean;
}

export function rank(results: readonly DoneRun[], { adapter }: Pick<DeviceFacts, 'adapter'>): Ranked[] {
  const gpuOf = ({ provider }: Run) => (provider === 'webgpu' ? adapter : null);
  const fastest = fastestRuns(results, ({ run, outcome, against }) =>
    outcome.kind !== 'measured'
      ? null
      : {
          ...{ variant: run.variant, place: placeKey(run), adapter: gpuOf(run), against },
          ...{ medianMs: median(outcome.samplesMs), intervalMs: medianInterval(outcome.samplesMs) },
        },
  );
  return results
    .flatMap((result): Ranked[] => {
      const { run, outcome } = result;
      if (outcome.kind !== 'measured') return [];
      const medianMs = median(outcome.samplesMs);
      const text = medianMs > 0 ? formatMs(medianMs) : `< ${formatMs(outcome.resolutionMs)}`;
      return [
        {
          ...{ run, medianMs, median: text, p90Ms: quantile(outcome.samplesMs, 0.9) },
          ...{ isFastest: fastest.includes(result), isSoftware: isSoftware(gpuOf(run) ?? '') },
        },
      ];
    })
    .sort((a, b) => Number(a.isSoftware) - Number(b.isSoftware) || a.medianMs - b.medianMs);
}
