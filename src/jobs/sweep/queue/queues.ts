/** The queues of sweeps, what stands in them, and for how long. */
import { canonicalJson } from '../../../support/canonical-json.ts';
import type { DeviceClass } from '../../../support/device-class.ts';
import { sha256Text } from '../../../support/hash.ts';
import { type Job, versionsHere } from '../job.ts';
import type { NewJob } from './bullmq.ts';

export interface QueueNames {
  /** Jobs that any worker can do. */
  readonly work: string;
  /** One parent for each part of a sweep, which waits for its jobs. */
  readonly sweeps: string;
  /** Jobs that measure time, of one kind of device. */
  readonly times: (device: DeviceClass) => string;
}

/** Of these versions alone: a worker of others would make other results under the same name. */
export async function queueNames(): Promise<QueueNames> {
  const mark = (await sha256Text(canonicalJson(versionsHere()))).slice(0, 8);
  return {
    work: `work-${mark}`,
    sweeps: `sweeps-${mark}`,
    times: (device) => `time-${device}-${mark}`,
  };
}

export const queueOf = (job: Job, names: QueueNames): string =>
  job.kind === 'time' ? names.times(job.device) : names.work;

/** A worker that is gone for so long has lost its job. The work is done in other processes: its own loop is free to say that it lives. */
export const lock = { lockDuration: 10_000, stalledInterval: 5000 };

/** Failures of machines may go by: three attempts, 2 s and 4 s apart, more or less. */
const retries = { attempts: 3, backoff: { type: 'exponential', delay: 2000, jitter: 0.5 } } as const;
const week = 7 * 24 * 3600;

/** Results are in the store: what is done is removed. Who failed stays, to be looked at.
 *  @param priority  1 is the highest; undefined comes before all */
export const queuedJob = (key: string, job: Job, priority: number | undefined): NewJob => ({
  name: job.kind,
  data: job,
  opts: {
    jobId: key,
    ...retries,
    ...(priority === undefined ? {} : { priority }),
    removeOnComplete: true,
    removeOnFail: { age: week, count: 10_000 },
  },
});

/** What a worker says of a job that it does. */
export interface WorkerProgress {
  readonly step: string;
  readonly worker: string;
}
