/** What can be asked of `compress convert`. */
import { z } from 'zod';
import { field } from '../../support/field.ts';

export const convertRequest = z.strictObject({
  force: z
    .boolean()
    .default(false)
    .meta(field('Output', '--force', 'replace files that edgepress did not make')),
});
