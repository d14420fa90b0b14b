/** How long jobs will take, from how long jobs like them took on this machine. */
import { z } from 'zod';
import { canonicalJson } from '../../support/canonical-json.ts';
import { sha256Text } from '../../support/hash.ts';
import { cacheFolder, openJsonStore } from '../../support/json-store.ts';
import type { Job } from './job.ts';
import type { JobResult } from './result.ts';

const took = z.object({ ms: z.number(), jobs: z.number() });

export interface Estimate {
  readonly ms: number;
  /** In words. */
  readonly from: string;
}

export interface Estimator {
  /** @param bytes  of the model @returns `seen`: a job like it was done here before */
  of(job: Job, bytes: number): Promise<{ readonly ms: number; readonly seen: boolean }>;
  learn(result: JobResult): Promise<void>;
}

const secondsOf = { job: 5, perMegabyte: 0.8, prunedMegabyte: 40, training: 60, time: 5 };

export function openEstimator(): Estimator {
  const store = openJsonStore(cacheFolder('job-times'), took);
  return {
    async of(job, bytes) {
      for (const like of likes(job)) {
        const known = store.get(await sha256Text(canonicalJson(like)));
        if (known) return { ms: known.ms, seen: true };
      }
      return { ms: 1000 * guess(job, bytes), seen: false };
    },
    async learn({ job, ms, error }) {
      if (error !== null) return;
      for (const like of likes(job)) {
        const name = await sha256Text(canonicalJson(like));
        const { ms: before, jobs } = store.get(name) ?? { ms: 0, jobs: 0 };
        // Old ones count less and less.
        const weight = 1 / Math.min(jobs + 1, 8);
        store.put(name, { ms: before + (ms - before) * weight, jobs: jobs + 1 });
      }
    },
  };
}

/** What a job's time is remembered by, the nearest first. */
function likes(job: Job): object[] {
  if (job.kind === 'time') return [{ kind: job.kind, model: job.model, device: job.device }];
  const { model, inputs, recipe } = job;
  const fields = { fields: Object.keys(recipe).sort(), int8: String(recipe['int8']) };
  return [
    { model, inputs, ...fields },
    { model, inputs },
  ];
}

function guess(job: Job, bytes: number): number {
  if (job.kind === 'time') return secondsOf.time;
  const { distill, finetune, qat, ...rest } = job.recipe as Readonly<Record<string, unknown>>;
  const prunes = rest['macs'] !== undefined || rest['prune'] !== undefined || rest['latency'] !== undefined;
  const training = distill || finetune || qat ? secondsOf.training : 0;
  const each = secondsOf.perMegabyte + (prunes ? secondsOf.prunedMegabyte : 0);
  return secondsOf.job + (bytes / 1e6) * each + training;
}
