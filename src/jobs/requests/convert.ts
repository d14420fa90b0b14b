/** What can be asked of `compress convert`. */
import { z } from 'zod';
import {
  formatField,
  inputFields,
  ioField,
  keepMetadataField,
  openBatchField,
} from '../../compress/request/output-fields.ts';
import { field } from '../../support/field.ts';

export const convertRequest = z.strictObject({
  ...inputFields,
  format: formatField,
  io: ioField,
  openBatch: openBatchField,
  keepMetadata: keepMetadataField,
  force: z
    .boolean()
    .default(false)
    .meta(field('Output', '--force', 'replace files that edgepress did not make')),
});
