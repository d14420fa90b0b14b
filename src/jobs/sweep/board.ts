/** What is known of a sweep's jobs while they are done: what everybody who watches sees. */

import { withFront } from '../../judge/report/sweep-front.ts';
import type { SweepReport, SweepRow } from '../../judge/report/sweep-report.ts';
import { version } from '../../support/version.ts';
import type { Estimate } from './estimate.ts';
import type { PlannedJob, SweepPlan } from './plan.ts';
import type { JobResult } from './result.ts';

export interface Board {
  /** A job began, or one of its steps did. @param key  of a job or of its timing */
  began(key: string, step: string): void;
  /** @param found  it was there before @param files  where its files are, relative to the report */
  finished(key: string, result: JobResult, found: boolean, files?: readonly string[]): void;
  /** It waits again. */
  returned(key: string): void;
  /** Whether there is a result, or a failure. */
  isOver(key: string): boolean;
  hasFailed(key: string): boolean;
  /** Steps of the jobs that run, by key. */
  running(): ReadonlyMap<string, string>;
  report(): SweepReport;
}

interface BoardOptions {
  readonly where: string;
  readonly estimate: Estimate | null;
  /** Called after each change. */
  readonly onChange: () => void;
}

interface Finished {
  readonly result: JobResult;
  readonly found: boolean;
  readonly files: readonly string[];
}

export function createBoard(plan: SweepPlan, { where, estimate, onChange }: BoardOptions): Board {
  const started = Date.now();
  const steps = new Map<string, string>();
  const ended = new Map<string, Finished>();
  const statusOf = (key: string): SweepRow['status'] => {
    const known = ended.get(key);
    if (known) return known.result.error ? 'failed' : 'done';
    return steps.has(key) ? 'running' : 'waiting';
  };
  const rowOf = ({ key, job, model, recipe, times }: PlannedJob): SweepRow => {
    const known = ended.get(key);
    const { result } = known ?? {};
    return {
      ...{ key, model, recipe: { ...recipe }, target: job.target, seed: job.seed, front: false },
      status: statusOf(key),
      found: known?.found ?? false,
      metrics: result?.metrics ?? null,
      // What was not made is not timed.
      latency: result?.error
        ? []
        : times.map((time) => ({
            key: time.key,
            device: time.job.device,
            status: statusOf(time.key),
            measured: ended.get(time.key)?.result.latency ?? null,
            error: ended.get(time.key)?.result.error ?? null,
          })),
      error: result?.error ?? null,
      files: [...(known?.files ?? [])],
      ms: result?.ms ?? null,
      machine: result?.machine ?? null,
    };
  };
  return {
    began(key, step) {
      steps.set(key, step);
      onChange();
    },
    finished(key, result, found, files = []) {
      steps.delete(key);
      ended.set(key, { result, found, files });
      onChange();
    },
    returned(key) {
      steps.delete(key);
      onChange();
    },
    isOver: (key) => ended.has(key),
    hasFailed: (key) => Boolean(ended.get(key)?.result.error),
    running: () => steps,
    report() {
      const jobs = withFront(plan.jobs.map(rowOf));
      const latency = jobs.flatMap((row) => row.latency);
      const isOver = ({ status }: { status: SweepRow['status'] }) => status === 'done' || status === 'failed';
      return {
        schema: 'edgepress/sweep-report@1',
        tool: { name: 'edgepress', version },
        createdAt: new Date().toISOString(),
        sweep: plan.name,
        where,
        complete: [...jobs, ...latency].every(isOver),
        counts: {
          jobs: jobs.length,
          done: jobs.filter(({ status }) => status === 'done').length,
          found: jobs.filter(({ found }) => found).length,
          failed: jobs.filter(({ status }) => status === 'failed').length,
        },
        time: {
          estimatedMs: estimate?.ms ?? null,
          from: estimate?.from ?? 'nothing to do',
          tookMs: Date.now() - started,
        },
        jobs,
      };
    },
  };
}
