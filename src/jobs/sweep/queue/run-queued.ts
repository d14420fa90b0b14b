/** The jobs of a sweep on other machines: put into queues, watched, and their results taken from the store. What counts as done is what
 *  the store has: a server that forgot everything is told again. */

import type { SweepFailure } from '../../../judge/report/sweep-report.ts';
import { sweepFailureSchema } from '../../../judge/report/sweep-report.ts';
import { jobStalled } from '../../../support/diagnostics/queue.ts';
import { Diagnostic } from '../../../support/diagnostics.ts';
import type { Board } from '../board.ts';
import type { LocalTree } from '../content.ts';
import { failureOf } from '../failure.ts';
import type { Job } from '../job.ts';
import { putTree } from '../lay-out.ts';
import type { PlannedJob } from '../plan.ts';
import { type JobResult, readResult } from '../result.ts';
import type { Store } from '../store.ts';
import { addFlows } from './add-flows.ts';
import { connect, loadBullMq, prefix, type Queue, type QueuedJob, shownQueue } from './bullmq.ts';
import { queuedJob, queueNames, queueOf, type WorkerProgress } from './queues.ts';

export interface QueuedOptions {
  readonly url: string;
  readonly store: Store;
  readonly trees: ReadonlyMap<string, LocalTree>;
  /** 1 is the highest; undefined comes before all. */
  readonly priority: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onResult: (key: string, result: JobResult) => Promise<void>;
  /** Something that whoever waits should know. */
  readonly note: (text: string) => void;
}

const pollMs = 2000;
/** Looked after at each poll, in turn. */
const polled = 500;

/** @throws QUEUE_MISSING, QUEUE_UNREACHABLE; what the signal was aborted with, the jobs staying where they are */
export async function runQueued(
  jobs: readonly PlannedJob[],
  board: Board,
  options: QueuedOptions,
): Promise<void> {
  const { url, store, trees, priority, signal, onResult, note } = options;
  const { Queue, QueueEvents, FlowProducer } = await loadBullMq();
  const connection = await connect(url);
  const names = await queueNames();
  const common = { connection, prefix };
  const open = new Map<string, Job>();
  const ending = new Set<string>();
  const queues = new Map<string, Queue>();
  const events: { close(): Promise<void> }[] = [];
  const planned = new Map(jobs.map((one) => [one.key, one]));

  let problem: unknown = null;
  /** What ends the sweep, such as a full disk. A server that is away for a while is asked again. */
  const trouble = (error: unknown) => {
    if (error instanceof Diagnostic) problem ??= error;
  };

  /** Whether it may still change: what is told late of one that ended says nothing. */
  const isOpen = (key: string) => open.has(key) && !ending.has(key);

  /** Its queue, which is listened to from then on. */
  const queueFor = (job: Job): Queue => {
    const name = queueOf(job, names);
    const known = queues.get(name);
    if (known) return known;
    const queue = new Queue(name, common);
    const told = new QueueEvents(name, common);
    for (const emitter of [queue, told]) emitter.on('error', () => {});
    told.on('progress', ({ jobId, data }: { jobId: string; data: WorkerProgress }) => {
      if (isOpen(jobId)) board.began(jobId, `${data.step} on ${data.worker}`);
    });
    told.on('active', ({ jobId }: { jobId: string }) => {
      if (isOpen(jobId)) board.began(jobId, 'start');
    });
    told.on('stalled', ({ jobId }: { jobId: string }) => {
      if (isOpen(jobId)) board.returned(jobId);
    });
    for (const event of ['completed', 'failed'])
      told.on(event, ({ jobId }: { jobId: string }) => void look(jobId).catch(trouble));
    queues.set(name, queue);
    events.push(told);
    return queue;
  };

  /** Open until everything that follows from its result is done. */
  const end = async (key: string, result: JobResult) => {
    if (ending.has(key)) return;
    ending.add(key);
    try {
      await onResult(key, result);
    } catch (error) {
      // It is taken by nobody else: whatever it was, the sweep can't go on.
      problem ??= error;
      throw error;
    }
    const isMade = result.error === null && result.job.kind === 'compress';
    try {
      // Where the server is away just now, they are looked for later, and put there then.
      if (isMade) await add(timesOf(planned.get(key)));
    } finally {
      open.delete(key);
    }
  };
  const timesOf = (one: PlannedJob | undefined) =>
    new Map((one?.times ?? []).flatMap(({ key, job }) => (board.isOver(key) ? [] : [[key, job] as const])));

  /** What came of a job: its result, its failure, or nothing yet. One that nobody knows of any more is put there again. */
  const look = async (key: string): Promise<void> => {
    const job = open.get(key);
    if (!job || ending.has(key)) return;
    const result = await readResult(store, key);
    if (result) return end(key, result);
    const queued = await queueFor(job).getJob(key);
    if (!queued) {
      const late = await readResult(store, key);
      return late ? end(key, late) : add(new Map([[key, job]]));
    }
    if ((await queued.getState()) === 'failed') await end(key, failedResult(key, job, reasonOf(queued)));
  };

  const flows = new FlowProducer(common);
  flows.on('error', () => {});
  const add = async (some: ReadonlyMap<string, Job>): Promise<void> => {
    for (const [key, job] of some) open.set(key, job);
    for (const [key, job] of some) await forgetFailed(queueFor(job), key);
    const work = [...some].filter(([, job]) => job.kind === 'compress');
    const [first] = work;
    if (first) await addFlows(work, { flows, queue: queueFor(first[1]), names, priority });
    for (const [key, job] of some)
      if (job.kind === 'time') await queueFor(job).addBulk([queuedJob(key, job, priority)]);
  };

  try {
    for (const tree of trees.values()) await putTree(store, tree);
    const left = jobs.filter(({ key, refused }) => !refused && !board.isOver(key));
    await add(new Map(left.map(({ key, job }) => [key, job])));
    for (const one of jobs.filter(({ key }) => board.isOver(key) && !board.hasFailed(key)))
      await add(timesOf(one));
    await noteWorkers(queues, note, shownQueue(url));
    while (open.size > 0) {
      await pause(pollMs, signal, () => open.size === 0 || problem !== null);
      if (problem !== null) throw problem;
      // In the order of the map; those that were looked at go to its end.
      for (const [key, job] of [...open].slice(0, polled)) {
        if (open.delete(key)) open.set(key, job);
        await look(key).catch(trouble);
        if (problem !== null) throw problem;
      }
    }
  } finally {
    await Promise.race([
      Promise.allSettled([...events, ...queues.values(), flows].map((one) => one.close())),
      new Promise((resolve) => setTimeout(resolve, 2000).unref()),
    ]);
    connection.disconnect();
  }
}

