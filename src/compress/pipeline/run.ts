/** Runs a recipe over a copy of a model: observe once a stage, apply each pass, verify after each, keep a journal. */

import type { MeasureNearness } from '../../compute/calibrate/nearness.ts';
import { noStatistics, type StatisticRequest, type Statistics } from '../../compute/calibrate/statistics.ts';
import type { EngineRun } from '../../compute/engine/run-context.ts';
import { cloneModel } from '../../model/ir/clone.ts';
import { type Model, opset } from '../../model/ir/model.ts';
import { verifyModel } from '../../model/ir/verify.ts';
import { nodesOf } from '../../model/ir/walk.ts';
import { labelOf } from '../../model/rewrite/apply.ts';
import { passFailed } from '../../support/diagnostics/passes.ts';
import { calibrationRequired } from '../../support/diagnostics/quantization.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import { createRandom } from '../../support/random.ts';
import { keepWhole, markLayers } from '../quant/layers.ts';
import { checkNeeds, type Pass, type PassContext, type Skip, type StageFacts } from './pass.ts';
import { isPreparing, runPreparing, type Stage } from './prepare.ts';
import { type Recipe, type ResolvedStep, resolveRecipe } from './recipe.ts';
import { applyTried, type Trial } from './trial.ts';

export interface PipelineOptions extends EngineRun {
  readonly passes: ReadonlyMap<string, Pass>;
  /** Answers the statistic requests of a stage; absent when there is no data. */
  readonly calibrate?:
    | ((model: Model, requests: readonly StatisticRequest[]) => Promise<Statistics>)
    | undefined;
  /** How near outputs are to the original's, for passes that are tried; absent when there is nothing to try them on. */
  readonly nearness?: MeasureNearness | undefined;
  readonly onStage?: (stage: { name: string; index: number; count: number }) => void;
  /** `model` is the one being edited, for reading. */
  readonly onStageDone?: (stage: JournalStage, model: Model) => void;
  /** Before a pass says what to observe or edits; null when it has done so. */
  readonly onPassBegin?: ((pass: string | null) => void) | undefined;
  /** After each pass that changed something. `exact`: nothing lossy came before. */
  readonly onPassDone?: ((model: Model, done: { pass: string; exact: boolean }) => void) | undefined;
  /** Goes on editing `model` after a pass whose result is trainable and that changed something; `clean` as below. Verified. */
  readonly refine?: ((model: Model, clean: Model) => Promise<void>) | undefined;
}

export interface JournalPass {
  readonly name: string;
  readonly effect: Pass['effect'];
  readonly changed: number;
  readonly skipped: number;
  readonly ms: number;
}

export interface JournalStage {
  readonly name: string;
  ms: number;
  readonly observedMs: number;
  readonly observed: number;
  readonly passes: JournalPass[];
  /** What passes that describe themselves did, the most prominent first; one that stands in the stage twice is said once. */
  said: readonly { readonly pass: string; readonly text: string }[];
  /** Of passes that were tried in more than one way, or against leaving them out. */
  readonly trials: Trial[];
}

export interface Journal {
  readonly stages: JournalStage[];
  readonly skips: { pass: string; at: string; reason: string }[];
}

export interface PipelineResult {
  readonly model: Model;
  /** As it was before the first lossy pass, layers marked: what layers are compared with. */
  readonly clean: Model;
  readonly journal: Journal;
}

/** The model on its way; `clean` is set before the first lossy pass. */
interface State {
  model: Model;
  clean: Model | null;
  readonly journal: Journal;
}

/** @returns the edited copy, what it was before it lost anything, and what happened; the given model is left as it was */
export async function runRecipe(
  source: Model,
  recipe: Recipe,
  options: PipelineOptions,
): Promise<PipelineResult> {
  const stages = resolveRecipe(recipe, options.passes);
  const state: State = { model: cloneModel(source), clean: null, journal: { stages: [], skips: [] } };
  verifyModel(state.model);
  const { nearness } = options;
  let next: JournalStage | null = null;
  for (const [index, stage] of stages.entries()) {
    options.onStage?.({ name: stage.name, index, count: stages.length });
    const following = stages[index + 1];
    let entry: JournalStage;
    if (next) [entry, next] = [next, null];
    else if (nearness && following && isPreparing(stage))
      [entry, next] = await runTogether(stage, following, state, { recipe, options, nearness });
    else entry = await runStage(stage, state, recipe, options);
    options.onStageDone?.(entry, state.model);
  }
  return { model: state.model, clean: state.clean ?? keepClean(state), journal: state.journal };
}

