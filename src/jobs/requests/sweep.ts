/** What can be asked of `sweep`, besides what its file says. */
import { z } from 'zod';
import { field, positive } from '../../support/field.ts';

const output = field.bind(null, 'Output');
const target = field.bind(null, 'Target');

export const storeField = z
  .string()
  .min(1)
  .optional()
  .meta(
    output('--store <folder>', 'where results are kept by their content, and found again', {
      fallback: '~/.cache/edgepress/jobs',
      isPath: true,
    }),
  );

export const timeoutField = positive
  .default(60)
  .meta(target('--timeout <minutes>', 'a job that takes longer is stopped, and has failed'));

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
});
export type SweepRequest = z.output<typeof sweepRequest>;
export type SweepRequestInit = z.input<typeof sweepRequest>;
