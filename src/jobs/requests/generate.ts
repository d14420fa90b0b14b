/** What can be asked of `generate`. */
import { z } from 'zod';
import { dataFields, engineField } from '../../compress/request/data-fields.ts';
import { field, nonNegative, positive, share } from '../../support/field.ts';
import { textFields } from './text-fields.ts';

const choice = field.bind(null, 'Choice');

export const generateRequest = z.strictObject({
  prompt: z
    .string()
    .meta(field('Text', '--prompt <text>', 'to go on from, or to translate; "-" reads stdin')),
  ...textFields,
  temperature: nonNegative
    .optional()
    .meta(choice('--temperature <t>', '0: the best token; higher: more varied')),
  topK: positive.optional().meta(choice('--top-k <k>', 'only the k best tokens')),
  topP: share.optional().meta(choice('--top-p <p>', 'only the best tokens that together are this probable')),
  seed: dataFields.seed.meta({ ...dataFields.seed.meta(), group: 'Choice' }),
  engine: engineField,
});
export type GenerateRequest = z.output<typeof generateRequest>;