/** One that failed before is tried again: its name would keep a new one out. */
async function forgetFailed(queue: Queue, key: string): Promise<void> {
  const queued = await queue.getJob(key);
  if (queued && ['failed', 'completed'].includes(await queued.getState())) await queued.remove();
}

function reasonOf({ failedReason = '', progress }: QueuedJob): SweepFailure {
  try {
    return sweepFailureSchema.parse(JSON.parse(failedReason));
  } catch {
    const { worker, step } = (progress ?? {}) as Partial<WorkerProgress>;
    const last = worker === undefined ? '' : `the last was ${worker}, at the step "${step}"`;
    return failureOf(/stalled/.test(failedReason) ? jobStalled(last) : new Error(failedReason));
  }
}

const failedResult = (key: string, job: Job, error: SweepFailure): JobResult => ({
  ...{ schema: 'edgepress/job-result@1', key, job, error },
  ...{ metrics: null, latency: null, files: [], ms: 0, machine: '' },
});

async function noteWorkers(queues: ReadonlyMap<string, Queue>, note: QueuedOptions['note'], where: string) {
  for (const [name, queue] of queues) {
    if ((await queue.getWorkersCount()) > 0) continue;
    const [, device] = /^time-(\w+)-/.exec(name) ?? [];
    note(
      device
        ? `No worker takes times on ${device} yet: compress worker --queue ${where} --class ${device}`
        : `No worker of this version is there yet: compress worker --queue ${where}`,
    );
  }
}

/** @throws what the signal was aborted with */
async function pause(ms: number, signal: AbortSignal | undefined, isOver: () => boolean): Promise<void> {
  for (let waited = 0; waited < ms && !isOver(); waited += 50) {
    signal?.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  signal?.throwIfAborted();
}
