/** Runs a recipe and has the result tried. A pass that spoils it is found by bisection over the states that the model went
 *  through, and left out: a smaller set of passes serves better than none. */

import { cloneModel } from '../../model/ir/clone.ts';
import type { Model } from '../../model/ir/model.ts';
import { passesSpoil } from '../../support/diagnostics/passes.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import type { Recipe } from './recipe.ts';
import type { PipelineOptions, PipelineResult } from './run.ts';

/** What the pipeline tells of its passes. */
export type PassEvents = Pick<PipelineOptions, 'onPassBegin' | 'onPassDone'>;

/** A model on its way through a recipe. `exact`: it must compute what the source does. */
export interface Candidate {
  readonly model: Model;
  readonly exact: boolean;
}

export interface LeftOut {
  readonly pass: string;
  /** What happened with it, as part of a sentence: "onnxruntime-web does not open the model: …". */
  readonly reason: string;
}

interface Serving<R> {
  /** Runs a recipe on the source. */
  readonly run: (recipe: Recipe, events: PassEvents) => Promise<R>;
  /** Why one of the models doesn't serve, as part of a sentence; null where all do. */
  readonly refusal: (candidates: readonly Candidate[]) => Promise<string | null>;
}

/** @returns the result of the recipe, or of what is left of it, and which passes were left out
 *  @throws PASSES_SPOIL where no smaller set serves; what passes throw of kinds that aren't a mistake of theirs */
export async function runWhatServes<R extends PipelineResult>(
  asked: Recipe,
  serving: Serving<R>,
): Promise<{ result: R; leftOut: LeftOut[] }> {
  const leftOut: LeftOut[] = [];
  const attempt = async (recipe: Recipe): Promise<R> => {
    const made = await runOrBlame(recipe, serving, leftOut);
    if ('blamed' in made) return again(recipe, made.blamed);
    const refused = await serving.refusal(candidatesOf(made.result));
    if (refused === null) return made.result;
    const found = await bisect(recipe, serving);
    if (!found) throw passesSpoil(refused);
    return again(recipe, found);
  };
  const again = (recipe: Recipe, found: LeftOut): Promise<R> => {
    leftOut.push(found);
    const rest = without(recipe, found.pass);
    if (rest.stages.length === 0) throw passesSpoil(found.reason);
    return attempt(rest);
  };
  return { result: await attempt(asked), leftOut };
}

/** Before the first lossy pass, and in the end: the same where nothing is lossy. */
const candidatesOf = ({ model, clean }: PipelineResult): Candidate[] =>
  model === clean
    ? [{ model, exact: true }]
    : [
        { model: clean, exact: true },
        { model, exact: false },
      ];

/** The recipe without a pass, wherever it stands. */
export const without = (recipe: Recipe, name: string): Recipe => ({
  ...recipe,
  stages: recipe.stages
    .map((stage) => ({ ...stage, passes: stage.passes.filter(({ pass }) => pass !== name) }))
    .filter(({ passes }) => passes.length > 0),
});

/** Runs the recipe; a pass that fails by a mistake of its own is named instead. */
async function runOrBlame<R>(
  recipe: Recipe,
  { run }: Serving<R>,
  leftOut: readonly LeftOut[],
): Promise<{ result: R } | { blamed: LeftOut }> {
  let running: string | null = null;
  const begin = (pass: string | null) => {
    running = pass;
  };
  try {
    return { result: await run(recipe, { onPassBegin: begin }) };
  } catch (error) {
    if (running !== null && error instanceof Diagnostic && error.kind === 'internal')
      return { blamed: { pass: running, reason: error.message } };
    // What is left needs a pass that isn't there any more.
    const [first] = leftOut;
    if (first && error instanceof Diagnostic) throw passesSpoil(first.reason, error);
    throw error;
  }
}

/** The first pass after which the model doesn't serve; null where it doesn't serve before any, or does in the end. */
async function bisect<R>(recipe: Recipe, { run, refusal }: Serving<R>): Promise<LeftOut | null> {
  const states: (Candidate & { pass: string })[] = [];
  await run(recipe, {
    onPassDone: (model, done) => void states.push({ model: cloneModel(model), ...done }),
  });
  const refused = async (i: number) => refusal([states[i]!]);
  let bad = states.length - 1;
  let reason = bad < 0 ? null : await refused(bad);
  if (reason === null) return null;
  for (let good = -1; bad - good > 1; ) {
    const middle = (good + bad) >> 1;
    const found = await refused(middle);
    if (found === null) good = middle;
    else [bad, reason] = [middle, found];
  }
  return { pass: states[bad]!.pass, reason };
}
