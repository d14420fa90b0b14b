/** What can be asked of `check`: budgets, and what they are measured on. No budget says what it `needs`: what a configuration file asks
 *  for is never put aside for want of something. */
import { z } from 'zod';
import { dataFields, taskField } from '../../compress/request/data-fields.ts';
import { amount } from '../../support/amount.ts';
import { field, nonNegative, percentage } from '../../support/field.ts';
import { modelField } from './model-field.ts';
import { profileRequest } from './profile.ts';
import { sampleFields } from './sample-fields.ts';

const budget = field.bind(null, 'Budget');
const { data: _, ...samples } = sampleFields;
const { device, provider, threads, dim } = profileRequest.shape;

export const checkRequest = z.strictObject({
  against: modelField.meta(
    budget('--against <file>', 'the original, or the .report.json of an earlier result', { isPath: true }),
  ),
  maxSize: amount(['bytes', 'share'], 'A size or a percentage was expected, as 4MB or 50%.')
    .optional()
    .meta(budget('--max-size <size>', 'of its files, as 4MB; or 50% of what --against has')),
  maxDrop: nonNegative
    .optional()
    .meta(
      budget(
        '--max-drop <points>',
        "points lost on --data of accuracy, or of the task's own measure where there are no classes",
      ),
    ),
  minAgreement: percentage
    .optional()
    .meta(
      budget(
        '--min-agreement <percent>',
        "samples of --data with the same top-1 as the original; of other tasks the task's own measure",
      ),
    ),
  minSqnr: z
    .number('A number of decibels was expected.')
    .optional()
    .meta(budget('--min-sqnr <dB>', 'of every output on --data, against the original')),
  maxLatency: amount(['ms', 'share'], 'A time or a percentage was expected, as 20ms or 110%.')
    .optional()
    .meta(budget('--max-latency <time>', "median of its runs, as 20ms; or 110% of the original's, by turns")),
  maxFirstVisit: amount(['bytes', 'ms'], 'A size or a time was expected, as 3MB or 5s.')
    .optional()
    .meta(
      budget(
        '--max-first-visit <most>',
        'model and runtime compressed, as 3MB; or until the first result on a phone that is emulated, as 5s',
      ),
    ),
  data: dataFields.data,
  ...samples,
  task: taskField,
  device: z
    .array(z.string().min(1, 'An item is empty.'))
    .optional()
    .meta({
      ...device.meta(),
      fallback: 'wasm; chromium:phone for the time of a first visit',
    }),
  provider: provider.meta({ ...provider.meta(), fallback: 'wasm, cpu on node' }),
  threads,
  dim,
});
export type CheckRequest = z.output<typeof checkRequest>;
export type CheckRequestInit = z.input<typeof checkRequest>;

/** Fields that are budgets. */
export const budgetKeys = [
  'maxSize',
  'maxDrop',
  'minAgreement',
  'minSqnr',
  'maxLatency',
  'maxFirstVisit',
] as const;
