/** What is used of BullMQ and ioredis, which are installed by whoever wants queues: neither they nor their types are needed otherwise. */
import { queueMissing, queueUnreachable } from '../../../support/diagnostics/queue.ts';
import { messageOf } from '../../../support/diagnostics.ts';

interface JobOptions {
  readonly jobId?: string;
  readonly attempts?: number;
  readonly backoff?: { readonly type: 'exponential'; readonly delay: number; readonly jitter?: number };
  readonly priority?: number;
  readonly removeOnComplete?: boolean;
  readonly removeOnFail?: { readonly age: number; readonly count: number };
  readonly ignoreDependencyOnFailure?: boolean;
}

export interface NewJob {
  readonly name: string;
  readonly data: object;
  readonly opts: JobOptions;
}

export interface NewFlow extends NewJob {
  readonly queueName: string;
  readonly children?: readonly (NewJob & { readonly queueName: string })[];
}

export interface QueuedJob {
  readonly id?: string;
  readonly data: unknown;
  readonly attemptsMade: number;
  readonly failedReason?: string;
  /** What was said of it last. */
  readonly progress: unknown;
  updateProgress(progress: object): Promise<void>;
  log(line: string): Promise<unknown>;
  getState(): Promise<string>;
  remove(): Promise<void>;
  moveToWait(token: string | undefined): Promise<unknown>;
}

interface Emits {
  on(event: string, listen: (...args: never[]) => void): unknown;
  close(force?: boolean): Promise<void>;
}

export interface Queue extends Emits {
  addBulk(jobs: readonly NewJob[]): Promise<unknown>;
  getJob(id: string): Promise<QueuedJob | undefined>;
  getWorkersCount(): Promise<number>;
}

export interface FlowProducer extends Emits {
  add(flow: NewFlow): Promise<unknown>;
}

interface Common {
  readonly connection: Redis;
  readonly prefix: string;
}

interface WorkerOptions extends Common {
  readonly name: string;
  readonly concurrency: number;
  readonly limiter?: { readonly max: number; readonly duration: number };
  readonly lockDuration: number;
  readonly stalledInterval: number;
  readonly maxStalledCount: number;
}

type Processor = (job: QueuedJob, token?: string) => Promise<unknown>;

export interface Redis {
  ping(): Promise<string>;
  disconnect(): void;
  on(event: 'error', listen: (error: Error) => void): unknown;
}

export interface BullMq {
  readonly Queue: new (name: string, options: Common) => Queue;
  readonly FlowProducer: new (options: Common) => FlowProducer;
  readonly QueueEvents: new (name: string, options: Common) => Emits;
  readonly Worker: new (name: string, process: Processor, options: WorkerOptions) => Emits;
  readonly UnrecoverableError: new (message: string) => Error;
  readonly WaitingError: new () => Error;
}

type RedisModule = {
  readonly Redis: new (url: string, options: Readonly<Record<string, unknown>>) => Redis;
};

/** Names are variables for TypeScript: their types needn't be there. */
const packages = { bullmq: 'bullmq', ioredis: 'ioredis' } as const;

/** @throws QUEUE_MISSING */
export async function loadBullMq(): Promise<BullMq> {
  return (await load(packages.bullmq)) as BullMq;
}

async function load(name: string): Promise<unknown> {
  try {
    return await import(name);
  } catch (cause) {
    throw queueMissing(name, cause);
  }
}

/** Keys in Redis begin with it. */
export const prefix = 'edgepress';

/** Without user and password: what messages and reports call it. */
export function shownQueue(url: string): string {
  try {
    const { protocol, host, pathname } = new URL(url);
    return `${protocol}//${host}${pathname === '/' ? '' : pathname}`;
  } catch {
    return 'the queue';
  }
}

/** A connection that waits for a server that is gone, once it was there at first.
 *  @throws QUEUE_MISSING, QUEUE_UNREACHABLE */
export async function connect(url: string): Promise<Redis> {
  const { Redis } = (await load(packages.ioredis)) as RedisModule;
  await reach(
    new Redis(url, { lazyConnect: false, maxRetriesPerRequest: 1, retryStrategy: () => null }),
    url,
  );
  const connection = new Redis(url, { maxRetriesPerRequest: null });
  // Each is told by whoever waits for an answer; without a listener it would end the process.
  connection.on('error', () => {});
  return connection;
}

async function reach(trial: Redis, url: string): Promise<void> {
  let told: Error | null = null;
  trial.on('error', (error) => {
    told ??= error;
  });
  try {
    await trial.ping();
  } catch (cause) {
    throw queueUnreachable(shownQueue(url), messageOf(told ?? cause));
  } finally {
    trial.disconnect();
  }
}
