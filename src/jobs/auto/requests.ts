/** From what was asked of a search to what is asked for each candidate: as a job, as a request, and as a command to type. */

import { idleFields } from '../../compress/refuse-idle.ts';
import type { CompressRequest, CompressRequestInit } from '../../compress/request.ts';
import { compressRequest } from '../../compress/request.ts';
import type { Prepared } from '../../data/prepare-data.ts';
import { isPreset } from '../../data/preprocess.ts';
import { formatOfName } from '../../model/formats/index.ts';
import { flagsOf } from '../../support/flags.ts';
import { quoted } from '../../support/shell.ts';
import { type InputKey, inputKeys, type JobRecipe, recipeFields } from '../sweep/recipe.ts';
import type { Candidate } from './candidates.ts';
import type { SearchShares } from './samples.ts';

type Fields = Readonly<Record<string, unknown>>;

export interface SearchRequests {
  /** Of a job, which compares on samples that choose. */
  jobOf(candidate: Candidate): JobRecipe;
  /** Compares on samples that chose nothing. */
  requestOf(candidate: Candidate): CompressRequestInit;
  /** The same, as it would be typed. */
  commandOf(candidate: Candidate): string;
  /** Models' data by their paths, or words in their place. */
  readonly inputs: Readonly<Partial<Record<InputKey, string>>>;
}

/** What a candidate says itself, or how many samples do what. */
const own = ['maxDrop', 'compare', 'recipe', 'evaluate', 'choose', 'compareChosen'];

/** @param model  as it was typed @param shares  null where there is no data */
export function requestsOf(
  model: string,
  request: CompressRequest,
  { prepared, shares }: { readonly prepared: Prepared | null; readonly shares: SearchShares | null },
): SearchRequests {
  const given: Fields = request;
  const inputs = inputsOf(given, prepared);
  const named = request.output === undefined ? undefined : formatOfName(request.output).id;
  const common = {
    ...Object.fromEntries(
      recipeFields.filter((key) => !own.includes(key)).flatMap((key) => entryOf(given, key)),
    ),
    ...(request.format === undefined && named !== undefined && named !== 'onnx' && { format: named }),
  };
  const fieldsOf = ({ recipe }: Candidate, divided: Fields): Fields => {
    const fields = { ...common, ...recipe, ...divided };
    const idle = idleFields(compressRequest, fields, { ...fields, ...inputs } as Partial<CompressRequest>);
    return Object.fromEntries(Object.entries(fields).filter(([key]) => !idle.includes(key)));
  };
  const { evaluate, choose = 0 } = shares ?? {};
  const divided = shares ? { ...(evaluate !== undefined && { evaluate }), choose } : {};
  // What neither learns nor restores layers does not touch those that chose.
  const dividedFor = ({ recipe }: Candidate): Fields => {
    const learns = ['macs', 'distill', 'maxDrop'].some((key) => recipe[key] !== undefined);
    return learns ? divided : { ...divided, choose: 0 };
  };
  const proofOf = (candidate: Candidate): Fields => ({
    ...fieldsOf(candidate, dividedFor(candidate)),
    ...inputs,
    ...Object.fromEntries(['seed', 'target', 'gpu', 'force'].flatMap((key) => entryOf(given, key))),
  });
  return {
    inputs,
    jobOf: (candidate) => fieldsOf(candidate, shares ? { ...divided, compareChosen: true } : {}),
    requestOf: (candidate) => ({
      ...proofOf(candidate),
      ...Object.fromEntries(['output', 'cache', 'measure'].flatMap((key) => entryOf(given, key))),
    }),
    commandOf: (candidate) =>
      ['compress', quoted(model), flagsOf(compressRequest, proofOf(candidate))].join(' ').trim(),
  };
}

const entryOf = (fields: Fields, key: string): [string, unknown][] =>
  fields[key] === undefined ? [] : [[key, fields[key]]];

/** How pictures are prepared was found out once: each candidate is to see the same. */
function inputsOf(given: Fields, prepared: Prepared | null): SearchRequests['inputs'] {
  const found = prepared?.source.preprocessing?.['name'];
  const named = Object.fromEntries(inputKeys.flatMap((key) => entryOf(given, key)));
  return typeof found === 'string' && isPreset(found) && named['preprocess'] === undefined
    ? { ...named, preprocess: found }
    : named;
}
