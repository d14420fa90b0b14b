/** A worker: takes jobs from queues, does each in a process of its own, and leaves results in the store. It takes recipes, never code. */
import { hostname } from 'node:os';
import type { SweepFailure } from '../../../judge/report/sweep-report.ts';
import type { DeviceClass } from '../../../support/device-class.ts';
import { jobInvalid } from '../../../support/diagnostics/sweep.ts';
import { doJob, type JobSite } from '../do-job.ts';
import { failureOf, isLasting } from '../failure.ts';
import { type Job, keyOf, parseJob } from '../job.ts';
import { type JobResult, readResult } from '../result.ts';
import { createTurns } from './alone.ts';
import { type BullMq, connect, loadBullMq, prefix, type QueuedJob } from './bullmq.ts';
import { lock, queueNames, type WorkerProgress } from './queues.ts';

export interface WorkerEvents {
  readonly ready?: (worker: string) => void;
  readonly began?: (key: string, job: Job) => void;
  /** @param result  null where the job goes back to the queue */
  readonly ended?: (key: string, result: JobResult | null) => void;
  readonly failed?: (key: string, failure: SweepFailure) => void;
}

/** For jobs to go back to the queue. */
const closeMs = 5000;

interface WorkOptions {
  readonly url: string;
  readonly site: Omit<JobSite, 'onStep' | 'signal'>;
  /** Kinds of devices whose times are taken here. */
  readonly classes: readonly DeviceClass[];
  readonly lanes: number;
  /** Jobs a minute, of all workers together. */
  readonly rate: number | undefined;
  /** Ends it: what it is doing goes back to the queue. */
  readonly signal: AbortSignal;
  readonly events: WorkerEvents;
}

/** Until the signal. @throws QUEUE_MISSING, QUEUE_UNREACHABLE */
export async function work(options: WorkOptions): Promise<void> {
  const { url, classes, lanes, rate, signal, events } = options;
  const bullmq = await loadBullMq();
  const connection = await connect(url);
  const names = await queueNames();
  const name = `${hostname()}:${process.pid}`;
  const common = { connection, prefix, name, ...lock, maxStalledCount: 1 };
  const limiter = rate === undefined ? {} : { limiter: { max: rate, duration: 60_000 } };
  const { together, alone } = createTurns();
  const processor = processorOf(bullmq, name, options);
  const workers = [
    new bullmq.Worker(names.work, (job, token) => together(() => processor(job, token)), {
      ...common,
      ...limiter,
      concurrency: lanes,
    }),
    // All of its jobs are done: nothing is left to do.
    new bullmq.Worker(names.sweeps, async () => ({}), { ...common, concurrency: 1 }),
    ...classes.map(
      (device) =>
        new bullmq.Worker(names.times(device), (job, token) => alone(() => processor(job, token)), {
          ...common,
          concurrency: 1,
        }),
    ),
  ];
  // They go on by themselves once the server is there again.
  for (const worker of workers) worker.on('error', () => {});
  events.ready?.(name);
  if (!signal.aborted)
    await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
  // Where the server is gone, nobody answers: its lock on a job ends by itself.
  await Promise.race([
    Promise.all(workers.map((worker) => worker.close())),
    new Promise((resolve) => setTimeout(resolve, closeMs).unref()),
  ]);
  connection.disconnect();
}

const processorOf =
  ({ UnrecoverableError, WaitingError }: BullMq, name: string, { site, signal, events }: WorkOptions) =>
  async (queued: QueuedJob, token?: string): Promise<object> => {
    const key = queued.id ?? '';
    const givenBack = async () => {
      await queued.moveToWait(token);
      events.ended?.(key, null);
      return new WaitingError();
    };
    if (signal.aborted) throw await givenBack();
    const job = await requireJob(queued).catch((error: unknown) => {
      throw new UnrecoverableError(JSON.stringify(failureOf(error)));
    });
    const tell = (step: string) => {
      const progress: WorkerProgress = { step, worker: name };
      // Whoever watches is told later, or not at all.
      queued.updateProgress(progress).catch(() => {});
    };
    let result: JobResult;
    try {
      const known = await readResult(site.store, key);
      if (known) return outcomeOf(known);
      events.began?.(key, job);
      result = await doJob(job, { ...site, signal, onStep: tell });
    } catch (error) {
      if (signal.aborted) throw await givenBack();
      result = { error: failureOf(error) } as JobResult;
    }
    const { error } = result;
    if (error === null || isLasting(error)) {
      events.ended?.(key, result);
      return outcomeOf(result);
    }
    events.failed?.(key, error);
    const text = JSON.stringify(error);
    await queued.log(`${name}: ${error.code} ${error.message}`).catch(() => {});
    // A process that dies twice does so everywhere.
    throw endsWith(error, queued.attemptsMade + 1) ? new UnrecoverableError(text) : new Error(text);
  };

const mostCrashes = 2;

const endsWith = ({ code, kind }: SweepFailure, attempts: number): boolean =>
  kind === 'internal' || code === 'JOB_TIMEOUT' || (code === 'JOB_CRASHED' && attempts >= mostCrashes);

/** Small: results are in the store. */
const outcomeOf = ({ error, machine }: JobResult) => ({ failed: error?.code ?? null, machine });

/** @throws JOB_INVALID for anything that is no recipe under its own name */
async function requireJob({ id, data }: QueuedJob): Promise<Job> {
  const job = parseJob(data);
  if ((await keyOf(job)) === id) return job;
  throw jobInvalid(`it is called ${id}, and its content is of another name.`);
}