/** A stage that prepares the next one.
 *  @returns what both did; null for the next where it is still to be run */
async function runTogether(
  stage: Stage,
  following: Stage,
  state: State,
  on: { readonly recipe: Recipe; readonly options: PipelineOptions; readonly nearness: MeasureNearness },
): Promise<[JournalStage, JournalStage | null]> {
  const { recipe, options, nearness } = on;
  const started = performance.now();
  const told = new Map<Journal, (() => void)[]>();
  const { done, steps, trials } = await runPreparing(stage, following, state, {
    nearness,
    fork: ({ model, clean }) => ({ model: cloneModel(model), clean, journal: { stages: [], skips: [] } }),
    run: (next, copy) => {
      const calls: (() => void)[] = [];
      told.set(copy.journal, calls);
      const onPassDone: PipelineOptions['onPassDone'] = (model, pass) => {
        const seen = cloneModel(model);
        calls.push(() => options.onPassDone?.(seen, pass));
      };
      return runStage(next, copy, recipe, {
        ...options,
        onPassDone: options.onPassDone && onPassDone,
      });
    },
    contextOf: async (step, { model, clean }) => {
      const context = contextFor(clean, recipe, options);
      checkNeeds(step.pass, model, step.options, context);
      const { statistics } = await observeStage(model, [step], context, options);
      return { ...context, statistics };
    },
  });
  const entry: JournalStage = {
    ...{
      name: stage.name,
      ms: performance.now() - started - (done?.next.ms ?? 0),
      observedMs: 0,
      observed: 0,
    },
    passes: stage.steps.map(({ pass }, i) => {
      const { changed, skipped, ms } = steps[i]!;
      return { name: pass.name, effect: pass.effect, changed, skipped: skipped.length, ms };
    }),
    said: [],
    trials: [...trials],
  };
  entry.said = sentences(stage.steps, entry.passes, {
    opset: opset(state.model),
    opsetBefore: opset(state.model),
  });
  state.journal.stages.push(entry);
  steps.forEach(({ skipped }, i) => {
    for (const skip of skipped) state.journal.skips.push({ pass: stage.steps[i]!.pass.name, ...skip });
  });
  if (!done) return [entry, null];
  state.model = done.state.model;
  state.clean = done.state.clean;
  for (const { name, changed } of entry.passes)
    if (changed > 0 && state.clean) options.onPassDone?.(state.clean, { pass: name, exact: true });
  for (const tell of told.get(done.state.journal) ?? []) tell();
  state.journal.stages.push(done.next);
  state.journal.skips.push(...done.state.journal.skips);
  return [entry, done.next];
}

const contextFor = (
  clean: Model | null,
  recipe: Recipe,
  { engine }: Pick<PipelineOptions, 'engine'>,
): PassContext => ({
  ...{ engine, statistics: noStatistics, clean, target: recipe.target },
  random: createRandom(recipe.calibration.seed),
});

async function runStage(
  { name, steps }: { name: string; steps: readonly ResolvedStep[] },
  state: State,
  recipe: Recipe,
  options: PipelineOptions,
): Promise<JournalStage> {
  const started = performance.now();
  const opsetBefore = opset(state.model) || opset(state.model, 'ai.onnx');
  if (!state.clean && steps.some(({ pass }) => pass.effect === 'lossy')) keepClean(state);
  const context = contextFor(state.clean, recipe, options);
  const { statistics, requests } = await observeStage(state.model, steps, context, options);
  const observedMs = performance.now() - started;
  const entry: JournalStage = {
    name,
    ms: 0,
    observedMs,
    observed: requests.length,
    passes: [],
    said: [],
    trials: [],
  };
  state.journal.stages.push(entry);
  for (const step of steps) {
    options.signal?.throwIfAborted();
    const done = await atWork(step.pass, options, () =>
      applyStep(state, step, { ...context, statistics }, { options, entry }),
    );
    entry.passes.push(done);
    if (done.changed > 0 && step.pass.trainable && options.refine) {
      await options.refine(state.model, state.clean!);
      verifyModel(state.model);
    }
    if (done.changed > 0) options.onPassDone?.(state.model, { pass: done.name, exact: !state.clean });
  }
  entry.said = sentences(steps, entry.passes, { opset: opset(state.model), opsetBefore });
  entry.ms = performance.now() - started;
  return entry;
}

