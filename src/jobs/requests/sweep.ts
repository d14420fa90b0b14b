/** What can be asked of `sweep`, besides what its file says. */
import { z } from 'zod';
import { deviceClasses } from '../../support/device-class.ts';
import { field, positive } from '../../support/field.ts';
import { isBucket } from '../../support/url.ts';

const output = field.bind(null, 'Output');
const target = field.bind(null, 'Target');

const bucketPlace = /^s3:\/\/[\w.-]{3,}(\/[^/?#]+)*\/?$/;
const isPlace = (text: string) => !isBucket(text) || (bucketPlace.test(text) && !/\/\.\.?(\/|$)/.test(text));

export const storeField = z
  .string()
  .min(1)
  .refine(
    isPlace,
    'A bucket was expected as s3://bucket/prefix, whose keys are in the environment (AWS_ACCESS_KEY_ID …).',
  )
  .optional()
  .meta(
    output(
      '--store <place>',
      'folder, https:// address or s3://bucket/prefix where results are kept by their content, and found again',
      {
        fallback: '~/.cache/edgepress/jobs',
        isPath: true,
      },
    ),
  );

export const timeoutField = positive
  .default(60)
  .meta(target('--timeout <minutes>', 'a job that takes longer is stopped, and has failed'));

const queueField = z
  .string()
  .regex(/^rediss?:\/\/./, 'An address was expected, as redis://host:6379 or rediss://user:password@host.')
  .meta(target('--queue <url>', 'a Redis server whose workers do the jobs, as redis://localhost:6379'));

export const sweepRequest = z.strictObject({
  output: z
    .string()
    .min(1)
    .optional()
    .meta(
      output('-o, --output <folder>', 'for sweep.json, sweep.html and the models', {
        fallback: "the file's name without .json",
        isPath: true,
      }),
    ),
  store: storeField,
  fresh: z.boolean().default(false).meta(output('--fresh', 'do every job again, whatever is in the store')),
  force: z.boolean().default(false).meta(output('--force', 'replace files that edgepress did not make')),
  jobs: positive
    .optional()
    .meta(
      target('--jobs <n>', 'jobs at once on this machine', { fallback: 'one a core, as far as memory goes' }),
    ),
  timeout: timeoutField,
  queue: queueField.optional().meta({
    ...queueField.meta(),
    fallback: 'this machine does them, and needs no server',
    conflicts: ['jobs'],
  }),
  priority: positive
    .max(2_097_152)
    .optional()
    .meta(
      target('--priority <n>', 'of its jobs in the queue, 1 being the highest', {
        fallback: 'before all others',
      }),
    ),
});
export type SweepRequest = z.output<typeof sweepRequest>;
export type SweepRequestInit = z.input<typeof sweepRequest>;

export const workerRequest = z.strictObject({
  queue: queueField,
  class: z
    .array(z.enum(deviceClasses))
    .default([])
    .meta(
      target('--class <names>', 'takes times, too, on wasm, node, gpu or phone', {
        fallback: 'none',
        isList: true,
      }),
    ),
  store: storeField,
  jobs: sweepRequest.shape.jobs,
  rate: positive.optional().meta(
    target('--rate <n>', 'jobs a minute at most, of all workers of the queue together', {
      fallback: 'no limit',
    }),
  ),
  timeout: timeoutField,
});
export type WorkerRequest = z.output<typeof workerRequest>;
