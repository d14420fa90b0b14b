/** What can be asked of `compress ort`. */
import { z } from 'zod';
import { inputFields, keepMetadataField } from '../../compress/request/output-fields.ts';
import { field } from '../../support/field.ts';

const output = field.bind(null, 'Output');

export const ortRequest = z.strictObject({
  ...inputFields,
  output: z
    .string()
    .optional()
    .meta(output('-o, --output <file>', 'where it goes', { fallback: '<model>.ort', isPath: true })),
  x86: z
    .boolean()
    .default(false)
    .meta(field('Target', '--x86', 'mainly for x86 (default: ARM); it runs on both')),
  keepMetadata: keepMetadataField,
  force: z.boolean().default(false).meta(output('--force', 'replace files that edgepress did not make')),
});
export type OrtRequest = z.output<typeof ortRequest>;
