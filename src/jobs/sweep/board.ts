/** What is known of a sweep's jobs while they are done: what everybody who watches sees. */

import { withFront } from '../../judge/report/sweep-front.ts';
import type { SweepReport, SweepRow } from '../../judge/report/sweep-report.ts';
import { rowText } from '../../judge/report/sweep-words.ts';
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
  running(): ReadonlyMap<string, RunningStep>;
  /** The row of a job, or of the job that a timing is of; whether it is on the front is not looked at. */
  about(key: string): { readonly row: SweepRow; readonly time: SweepRow['latency'][number] | null } | null;
  /** What tells the job of a row from the others. */
  nameOf(row: SweepRow): string;
  counts(): SweepReport['counts'];
  time(): SweepReport['time'];
  readonly where: string;
  report(): SweepReport;
}

export interface RunningStep {
  readonly step: string;
  /** When the job began, as Date.now() has it. */
  readonly since: number;
}

interface BoardOptions {
  readonly where: string;
  readonly estimate: Estimate | null;
  /** Called after each change, with the key of what it is about. */
  readonly onChange: (key: string) => void;
}

interface Finished {
  readonly result: JobResult;
  readonly found: boolean;
  readonly files: readonly string[];
}

export function createBoard(plan: SweepPlan, { where, estimate, onChange }: BoardOptions): Board {
  const started = Date.now();
  const steps = new Map<string, RunningStep>();
  const ended = new Map<string, Finished>();
  const tally = { done: 0, found: 0, failed: 0 };
  const named = plan.jobs.map(({ recipe, job }) => ({ recipe, seed: job.seed }));
  const jobOf = new Map(
    plan.jobs.flatMap((planned) =>
      [planned.key, ...planned.times.map(({ key }) => key)].map((key) => [key, planned]),
    ),
  );
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
  const counts = () => ({ jobs: plan.jobs.length, ...tally });
  const time = () => ({
    estimatedMs: estimate?.ms ?? null,
    from: estimate?.from ?? 'nothing to do',
    tookMs: Date.now() - started,
  });
  return {
    began(key, step) {
      steps.set(key, { step, since: steps.get(key)?.since ?? Date.now() });
      onChange(key);
    },
    finished(key, result, found, files = []) {
      steps.delete(key);
      ended.set(key, { result, found, files });
      if (jobOf.get(key)?.key === key) {
        tally[result.error ? 'failed' : 'done']++;
        if (found) tally.found++;
      }
      onChange(key);
    },
    returned(key) {
      steps.delete(key);
      onChange(key);
    },
    isOver: (key) => ended.has(key),
    hasFailed: (key) => Boolean(ended.get(key)?.result.error),
    running: () => steps,
    about(key) {
      const planned = jobOf.get(key);
      if (!planned) return null;
      const row = rowOf(planned);
      return { row, time: row.latency.find((one) => one.key === key) ?? null };
    },
    nameOf: (row) => rowText(row, { jobs: named }),
    counts,
    time,
    where,
    report() {
      const jobs = withFront(plan.jobs.map(rowOf));
      const isOver = ({ status }: { status: SweepRow['status'] }) => status === 'done' || status === 'failed';
      return {
        schema: 'edgepress/sweep-report@1',
        tool: { name: 'edgepress', version },
        createdAt: new Date().toISOString(),
        sweep: plan.name,
        where,
        complete: jobs.every((row) => isOver(row) && row.latency.every(isOver)),
        counts: counts(),
        time: time(),
        jobs,
      };
    },
  };
}
