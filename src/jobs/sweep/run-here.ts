/** The jobs of a sweep on this machine: as many at once as it bears, then those that measure time, each alone. */
import { availableParallelism, freemem } from 'node:os';
import type { Board } from './board.ts';
import { doJob, type JobSite } from './do-job.ts';
import type { Job } from './job.ts';
import type { PlannedJob } from './plan.ts';
import type { JobResult } from './result.ts';

export interface HereOptions {
  readonly site: Omit<JobSite, 'onStep'>;
  /** At once. */
  readonly lanes: number;
  /** A result came: it is in the store, or nobody keeps it. */
  readonly onResult: (key: string, result: JobResult) => Promise<void>;
}

/** @param jobs  those that have no result yet, and those whose times have none */
export async function runHere(
  jobs: readonly PlannedJob[],
  board: Board,
  options: HereOptions,
): Promise<void> {
  const { site, lanes, onResult } = options;
  const crashed: PlannedJob[] = [];
  const doOne = (key: string, job: Job): Promise<JobResult> => {
    board.began(key, 'start');
    return doJob(job, { ...site, onStep: (step) => board.began(key, step) });
  };
  const open = jobs.filter(({ key }) => !board.isOver(key));
  await inLanes(open, lanes, async (planned) => {
    const result = await doOne(planned.key, planned.job);
    if (result.error?.code !== 'JOB_CRASHED') return onResult(planned.key, result);
    board.returned(planned.key);
    crashed.push(planned);
  });
  // Where memory was short, a job may do it alone.
  for (const { key, job } of crashed) await onResult(key, await doOne(key, job));
  for (const { times } of jobs.filter(({ key }) => !board.hasFailed(key)))
    for (const { key, job } of times) if (!board.isOver(key)) await onResult(key, await doOne(key, job));
}

/** The first failure ends all lanes once their work is done. */
async function inLanes<T>(
  items: readonly T[],
  lanes: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items[Symbol.iterator]();
  let isStopped = false;
  const lane = async () => {
    for (const item of left) {
      if (isStopped) return;
      await work(item);
    }
  };
  const ends = await Promise.allSettled(
    Array.from({ length: Math.min(lanes, items.length) }, () =>
      lane().catch((error: unknown) => {
        isStopped = true;
        throw error;
      }),
    ),
  );
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

/** Of one job's process: node, runtimes, samples, and several copies of the model. */
const jobBytes = { least: 700e6, timesModel: 10 };

/** One a core, as far as memory goes. @param modelBytes  of the largest model */
export function usualLanes(modelBytes: number): number {
  const each = jobBytes.least + jobBytes.timesModel * modelBytes;
  return Math.max(1, Math.min(availableParallelism(), Math.floor(freeBytes() / each)));
}

/** Of the machine, or of the container that this runs in. */
const freeBytes = (): number =>
  Math.min(
    freemem(),
    'availableMemory' in process ? (process.availableMemory as () => number)() : Number.POSITIVE_INFINITY,
  );
