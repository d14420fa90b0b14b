/** What every job that compresses does: opens data, runs a recipe with calibration on it, tells of each stage. */

import { type CompressedModel, compressModel } from '../compress/compress.ts';
import type { Recipe } from '../compress/pipeline/recipe.ts';
import type { Journal } from '../compress/pipeline/run.ts';
import { type CalibrationCache, calibrationKey } from '../compute/calibrate/calibration-cache.ts';
import { observe } from '../compute/calibrate/observe.ts';
import type { StatisticRequest, Statistics } from '../compute/calibrate/statistics.ts';
import type { Engine } from '../compute/engine/contract.ts';
import type { TrainingSettingsInit } from '../compute/train/settings.ts';
import { type Prepared, trainingIndices } from '../data/prepare-data.ts';
import { findProblems } from '../judge/analyze/facts.ts';
import { layersOf } from '../judge/report/layer-table.ts';
import { stageSummary } from '../judge/report/stage-summary.ts';
import type { TrainingRecord } from '../judge/report/training.ts';
import { dtypeOf, type Graph, type Model, shapeOf, type Value } from '../model/ir/model.ts';
import type { Port } from '../model/ir/port.ts';
import { notANumber } from '../support/diagnostics/quantization.ts';
import { qatNothing, qatSyntheticData } from '../support/diagnostics/trained-int8.ts';
import { formatBytes } from '../support/units.ts';
import type { OpenedModel } from './model-files.ts';
import { type JobEvents, step } from './progress.ts';
import { trainInt8 } from './train-int8.ts';
import { describeTraining } from './training-run.ts';

export const describeModel = ({ model, sizeBytes }: OpenedModel) =>
  `${formatBytes(sizeBytes)} · ${model.graph.nodes.length} nodes · opset ${model.opsets.get('') ?? '?'}`;

const describeCalibration = (activations: number, samples: number) =>
  `${activations === 1 ? 'range of 1 activation' : `ranges of ${activations} activations`} on ${samples} samples`;

/** @throws WEIGHTS_NOT_FINITE for a model that is broken already */
export function rejectBroken(model: Model): void {
  const { nonFinite } = findProblems(model);
  const nan = nonFinite.filter((c) => c.nan > 0).map((c) => c.name);
  if (nan.length > 0) throw notANumber(nan);
}

const portOf = (v: Value): Port => ({ name: v.name, dtype: dtypeOf(v) ?? 'float32', shape: shapeOf(v) });

/** What a caller feeds; inputs that have a default are not asked for. */
export const portsOf = ({ graph }: { graph: Pick<Graph, 'inputs'> }): Port[] =>
  graph.inputs.filter((v) => !v.constant).map(portOf);

export const outputPortsOf = ({ graph }: { graph: Pick<Graph, 'outputs'> }): Port[] =>
  graph.outputs.map(portOf);

export interface RunRecipeOptions {
  readonly recipe: Recipe;
  readonly engine: Engine;
  readonly prepared: Prepared | null;
  readonly cache?: CalibrationCache | null | undefined;
  /** Train the statically quantised model. */
  readonly qat?: QatOptions | null | undefined;
  readonly events: JobEvents;
  readonly signal?: AbortSignal | undefined;
}

export interface QatOptions {
  readonly settings: TrainingSettingsInit;
  /** Folder for checkpoints; null: none. */
  readonly checkpoints: string | null;
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
  let begun: { name: string; at: number } | null = null;
  const resume = () => {
    // The stage goes on; its time is told without that of what came between.
    if (begun) events.begin?.(begun.name);
    if (begun) begun.at = performance.now();
  };
  const refine = async (quantized: Model, clean: Model) => {
    if (!qat || !prepared) return;
    const { source } = prepared;
    const indices = await trainingIndices(prepared);
    const record = await step(
      events,
      'train',
      () => trainInt8(quantized, clean, { ...qat, engine, source, indices, events, signal }),
      describeTraining,
    );
    training.push(record);
    resume();
  };
  const result = await compressModel(model, {
    recipe,
    engine,
    signal,
    ...(qat ? { refine } : {}),
    onStage: (name) => {
      begun = { name, at: performance.now() };
      events.begin?.(name);
    },
    onStageDone: (stage, current) => {
      if (begun)
        events.end?.(stage.name, stageSummary(stage, layersOf(current)), performance.now() - begun.at);
    },
    calibrate: prepared
      ? async (current, requests) => {
          const statistics = await step(
            events,
            'calibrate',
            (progress) => calibrate(current, requests, prepared, options, progress),
            (s) => describeCalibration(new Set(requests.map((r) => r.value)).size, s.samples),
          );
          resume();
          return statistics;
        }
      : undefined,
  });
  if (qat && training.length === 0) throw qatNothing(recipe.target);
  return { ...result, training };
}

async function calibrate(
  model: Model,
  requests: readonly StatisticRequest[],
  { source, calibration: indices }: Prepared,
  { recipe, engine, cache, signal }: RunRecipeOptions,
  onProgress: (done: number, total: number) => void,
): Promise<Statistics> {
  const { mseSamples } = recipe.calibration;
  const data = { hash: cache ? await source.hash() : '', indices, mseSamples };
  const key = cache ? calibrationKey(model, requests, data, `${engine.name} ${engine.version}`) : '';
  const known = cache?.get(key);
  if (known) return known;
  const samples = { count: indices.length, read: (i: number) => source.read(indices[i]!) };
  const made = await observe(engine, model, requests, samples, {
    mseSamples,
    onProgress,
    ...(signal ? { signal } : {}),
  });
  cache?.put(key, requests, made);
  return made;
}

/** Whether the recipe's lossy passes did anything, or it has none. */
export function isSmaller(recipe: Recipe, journal: Journal): boolean {
  const lossy = journal.stages.flatMap((s) => s.passes).filter((p) => p.effect === 'lossy');
  return recipe.stages.length === 0 || lossy.length === 0 || lossy.some((p) => p.changed > 0);
}

/** Marks a model as ours: such a file may be replaced unasked. */
export function stampMetadata(model: Model, recipe: Recipe): void {
  model.metadata.set('edgepress', `made with recipe ${recipe.name}, target ${recipe.target}`);
}
