/** What a job's process is told, and what it answers. */
import type { SweepFailure, SweepLatency, SweepMetrics } from '../../judge/report/sweep-report.ts';
import type { CompressJob, TimeJob } from './job.ts';
import type { InputKey } from './recipe.ts';

export interface CompressTask {
  readonly kind: 'compress';
  readonly job: CompressJob;
  /** Files or folders. */
  readonly model: string;
  readonly inputs: Readonly<Partial<Record<InputKey, string>>>;
  /** For what it makes; there, and empty. */
  readonly output: string;
}

export interface TimeTask {
  readonly kind: 'time';
  readonly job: TimeJob;
  readonly model: string;
  /** The model that is timed. */
  readonly result: string;
}

export type JobTask = CompressTask | TimeTask;

export type JobAnswer =
  | { readonly step: string }
  /** Names in the output's folder, the model first. */
  | { readonly compressed: SweepMetrics; readonly files: readonly string[] }
  | { readonly timed: SweepLatency }
  | { readonly failed: SweepFailure };
