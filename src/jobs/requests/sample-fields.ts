/** Fields about samples and the runtime that requests on finished models share. */
import { dataFields, dataNeeded, engineField } from '../../compress/request/data-fields.ts';
import { inputFields } from '../../compress/request/output-fields.ts';
import { field, positiveOrAll } from '../../support/field.ts';

const { data: _, seed, ...about } = dataFields;

export const sampleFields = {
  ...inputFields,
  data: dataNeeded,
  ...about,
  evaluate: positiveOrAll.optional().meta(
    field('Data', '--evaluate <n>', 'samples to take of them, spread over all, or "all"', {
      fallback: 'all',
    }),
  ),
  seed,
  engine: engineField,
};
