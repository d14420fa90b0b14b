/** A request as it would be typed. */
import type { z } from 'zod';
import { fieldsOf, type RequestField } from './field.ts';
import { isGiven, spell } from './parse-request.ts';
import { quoted } from './shell.ts';

/** Options in the order of the help, what is the default anyway left out: "--int8 static --data photos/".
 *  @param request  complete or as given */
export const flagsOf = (schema: z.ZodObject, request: Readonly<Record<string, unknown>>): string =>
  fieldsOf(schema)
    .flatMap((field) => wordsOf(field, request[field.key]))
    .map(quoted)
    .join(' ');

function wordsOf(field: RequestField, value: unknown): string[] {
  const isDefault = JSON.stringify(value) === JSON.stringify(field.default);
  if (value === undefined || isDefault) return [];
  const option = spell(field, 'option');
  // "--no-measure" says false of something that is true; of what takes a value, its own option said with "no-".
  if (value === false)
    return field.default === true || !isGiven({ value: field.default }, 'value')
      ? [option.startsWith('--no-') ? option : option.replace('--', '--no-')]
      : [];
  if (value === true) return [option];
  if (Array.isArray(value))
    return field.meta.isList ? [option, value.join(',')] : value.flatMap((one) => [option, String(one)]);
  if (typeof value === 'object' && value !== null)
    return [
      option,
      Object.entries(value)
        .map(([name, one]) => `${name}=${String(one)}`)
        .join(','),
    ];
  return [option, String(value)];
}
