/** A configuration file under what was asked for: what was asked for counts, and what the file says beside it holds as far as
 *  the two fit together. */
import type { z } from 'zod';
import { fieldsOf } from '../support/field.ts';
import { isGiven, parseRequest } from '../support/parse-request.ts';
import { idleFields } from './refuse-idle.ts';

/** Which configuration file a request was completed from, for the report. */
export interface ConfigUse {
  readonly file: string;
  readonly used: string[];
  /** Fields of the file that have no effect beside what was asked for. */
  readonly unused: string[];
}

interface MergedRequest<S extends z.ZodObject> {
  readonly request: z.input<S>;
  readonly used: string[];
  readonly unused: string[];
}

/** @param config  checked already @throws what parseRequest throws for both together */
export function mergeConfig<S extends z.ZodObject>(
  schema: S,
  config: z.input<S>,
  given: z.input<S>,
): MergedRequest<S> {
  const fitting = without(config, conflicting(schema, given));
  const complete = parseRequest(schema, { ...fitting, ...given });
  const idle = idleFields(schema, fitting, complete).filter((key) => !(key in given));
  const used = without(fitting, idle);
  const usedKeys = Object.keys(used).filter((key) => !(key in given));
  const unused = Object.keys(config).filter((key) => !usedKeys.includes(key));
  return { request: { ...used, ...given } as z.input<S>, used: usedKeys, unused };
}

type Fields = Readonly<Record<string, unknown>>;

/** Fields that can't be given beside those that were. */
const conflicting = (schema: z.ZodObject, given: Fields): string[] =>
  fieldsOf(schema).flatMap(({ key, meta }) => {
    const others = meta.conflicts ?? [];
    if (isGiven(given, key)) return others;
    return others.some((other) => isGiven(given, other)) ? [key] : [];
  });

const without = (request: Fields, keys: readonly string[]): Fields =>
  Object.fromEntries(Object.entries(request).filter(([key]) => !keys.includes(key)));
