/** What every job that compresses does: runs a recipe with calibration on the job's data, and tells of each stage. */

import { type CompressedModel, compressModel, loadPasses } from '../compress/compress.ts';
import { type PassEvents, runWhatServes } from '../compress/pipeline/leave-out.ts';
import type { Recipe } from '../compress/pipeline/recipe.ts';
import type { CalibrationCache } from '../compute/calibrate/calibration-cache.ts';
import { createNearness, type MeasureNearness } from '../compute/calibrate/nearness.ts';
import type { EngineRun } from '../compute/engine/run-context.ts';
import type { Prepared } from '../data/prepare-data.ts';
import { layersOf } from '../judge/report/layer-table.ts';
import type { Report } from '../judge/report/report.ts';
import { stageSummary } from '../judge/report/stage-summary.ts';
import type { TrainingRecord } from '../judge/report/training.ts';
import type { Model } from '../model/ir/model.ts';
import { qatNothing, qatSyntheticData } from '../support/diagnostics/trained-int8.ts';
import { type CalibratingSamples, calibrate, calibratingSamples, describeCalibration } from './calibrate.ts';
import { type JobEvents, type JobRun, step } from './progress.ts';
import type { TrainInt8Options } from './train-int8.ts';
import type { Judge } from './try-result.ts';

interface RunRecipeOptions extends EngineRun, JobRun, PassEvents {
  readonly recipe: Recipe;
  readonly prepared: Prepared | null;
  readonly cache?: CalibrationCache | null | undefined;
  /** Train the statically quantised model. */
  readonly qat?: Pick<TrainInt8Options, 'settings' | 'checkpoints'> | null | undefined;
}

/** Runs the recipe on a copy of the model, a step of progress for each stage.
 *  @throws what passes throw; with `qat` QAT_DATA, QAT_NOTHING and what training throws */
export async function runRecipeOn(
  model: Model,
  options: RunRecipeOptions,
): Promise<CompressedModel & { training: TrainingRecord[] }> {
  const { recipe, engine, prepared, events, signal, qat } = options;
  if (qat && prepared?.source.kind === 'synthetic') throw qatSyntheticData();
  const training: TrainingRecord[] = [];
  const stages = stageEvents(events);
  const samples = prepared && calibratingSamples(prepared, recipe);
  const refine = async (quantized: Model, clean: Model) => {
    if (!qat || !prepared) return;
    const { source, training: indices } = prepared;
    const { trainInt8 } = await import('./train-int8.ts');
    const { describeTraining } = await import('./training-run.ts');
    const record = await step(
      events,
      'train',
      () => trainInt8(quantized, clean, { ...qat, engine, source, indices, events, signal }),
      describeTraining,
    );
    training.push(record);
    stages.resume();
  };
  const result = await compressModel(model, {
    recipe,
    engine,
    signal,
    onPassBegin: options.onPassBegin,
    onPassDone: options.onPassDone,
    refine: qat ? refine : undefined,
    // What is trained finds its scales and biases itself.
    nearness: qat || !samples ? undefined : nearnessOn(samples, options),
    onStage: stages.begin,
    onStageDone: (stage, current) => stages.end(stageSummary(stage, layersOf(current))),
    calibrate: samples
      ? async (current, requests) => {
          const { statistics } = await step(
            events,
            'calibrate',
            (onProgress) =>
              calibrate(current, requests, samples, { engine, cache: options.cache, signal, onProgress }),
            ({ cached }) => describeCalibration(requests, samples.count, cached),
          );
          stages.resume();
          return statistics;
        }
      : undefined,
  });
  if (qat && training.length === 0) throw qatNothing(recipe.target);
  return { ...result, training };
}

/** Ways to quantise are tried on samples that calibrate; noise tells nothing of what a model is for. */
const nearnessOn = (
  samples: CalibratingSamples,
  { engine, signal }: RunRecipeOptions,
): MeasureNearness | undefined =>
  samples.source.kind === 'synthetic' || samples.count === 0
    ? undefined
    : createNearness(engine, samples, { signal });

interface ServingOptions extends RunRecipeOptions {
  readonly refusal: Judge;
}

type ServingResult = Awaited<ReturnType<typeof runRecipeOn>>;

/** Runs the recipe and has the result tried; passes that spoil it are left out.
 *  @throws PASSES_SPOIL, and what runRecipeOn throws that is no mistake of a pass */
export async function runServingRecipe(
  model: Model,
  { refusal, ...options }: ServingOptions,
): Promise<{ result: ServingResult; leftOut: NonNullable<Report['leftOut']> }> {
  const run = (recipe: Recipe, passEvents: PassEvents) =>
    runRecipeOn(model, {
      ...options,
      recipe,
      // Nobody wants to be told of a recipe that is run again to look at each pass.
      events: passEvents.onPassDone ? {} : options.events,
      ...passEvents,
    });
  const { result, leftOut } = await runWhatServes(options.recipe, { run, refusal });
  const passes = await loadPasses(leftOut.map(({ pass }) => pass));
  return { result, leftOut: leftOut.map((l) => ({ ...l, effect: passes.get(l.pass)!.effect })) };
}

/** Tells of stages one after the other. */
function stageEvents(events: JobEvents) {
  let begun = { name: '', at: 0 };
  const begin = (name: string) => {
    begun = { name, at: performance.now() };
    events.begin?.(name);
  };
  return {
    begin,
    /** The stage goes on after something else was told of; the time of that isn't the stage's. */
    resume: () => begin(begun.name),
    end: (summary: string) => events.end?.(begun.name, summary, performance.now() - begun.at),
  };
}
