/** The composition root: a model, a recipe and what it needs, to a smaller model. Runs in Node and in pages; reads and
 *  writes no files. The only file of src/ that imports passes/. */
import { passes } from '../../passes/index.ts';
import { type PresetName, preset, presetNames } from '../../passes/presets/index.ts';
import type { StatisticRequest, Statistics } from '../compute/calibrate/statistics.ts';
import type { Engine } from '../compute/engine/contract.ts';
import type { Model } from '../model/ir/model.ts';
import { fillOptions } from './pipeline/option-fields.ts';
import { completeRecipe, parseRecipe, type Recipe, resolveRecipe } from './pipeline/recipe.ts';
import { type JournalStage, type PipelineResult, runRecipe } from './pipeline/run.ts';

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
  /** Goes on editing `model` after static quantisation; `clean` is the model before the first lossy pass. */
  readonly refine?: ((model: Model, clean: Model) => Promise<void>) | undefined;
  readonly onStage?: (name: string) => void;
  readonly onStageDone?: (stage: JournalStage, model: Model) => void;
  readonly signal?: AbortSignal | undefined;
}

/** @property clean  after the exact passes only: what layers are compared against */
export type CompressedModel = PipelineResult;

/** Runs a recipe; the given model stays as it was.
 *  @example
 *  const model = decodeModel(bytes);
 *  const engine = await openEngine();
 *  const { model: small } = await compressModel(model, { recipe: preset('int8-weights'), engine });
 *  @throws what passes and recipe resolution throw */
export const compressModel = (source: Model, options: CompressModelOptions): Promise<CompressedModel> =>
  runRecipe(source, options.recipe, {
    ...options,
    passes,
    onStage: ({ name }) => options.onStage?.(name),
  });

/** Whether a recipe's passes ask for statistics, with the options that it gives them. */
export const needsCalibration = (recipe: Recipe): boolean =>
  resolveRecipe(recipe, passes).some(({ steps }) =>
    steps.some(({ pass, options }) => pass.needs?.(options).calibration),
  );

/** The recipe with what a request says written into the options of its passes.
 *  @param fields  of the request, by name, and hasData, hasRealData */
export const fillRecipe = (recipe: Recipe, fields: Readonly<Record<string, unknown>>): Recipe =>
  fillOptions(recipe, passes, fields);

/** @param where  the file that it came from @throws RECIPE_INVALID, PASS_UNKNOWN */
export function checkRecipe(json: unknown, where?: string): Recipe {
  const recipe = parseRecipe(json, where);
  resolveRecipe(recipe, passes, where);
  return recipe;
}

/** The recipe behind a precision, with every option written out. */
export const presetRecipe = (name: PresetName, target: Recipe['target']): Recipe =>
  completeRecipe({ ...preset(name), target }, passes);
