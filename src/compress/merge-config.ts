/** A configuration file under what was asked for: what was asked for counts, and what the file says beside it holds as far as
 *  the two fit together. */
import { fieldsOf } from '../support/field.ts';
import { isGiven, parseRequest } from '../support/parse-request.ts';
import { idleFields } from './refuse-idle.ts';
import { type CompressRequestInit, compressRequest } from './request.ts';

/** Which configuration file a request was completed from, for the report. */
export interface ConfigUse {
  readonly file: string;
  readonly used: string[];
  /** Fields of the file that have no effect beside what was asked for. */
  readonly unused: string[];
}

export interface MergedRequest {
  readonly request: CompressRequestInit;
  readonly used: string[];
  readonly unused: string[];
}

/** @throws what parseRequest throws for the file's fields */
export function mergeConfig(config: CompressRequestInit, given: CompressRequestInit): MergedRequest {
  parseRequest(compressRequest, config);
  const fitting = without(config, conflicting(given));
  const complete = parseRequest(compressRequest, { ...fitting, ...given });
  const idle = idleFields(compressRequest, fitting, complete).filter((key) => !(key in given));
  const used = without(fitting, idle);
  const usedKeys = Object.keys(used).filter((key) => !(key in given));
  const unused = Object.keys(config).filter((key) => !usedKeys.includes(key));
  return { request: { ...used, ...given }, used: usedKeys, unused };
}

/** Fields that can't be given beside those that were. */
const conflicting = (given: Readonly<Record<string, unknown>>): string[] =>
  fieldsOf(compressRequest).flatMap(({ key, meta }) => {
    const others = meta.conflicts ?? [];
    if (isGiven(given, key)) return others;
    return others.some((other) => isGiven(given, other)) ? [key] : [];
  });

const without = (request: CompressRequestInit, keys: readonly string[]): CompressRequestInit =>
  Object.fromEntries(Object.entries(request).filter(([key]) => !keys.includes(key)));
