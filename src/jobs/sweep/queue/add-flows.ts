/** Jobs into a queue, as parts of a sweep: a parent waits for the jobs of each part. */
import { sha256Text } from '../../../support/hash.ts';
import type { Job } from '../job.ts';
import type { FlowProducer, Queue } from './bullmq.ts';
import { type QueueNames, queuedJob } from './queues.ts';

/** Jobs of one parent: more would be one very long transaction. */
export const flowSize = 500;

interface FlowPlace {
  readonly flows: FlowProducer;
  /** Of the jobs. */
  readonly queue: Queue;
  readonly names: QueueNames;
  /** 1 is the highest; undefined comes before all. */
  readonly priority: number | undefined;
}

/** @param jobs  by their keys, all of one queue for any worker; those that stand there already are not put there again */
export async function addFlows(jobs: readonly (readonly [string, Job])[], place: FlowPlace): Promise<void> {
  for (let i = 0; i < jobs.length; i += flowSize) await addFlow(jobs.slice(i, i + flowSize), place);
}

/** The parent's name follows from its jobs: whoever asks for the same again adds nothing. */
async function addFlow(jobs: readonly (readonly [string, Job])[], place: FlowPlace): Promise<void> {
  const { flows, queue, names, priority } = place;
  const children = jobs.map(([key, job]) => queuedJob(key, job, priority));
  const name = await sha256Text(jobs.map(([key]) => key).join());
  try {
    await flows.add({
      name: 'sweep',
      queueName: names.sweeps,
      data: { jobs: jobs.length },
      opts: { jobId: `sweep-${name}`, removeOnComplete: true },
      children: children.map((one) => ({
        ...one,
        queueName: names.work,
        opts: { ...one.opts, ignoreDependencyOnFailure: true },
      })),
    });
  } catch {
    // Some of them have another sweep as their parent, and a job has one only: they are done for that one, and seen by both.
    await queue.addBulk(children);
  }
}
