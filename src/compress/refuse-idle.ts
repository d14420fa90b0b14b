/** Options that would change nothing: a misunderstanding, said before any work. What a field needs stands with the field;
 *  when that is so, here. */
import type { z } from 'zod';
import { optionWithoutEffect } from '../support/diagnostics/command-line.ts';
import { fieldsOf, type RequestField } from '../support/field.ts';
import { type Spelling, spell } from '../support/parse-request.ts';
import type { CompressRequest } from './request.ts';

interface Need {
  /** In words, for "--labels has no effect without …". */
  readonly words: string;
  isMet(request: Partial<CompressRequest>): boolean;
}

/** Whether ranges are found on data, which a recipe of one's own may do too. */
export const isStatic = ({ int8, data, recipe }: Partial<CompressRequest>): boolean =>
  recipe !== undefined || int8 === 'static' || ((int8 === true || int8 === 'auto') && data !== undefined);

export const removesChannels = ({ prune, macs, latency }: Partial<CompressRequest>): boolean =>
  prune !== undefined || macs !== undefined || latency !== undefined;

const choosesPrecision = ({ int8, fp16, q4 }: Partial<CompressRequest>) => Boolean(int8 || fp16 || q4);

const needs: Readonly<Record<string, Need>> = {
  data: { words: '--data', isMet: (r) => r.data !== undefined },
  // Ranges found on noise would stand in a report that measures on real data.
  realData: { words: 'real data in --data', isMet: (r) => r.data !== 'synthetic' },
  testData: { words: '--test-data', isMet: (r) => r.testData !== undefined },
  auto: { words: '--auto', isMet: (r) => r.auto === true },
  precision: { words: '--int8, --fp16 or --q4', isMet: (r) => choosesPrecision(r) || r.auto === true },
  precisionOrPruning: {
    words: '--int8, --fp16, --q4 or --prune',
    isMet: (r) => choosesPrecision(r) || removesChannels(r) || r.auto === true,
  },
  int8: { words: '--int8', isMet: (r) => Boolean(r.int8) },
  static: { words: '--int8 static, which finds ranges on --data', isMet: isStatic },
  channels: { words: '--prune, --macs or --latency', isMet: removesChannels },
  zeros: {
    words: '--prune, --macs, --latency or --sparsity',
    isMet: (r) => removesChannels(r) || r.sparsity !== undefined,
  },
  training: { words: '--distill, --finetune or --qat', isMet: (r) => Boolean(trains(r) || r.qat) },
  trainingStep: { words: '--distill or --finetune', isMet: trains },
  comparison: {
    words: 'samples to compare on (without --no-compare and --evaluate 0)',
    isMet: (r) => r.compare !== false && r.evaluate !== 0,
  },
};

function trains({ distill, finetune }: Partial<CompressRequest>): boolean {
  return Boolean(distill || finetune);
}

/** @param given  as it was asked for, without defaults @param request  complete @throws OPTION_WITHOUT_EFFECT */
export function refuseIdle(
  schema: z.ZodObject,
  given: Readonly<Record<string, unknown>>,
  request: Partial<CompressRequest>,
  spelling: Spelling,
): void {
  for (const f of fieldsOf(schema)) {
    const unmet = isAsked(f, given[f.key]) ? unmetNeed(f, request) : undefined;
    if (unmet) throw optionWithoutEffect(spell(f, spelling), unmet.words);
  }
}

/** Fields that would change nothing in this request. */
export const idleFields = (
  schema: z.ZodObject,
  given: Readonly<Record<string, unknown>>,
  request: Partial<CompressRequest>,
): string[] =>
  fieldsOf(schema).flatMap((f) => (isAsked(f, given[f.key]) && unmetNeed(f, request) ? [f.key] : []));

function unmetNeed({ meta }: RequestField, request: Partial<CompressRequest>): Need | undefined {
  return [meta.needs ?? []]
    .flat()
    .map((name) => needs[name] as Need)
    .find((need) => !need.isMet(request));
}

/** Whether a value asks for anything that wouldn't be done without it. */
const isAsked = (f: RequestField, value: unknown): boolean =>
  value !== undefined && value !== f.default && !(value === false && f.default === undefined);
