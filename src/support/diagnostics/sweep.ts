/** What can go wrong with sweeps, their jobs and their workers. */
import { environment, unsupported, user } from '../diagnostics.ts';

export const sweepInvalid = (file: string, where: string, what: string, hint?: string) =>
  user(
    'SWEEP_INVALID',
    `${file}${where === '' ? '' : `, ${where}`}: ${what}`,
    hint ?? 'examples/sweep/sweep.json shows what such a file holds.',
  );

export const sweepTooLarge = (file: string, jobs: number, most: number) =>
  user(
    'SWEEP_TOO_LARGE',
    `${file} asks for ${jobs} jobs; ${most} are the most.`,
    'Take fewer values, or draw some with "random".',
  );

export const inputChanged = (file: string) =>
  user(
    'SWEEP_INPUT_CHANGED',
    `${file} has changed since the sweep began, whose jobs are named by its content.`,
    'Start the sweep again; what is done already is found again.',
  );

export const contentDamaged = (what: string, expected: string, received: string) =>
  environment(
    'CONTENT_DAMAGED',
    `${what} should have the SHA-256 ${expected}; it has ${received}.`,
    'It is out of the store now: start the sweep again, which puts models and data there; results that lack a file are made again with --fresh.',
  );

export const contentMissing = (what: string, store: string) =>
  environment(
    'CONTENT_MISSING',
    `${what} is not in the store ${store}.`,
    'Give workers the same --store as the sweep, and start the sweep again, which puts models and data there.',
  );

/** @param store  without its password */
export const storeUnreachable = (store: string, reason: string) =>
  environment(
    'STORE_UNREACHABLE',
    `The store ${store} gives no answer: ${reason}.`,
    'Look whether it runs, and whether this machine may reach it.',
  );

export const storeAnswer = (store: string, method: string, object: string, status: number) =>
  environment(
    'STORE_ANSWER',
    `The store ${store} answers ${status} to ${method} ${object}.`,
    status === 401 || status === 403
      ? 'Put user and password into its address: https://user:password@host/folder/.'
      : 'It has to take GET, HEAD, PUT and DELETE of names below that address.',
  );

/** @param code  what a server of S3 calls it, as "SignatureDoesNotMatch"; '' where it says nothing */
export const bucketAnswer = (store: string, method: string, object: string, status: number, code: string) =>
  environment(
    'STORE_ANSWER',
    `The store ${store} answers ${status}${code === '' ? '' : ` (${code})`} to ${method} ${object}.`,
    bucketHint(status),
  );

function bucketHint(status: number): string {
  if (status === 403)
    return "Look at the keys, the region and this machine's clock. The keys must allow GetObject, PutObject and DeleteObject below that prefix, and ListBucket, without which S3 answers 403 for what is not there.";
  if (status === 501) return 'It has to take If-None-Match: * with PUT, so that no result is written twice.';
  return "Look at the bucket's name, AWS_REGION and AWS_ENDPOINT_URL.";
}

/** @param variables  of the environment, any of which would do */
export const storeSettingMissing = (store: string, variables: readonly string[]) =>
  environment(
    'STORE_SETTING_MISSING',
    `The store ${store} needs the environment variable ${variables.join(' or ')}, which is not set.`,
    'Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION (AWS_ENDPOINT_URL for a server that is not Amazon\'s). Profiles are not read: eval "$(aws configure export-credentials --format env)" sets the keys of one.',
  );

export const storeSettingInvalid = (variable: string, expected: string) =>
  environment(
    'STORE_SETTING_INVALID',
    `The environment variable ${variable} should be ${expected}; it holds something else.`,
    'For example AWS_ENDPOINT_URL=https://minio.example.org:9000.',
  );

/** @param how  "SIGKILL", "exit code 1" @param log  last lines of what its process said */
export const jobCrashed = (how: string, times: number, log: string) =>
  unsupported(
    'JOB_CRASHED',
    `The job's process ended with ${how}${times > 1 ? `, ${times} times` : ''}${log === '' ? '' : `: ${log}`}.`,
    'Most often the machine ran out of memory: run fewer jobs at once with --jobs, or on a larger machine.',
  );

export const jobTimeout = (minutes: number) =>
  unsupported(
    'JOB_TIMEOUT',
    `The job took longer than ${minutes} min and was stopped.`,
    'Give it more with --timeout, or take smaller data.',
  );

export const jobInvalid = (what: string) =>
  user(
    'JOB_INVALID',
    `This is no job that a worker takes: ${what}`,
    'Start sweep and worker in the same version.',
  );
