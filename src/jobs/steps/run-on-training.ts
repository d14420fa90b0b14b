/** Runs a recipe inside a step; statistics that its passes ask for come from samples that may be trained on. */

import { compressModel } from '../../compress/compress.ts';
import type { Skip } from '../../compress/pipeline/pass.ts';
import type { Recipe } from '../../compress/pipeline/recipe.ts';
import { observe } from '../../compute/calibrate/observe.ts';
import type { Model } from '../../model/ir/model.ts';
import { spread } from '../../support/spread.ts';
import type { StepContext } from '../model-steps.ts';
import { refuse } from '../refusals.ts';

export interface RecipeResult {
  readonly model: Model;
  readonly skips: readonly Skip[];
  /** Edits made. */
  readonly changed: number;
  /** For where nothing was changed that should have been. @throws NOTHING_TO_QUANTIZE with the reason for every weight */
  refuse(): Promise<never>;
}

/** Samples that scores from data look at. */
const scoringSamples = 64;

/** A copy on which the recipe has run, and what it skipped. @throws what its passes throw */
export async function runOnTraining(
  source: Model,
  recipe: Recipe,
  { engine, prepared, training, signal }: StepContext,
): Promise<RecipeResult> {
  const indices = spread(training, scoringSamples);
  const { model, journal } = await compressModel(source, {
    recipe,
    engine,
    signal,
    calibrate:
      prepared && indices.length > 0
        ? (m, requests) =>
            observe(engine, m, requests, {
              count: indices.length,
              read: (i) => prepared.source.read(indices[i] as number),
            })
        : undefined,
  });
  const changed = journal.stages.flatMap((s) => s.passes).reduce((n, p) => n + p.changed, 0);
  return {
    model,
    skips: journal.skips.map(({ at, reason }) => ({ at, reason })),
    changed,
    refuse: () => refuse('The model', { recipe, model, journal }),
  };
}