/** Goes on with a copy. The clean model ends at a stage's start: what a stage observed is true of it. */
function keepClean(state: State): Model {
  markLayers(state.model);
  state.clean = state.model;
  state.model = cloneModel(state.model);
  return state.clean;
}

function sentences(
  steps: readonly ResolvedStep[],
  done: readonly JournalPass[],
  stage: StageFacts,
): JournalStage['said'] {
  const changed = new Map<Pass, number>();
  for (const [i, { pass }] of steps.entries())
    changed.set(pass, (changed.get(pass) ?? 0) + (done[i]?.changed ?? 0));
  return [...changed]
    .filter(([, n]) => n > 0)
    .sort(([a], [b]) => (b.prominence ?? 0) - (a.prominence ?? 0))
    .flatMap(([pass, n]) => {
      const text = pass.describe?.(n, stage) ?? null;
      return text === null ? [] : [{ pass: pass.name, text }];
    });
}

async function observeStage(
  model: Model,
  steps: readonly ResolvedStep[],
  context: PassContext,
  options: PipelineOptions,
): Promise<{ statistics: Statistics; requests: StatisticRequest[] }> {
  const requests: StatisticRequest[] = [];
  for (const { pass, options: o } of steps) {
    const isIdle = !options.nearness && (pass.repairs || pass.prepares?.(o));
    if (!pass.observe || !pass.needs?.(o).calibration || isIdle) continue;
    checkNeeds(pass, model, o, context);
    requests.push(...(await atWork(pass, options, async () => pass.observe!(model, o, context))));
  }
  if (requests.length === 0) return { statistics: noStatistics, requests };
  if (!options.calibrate) throw calibrationRequired(requests.length, `"${requests[0]!.value}"`);
  return { statistics: await options.calibrate(model, requests), requests };
}

/** Tells who is at work. @throws PASS_FAILED for a mistake in the pass; what else it throws as it is */
async function atWork<T>(pass: Pass, options: PipelineOptions, work: () => Promise<T>): Promise<T> {
  options.onPassBegin?.(pass.name);
  try {
    const done = await work();
    options.onPassBegin?.(null);
    return done;
  } catch (error) {
    options.signal?.throwIfAborted();
    throw isMistake(error) ? passFailed(pass.name, error) : error;
  }
}

/** Errors that nobody gave a code: not those of the machine (files, memory), which are no pass's fault. */
const isMistake = (error: unknown): boolean =>
  error instanceof Error &&
  !(error instanceof Diagnostic) &&
  !('code' in error) &&
  error.name !== 'AbortError' &&
  !/allocation failed|invalid (typed )?array (buffer )?length|out of memory/i.test(error.message);

async function applyStep(
  state: State,
  step: ResolvedStep,
  context: PassContext,
  { options, entry }: { readonly options: PipelineOptions; readonly entry: JournalStage },
): Promise<JournalPass> {
  const { pass } = step;
  const started = performance.now();
  checkNeeds(pass, state.model, step.options, context);
  const { nearness } = options;
  const { clean } = state;
  const measure = nearness && clean ? (model: Model) => nearness(model, clean) : null;
  const { model, result, trial } = await applyTried(state.model, step, context, measure);
  const { changed, skipped } = result;
  state.model = model;
  if (trial) entry.trials.push(trial);
  for (const skip of skipped) state.journal.skips.push({ pass: pass.name, ...skip });
  if (pass.opens) noteWhole(model, skipped);
  return {
    name: pass.name,
    effect: pass.effect,
    changed,
    skipped: skipped.length,
    ms: performance.now() - started,
  };
}

function noteWhole(model: Model, skipped: readonly Skip[]): void {
  const reasons = new Map(skipped.map(({ at, reason }) => [at, reason]));
  for (const node of nodesOf(model)) {
    const reason = reasons.get(labelOf(node));
    if (reason !== undefined) keepWhole(node, reason);
  }
}

/** Whether the recipe's lossy passes did anything, or it has none. */
export function isSmaller(recipe: Recipe, journal: Journal): boolean {
  const lossy = journal.stages.flatMap((s) => s.passes).filter((p) => p.effect === 'lossy');
  return recipe.stages.length === 0 || lossy.length === 0 || lossy.some((p) => p.changed > 0);
}
