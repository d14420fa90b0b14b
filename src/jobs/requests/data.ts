/** What can be asked of `data`. */
import { z } from 'zod';
import { dataFields, heldOutFields } from '../../compress/request/data-fields.ts';
import { inputFields } from '../../compress/request/output-fields.ts';
import { field, positive } from '../../support/field.ts';

const output = field.bind(null, 'Output');
const { labels, preprocess, tokenizer, window, sampleRate, dtype, skipBad, seed } = dataFields;
const { calibrate, evaluate } = heldOutFields;

/** The data is what the command is given, not an option that others need. */
const alone = <S extends z.ZodType>(schema: S): S => schema.meta({ ...schema.meta(), needs: [] }) as S;

export const dataRequest = z.strictObject({
  model: z.string().meta(field('Data', '--model <model>', 'what the data is for', { isPath: true })),
  ...inputFields,
  labels: alone(labels),
  preprocess: alone(preprocess),
  tokenizer: alone(tokenizer),
  window: alone(window),
  sampleRate: alone(sampleRate),
  dtype: alone(dtype),
  skipBad: alone(skipBad),
  calibrate,
  evaluate: alone(evaluate),
  seed,
  output: z
    .string()
    .optional()
    .meta(
      output('-o, --output <path>', 'write the samples: one .npz, or a folder/ with one for each', {
        isPath: true,
      }),
    ),
  limit: positive
    .optional()
    .meta(output('--limit <n>', 'samples to write, spread over all', { fallback: 'all' })),
  force: z.boolean().default(false).meta(output('--force', 'replace files that edgepress did not make')),
});
export type DataRequest = z.output<typeof dataRequest>;
export type DataRequestInit = z.input<typeof dataRequest>;
