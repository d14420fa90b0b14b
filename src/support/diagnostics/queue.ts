/** What can go wrong with queues and those who work for them. */
import { environment, unsupported } from '../diagnostics.ts';

export const queueMissing = (name: string, cause: unknown) =>
  environment(
    'QUEUE_MISSING',
    `A queue needs the package ${name}, which is not installed.`,
    'Run: npm install bullmq ioredis',
    cause,
  );

/** @param where  without its password */
export const queueUnreachable = (where: string, reason: string) =>
  environment(
    'QUEUE_UNREACHABLE',
    `${where} gives no answer: ${reason}`,
    'Start Redis (5 or newer) there, or leave --queue out: one machine needs none.',
  );

/** A job whose worker was gone in the midst of it, twice. @param last  what was heard of it last; '' for nothing */
export const jobStalled = (last: string) =>
  unsupported(
    'JOB_STALLED',
    `Two workers ended while they did this job; it is set aside${last === '' ? '' : `: ${last}`}.`,
    'Look at what their machines said. The same sweep, started again, tries it once more.',
  );
