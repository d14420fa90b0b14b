/** The composition root: a model, a recipe and what it needs, to a smaller model. Runs in Node and in pages; reads and
 *  writes no files. The only file of src/ that imports passes/. */
import { passes } from '../../passes/index.ts';
import { type PresetName, preset, presetNames } from '../../passes/presets/index.ts';
import type { StatisticRequest, Statistics } from '../compute/calibrate/statistics.ts';
import type { Engine } from '../compute/engine/contract.ts';
import type { Model } from '../model/ir/model.ts';
import type { Pass } from './pipeline/pass.ts';
import type { Recipe } from './pipeline/recipe.ts';
import { type Journal, type JournalPass, runRecipe } from './pipeline/run.ts';
import { markLayers } from './quant/layers.ts';

export type { PresetName };
export { passes, preset, presetNames };

export interface CompressModelOptions {
  readonly recipe: Recipe;
  /** Computes constants and integer weights. */
  readonly engine: Engine;
  /** Answers what the recipe's passes ask about activations; needed by static int8. */
  readonly calibrate?:
    | ((model: Model, requests: readonly StatisticRequest[]) => Promise<Statistics>)
    | undefined;
  /** Goes on editing `model` after a lossy pass; `clean` is the model before the first of them. */
  readonly refine?: ((pass: string, model: Model, clean: Model) => Promise<void>) | undefined;
  readonly onStage?: (name: string) => void;
  readonly onPass?: (entry: JournalPass, stage: string, model: Model) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface CompressedModel {
  /** After the exact passes only: what layers are compared against. */
  readonly clean: Model;
  readonly model: Model;
  readonly journal: Journal;
}

/** Runs a recipe; the given model stays as it was. @throws what passes and recipe resolution throw */
export async function compressModel(source: Model, options: CompressModelOptions): Promise<CompressedModel> {
  const known = passes as ReadonlyMap<string, Pass>;
  const { recipe } = options;
  const lossy = recipe.stages.findIndex((s) =>
    s.passes.some(({ pass }) => known.get(pass)?.effect === 'lossy'),
  );
  const cut = lossy < 0 ? recipe.stages.length : lossy;
  const common = {
    passes: known,
    engine: options.engine,
    calibrate: options.calibrate,
    signal: options.signal,
    onStage: ({ name }: { name: string }) => options.onStage?.(name),
    ...(options.onPass ? { onPass: options.onPass } : {}),
  };
  const exact = await runStages(source, recipe, recipe.stages.slice(0, cut), common);
  markLayers(exact.model);
  const { refine } = options;
  const rest = await runStages(exact.model, recipe, recipe.stages.slice(cut), {
    ...common,
    refine: refine && ((pass, model) => refine(pass, model, exact.model)),
  });
  const journal: Journal = {
    stages: [...exact.journal.stages, ...rest.journal.stages],
    skips: [...exact.journal.skips, ...rest.journal.skips],
  };
  return { clean: exact.model, model: rest.model, journal };
}

const runStages = (
  model: Model,
  recipe: Recipe,
  stages: Recipe['stages'],
  options: Parameters<typeof runRecipe>[2],
): ReturnType<typeof runRecipe> => runRecipe(model, { ...recipe, stages }, options);
