/** Runs a recipe over a copy of a model: observe once a stage, apply each pass, verify after each, keep a journal. */
import { noStatistics, type StatisticRequest, type Statistics } from '../../compute/calibrate/statistics.ts';
import type { Engine } from '../../compute/engine/contract.ts';
import { cloneModel } from '../../model/ir/clone.ts';
import type { Model } from '../../model/ir/model.ts';
import { verifyModel } from '../../model/ir/verify.ts';
import { passBroke } from '../../support/diagnostics/passes.ts';
import { calibrationRequired } from '../../support/diagnostics/quantization.ts';
import { Diagnostic } from '../../support/diagnostics.ts';
import { createRandom } from '../../support/random.ts';
import type { Pass, PassContext } from './pass.ts';
import { type Recipe, type ResolvedStep, resolveRecipe } from './recipe.ts';

export interface PipelineOptions {
  readonly passes: ReadonlyMap<string, Pass>;
  readonly engine: Engine;
  /** Answers the statistic requests of a stage; absent when there is no data. */
  readonly calibrate?:
    | ((model: Model, requests: readonly StatisticRequest[]) => Promise<Statistics>)
    | undefined;
  readonly onStage?: (stage: { name: string; index: number; count: number }) => void;
  /** `model` is the one being edited, for reading. */
  readonly onPass?: (entry: JournalPass, stage: string, model: Model) => void;
  /** Called after each pass that changed something; may go on editing the model (training after quantisation). Verified. */
  readonly refine?: ((pass: string, model: Model) => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface JournalPass {
  readonly name: string;
  readonly effect: Pass['effect'];
  readonly changed: number;
  readonly skipped: number;
  readonly ms: number;
}

export interface Journal {
  readonly stages: {
    name: string;
    ms: number;
    observedMs: number;
    observed: number;
    passes: JournalPass[];
  }[];
  readonly skips: { pass: string; at: string; reason: string }[];
}

/** @returns the edited copy and what happened; the given model is left as it was */
export async function runRecipe(
  source: Model,
  recipe: Recipe,
  options: PipelineOptions,
): Promise<{ model: Model; journal: Journal }> {
  const stages = resolveRecipe(recipe, options.passes);
  const model = cloneModel(source);
  verifyModel(model);
  const journal: Journal = { stages: [], skips: [] };
  for (const [index, stage] of stages.entries()) {
    options.onStage?.({ name: stage.name, index, count: stages.length });
    const started = performance.now();
    const context: PassContext = {
      engine: options.engine,
      statistics: noStatistics,
      target: recipe.target,
      random: createRandom(recipe.calibration.seed),
    };
    const { statistics, requests } = await observeStage(model, stage.steps, context, options);
    const observedMs = performance.now() - started;
    const entry = {
      name: stage.name,
      ms: 0,
      observedMs,
      observed: requests.length,
      passes: [] as JournalPass[],
    };
    journal.stages.push(entry);
    for (const step of stage.steps) {
      options.signal?.throwIfAborted();
      const done = await applyStep(model, step, { ...context, statistics }, journal);
      entry.passes.push(done);
      if (done.changed > 0 && options.refine) {
        await options.refine(done.name, model);
        verifyModel(model);
      }
      options.onPass?.(done, stage.name, model);
    }
    entry.ms = performance.now() - started;
  }
  return { model, journal };
}

async function observeStage(
  model: Model,
  steps: readonly ResolvedStep[],
  context: PassContext,
  options: PipelineOptions,
): Promise<{ statistics: Statistics; requests: StatisticRequest[] }> {
  const requests = steps.flatMap(({ pass, options: o }) => {
    if (!pass.observe) return [];
    pass.requires?.(model, o, context);
    return pass.observe(model, o, context);
  });
  if (requests.length === 0) return { statistics: noStatistics, requests };
  if (!options.calibrate) throw calibrationRequired(requests.length, `"${requests[0]!.value}"`);
  return { statistics: await options.calibrate(model, requests), requests };
}

async function applyStep(
  model: Model,
  { pass, options }: ResolvedStep,
  context: PassContext,
  journal: Journal,
): Promise<JournalPass> {
  const started = performance.now();
  pass.requires?.(model, options, context);
  const { changed, skipped } = await pass.apply(model, options, context);
  try {
    verifyModel(model);
  } catch (cause) {
    throw cause instanceof Diagnostic ? passBroke(pass.name, cause) : cause;
  }
  for (const skip of skipped) journal.skips.push({ pass: pass.name, ...skip });
  return {
    name: pass.name,
    effect: pass.effect,
    changed,
    skipped: skipped.length,
    ms: performance.now() - started,
  };
}
