/** Options that only a command line has: what is printed. */
import { z } from 'zod';
import { field } from '../support/field.ts';

const output = field.bind(null, 'Output');

export const json = z
  .boolean()
  .default(false)
  .meta(output('--json', 'one JSON document on stdout, all else on stderr'));

export const quiet = z.boolean().default(false).meta(output('-q, --quiet', 'print only the paths written'));

export const reportFiles = z
  .array(z.string().min(1, 'An item is empty.'))
  .optional()
  .meta(
    output('--report <files>', 'tables and charts as .html, .md or .json; several with commas', {
      isList: true,
    }),
  );
