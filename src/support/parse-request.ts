/** What somebody asks for, from a command line, a configuration file or a call, to a complete request. */
import type { z } from 'zod';
import { optionConflict, optionInvalid, optionMissing, optionUnknown } from './diagnostics/command-line.ts';
import { nearest } from './diagnostics.ts';
import { choicesOf, fieldsOf, type RequestField } from './field.ts';

/** How messages name the fields: as options of a command line, or as they stand in a call. */
export type Spelling = 'option' | 'field';

/** "--max-drop", or "maxDrop". */
export const spell = ({ key, meta }: Pick<RequestField, 'key' | 'meta'>, spelling: Spelling): string =>
  spelling === 'option' ? (/--[\w-]+/.exec(meta.flags)?.[0] ?? key) : `"${key}"`;

/** Whether a field asks for something: `false` for what is off anyway is as good as nothing. */
export const isGiven = (given: Readonly<Record<string, unknown>>, key: string): boolean =>
  given[key] !== undefined && given[key] !== false;

/** @throws UNKNOWN_OPTION, INVALID_ARGUMENT, MISSING_OPTION, CONFLICTING_OPTION */
export function parseRequest<S extends z.ZodObject>(
  request: S,
  given: unknown,
  spelling: Spelling = 'field',
): z.output<S> {
  const fields = fieldsOf(request);
  const record = optionsObject(given);
  rejectUnknown(fields, record);
  rejectConflicts(fields, record, spelling);
  for (const f of fields) checkField(f, record[f.key], spelling);
  return request.parse(record);
}

/** @throws INVALID_ARGUMENT for what is no object */
export function optionsObject(given: unknown): Record<string, unknown> {
  if (typeof given === 'object' && given !== null && !Array.isArray(given))
    return given as Record<string, unknown>;
  throw optionInvalid('Options', `an object was expected, ${JSON.stringify(given)} came.`);
}

function rejectUnknown(fields: readonly RequestField[], given: Readonly<Record<string, unknown>>): void {
  const known = fields.map((f) => f.key);
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const typed = fields.find((f) => [unknown, kebab(unknown)].some((n) => spell(f, 'option') === `--${n}`));
  throw optionUnknown(unknown, typed?.key ?? nearest(unknown, known), known);
}

const kebab = (key: string) => key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

function rejectConflicts(
  fields: readonly RequestField[],
  given: Readonly<Record<string, unknown>>,
  spelling: Spelling,
): void {
  for (const f of fields) {
    if (!isGiven(given, f.key)) continue;
    const other = fields.find((o) => f.meta.conflicts?.includes(o.key) && isGiven(given, o.key));
    if (other) throw optionConflict(spell(f, spelling), spell(other, spelling));
  }
}

function checkField(f: RequestField, value: unknown, spelling: Spelling): void {
  const parsed = f.schema.safeParse(value);
  if (parsed.success) return;
  if (value === undefined) throw optionMissing(spell(f, spelling));
  const choices = choicesOf(f.schema);
  const wrong = [value].flat().find((one) => !choices.includes(String(one)));
  throw optionInvalid(spell(f, spelling), refusalOf(f, value), nearest(String(wrong), choices));
}

/** Why a value can't be taken, and what could be. */
export function refusalOf({ schema }: Pick<RequestField, 'schema'>, value: unknown): string {
  const choices = choicesOf(schema);
  if (choices.length > 0) return `Allowed choices are ${choices.join(', ')}.`;
  const issue = schema.safeParse(value).error?.issues[0];
  return issue?.message ?? 'Another value was expected.';
}
