/** The composition root: a model, a recipe and what it needs, to a smaller model. Runs in Node and in pages; reads and
 *  writes no files. The only file of src/ that imports passes/. */

import { passLoaders } from '../../passes/index.ts';
import { type PresetName, preset, presetNames } from '../../passes/presets/index.ts';
import type { StatisticRequest, Statistics } from '../compute/calibrate/statistics.ts';
import type { EngineRun } from '../compute/engine/run-context.ts';
import type { Model } from '../model/ir/model.ts';
import { fillOptions } from './pipeline/option-fields.ts';
import type { Pass, Storage } from './pipeline/pass.ts';
import { completeRecipe, parseRecipe, type Recipe, resolveRecipe } from './pipeline/recipe.ts';
import { type JournalStage, type PipelineOptions, type PipelineResult, runRecipe } from './pipeline/run.ts';

export type { PresetName };
export { preset, presetNames };

/** Passes by name, loaded now. @param names  by default those of all passes */
export async function loadPasses(
  names: readonly string[] = Object.keys(passLoaders),
): Promise<ReadonlyMap<string, Pass>> {
  const loaded = names.map(async (name) => [name, await passLoaders[name]!()] as const);
  return new Map(await Promise.all(loaded));
}

/** The passes that a recipe names, or all where it names one that there isn't: a message can list them then. */
function passesOf({ stages }: Pick<Recipe, 'stages'>): Promise<ReadonlyMap<string, Pass>> {
  const names = [...new Set(stages.flatMap((s) => s.passes.map(({ pass }) => pass)))];
  return loadPasses(names.every((name) => Object.hasOwn(passLoaders, name)) ? names : undefined);
}

export interface CompressModelOptions
  extends EngineRun,
    Pick<PipelineOptions, 'onPassBegin' | 'onPassDone' | 'nearness'> {
  readonly recipe: Recipe;
  /** Answers what the recipe's passes ask about activations; needed by static int8. */
  readonly calibrate?:
    | ((model: Model, requests: readonly StatisticRequest[]) => Promise<Statistics>)
    | undefined;
  /** Goes on editing `model` after static quantisation; `clean` is the model before the first lossy pass. */
  readonly refine?: ((model: Model, clean: Model) => Promise<void>) | undefined;
  readonly onStage?: (name: string) => void;
  readonly onStageDone?: (stage: JournalStage, model: Model) => void;
}

/** @property clean  after the exact passes only: what layers are compared against */
export type CompressedModel = PipelineResult;

/** Runs a recipe; the given model stays as it was.
 *  @example
 *  const model = decodeModel(bytes);
 *  const engine = await openEngine();
 *  const { model: small } = await compressModel(model, { recipe: preset('int8-weights'), engine });
 *  @throws what passes and recipe resolution throw */
export const compressModel = async (source: Model, options: CompressModelOptions): Promise<CompressedModel> =>
  runRecipe(source, options.recipe, {
    ...options,
    passes: await passesOf(options.recipe),
    onStage: ({ name }) => options.onStage?.(name),
  });

/** What the passes of a recipe store weights as. */
export const storagesOf = async (recipe: Recipe): Promise<Storage[]> =>
  resolveRecipe(recipe, await passesOf(recipe)).flatMap(({ steps }) =>
    steps.flatMap(({ pass }) => pass.stores ?? []),
  );

/** Whether a recipe's passes ask for statistics, with the options that it gives them. */
export const needsCalibration = async (recipe: Recipe): Promise<boolean> =>
  resolveRecipe(recipe, await passesOf(recipe)).some(({ steps }) =>
    steps.some(({ pass, options }) => pass.needs?.(options).calibration),
  );

/** The recipe with what a request says written into the options of its passes.
 *  @param fields  of the request, by name, and hasData, hasRealData */
export const fillRecipe = async (
  recipe: Recipe,
  fields: Readonly<Record<string, unknown>>,
): Promise<Recipe> => fillOptions(recipe, await passesOf(recipe), fields);

/** @param where  the file that it came from @throws RECIPE_INVALID, PASS_UNKNOWN */
export async function checkRecipe(json: unknown, where?: string): Promise<Recipe> {
  const recipe = parseRecipe(json, where);
  resolveRecipe(recipe, await passesOf(recipe), where);
  return recipe;
}

/** The recipe behind a precision, with every option written out. */
export async function presetRecipe(name: PresetName, target: Recipe['target']): Promise<Recipe> {
  const recipe = { ...preset(name), target };
  return completeRecipe(recipe, await passesOf(recipe));
}
