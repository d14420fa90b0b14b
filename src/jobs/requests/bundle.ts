/** What can be asked of `bundle`. */
import { z } from 'zod';
import { dataFields, heldOutFields, taskField } from '../../compress/request/data-fields.ts';
import { inputFields, keepMetadataField, outputFields } from '../../compress/request/output-fields.ts';
import { field, percentage, positiveOrAll, wholeNumber } from '../../support/field.ts';

const output = field.bind(null, 'Output');
const budget = field.bind(null, 'Budget');

const { seed, preprocess, ...data } = dataFields;
const { calibrate, evaluate: _, ...held } = heldOutFields;

const bundleTargets = ['wasm', 'webgpu', 'litert', 'tfjs', 'node', 'mobile'] as const;

/** Where nothing was asked for: what runs in a page, by whichever of two runtimes is the faster. */
export const usualTargets = ['wasm', 'webgpu', 'litert'] as const satisfies (typeof bundleTargets)[number][];

export const bundleRequest = z.strictObject({
  targets: z
    .array(z.enum(bundleTargets))
    .min(1)
    .optional()
    .meta(
      field(
        'Target',
        '--targets <list>',
        'of wasm, webgpu, litert, tfjs, node and mobile, with commas between',
        {
          fallback: usualTargets.join(','),
          isList: true,
        },
      ),
    ),
  ...data,
  // Without data, it says what the app has to do.
  preprocess: preprocess.meta({ ...preprocess.meta(), needs: [] }),
  calibrate,
  evaluate: positiveOrAll.optional().meta(
    field('Data', '--evaluate <n>', 'other samples that each variant is compared on, or "all"', {
      fallback: '100, or all of --test-data',
    }),
  ),
  ...held,
  seed,
  task: taskField,
  minAgreement: percentage.optional().meta(
    budget('--min-agreement <percent>', 'a variant that answers less as the original does is not published', {
      fallback: "90 for the same top-1, otherwise where the task's measure is called bad",
    }),
  ),
  minSqnr: z
    .number('A number of decibels was expected.')
    .default(10)
    .meta(
      budget('--min-sqnr <dB>', 'the same for outputs that no measure of the task is of, and without data'),
    ),
  ...inputFields,
  output: z
    .string()
    .optional()
    .meta(output('-o, --output <folder>', 'where it goes', { fallback: '<model>.bundle', isPath: true })),
  name: z
    .string()
    .optional()
    .meta(output('--name <name>', 'of the model', { fallback: 'its file name' })),
  labelNames: z
    .string()
    .optional()
    .meta(
      output('--label-names <file>', 'names of the classes: text, JSON or config.json', { isPath: true }),
    ),
  licence: z.string().optional().meta(output('--licence <text>', "the model's licence, such as MIT")),
  url: z
    .string()
    .optional()
    .meta(output('--url <path>', 'where the site serves it', { fallback: '/<folder>/' })),
  shard: wholeNumber
    .default(20)
    .meta(output('--shard <MB>', 'cut larger files into pieces of this size; 0: never')),
  precompress: z.boolean().default(false).meta(output('--precompress', 'put a .br beside every model file')),
  demo: z.boolean().default(true).meta(output('--no-demo', 'leave the demo page out')),
  transformersJs: z
    .string()
    .optional()
    .meta(output('--transformers-js <type>', 'config.json with this model_type, for transformers.js')),
  keepMetadata: keepMetadataField,
  force: z.boolean().default(false).meta(output('--force', 'replace a folder that edgepress did not make')),
  cache: outputFields.cache,
});
export type BundleRequest = z.output<typeof bundleRequest>;
export type BundleRequestInit = z.input<typeof bundleRequest>;
