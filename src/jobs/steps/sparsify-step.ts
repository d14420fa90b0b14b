/** Zeros in weights as a step: at once, or in rounds with training between them that keeps the zeros. */
import { fillRecipe } from '../../compress/compress.ts';
import type { SparsifyPlan } from '../../compress/plan.ts';
import { sparsityEffect } from '../../compress/prune/sparsity.ts';
import { sparsityOfRound } from '../../compress/prune/unstructured.ts';
import { findWeightLayers, sparseWeights, sparsityOf } from '../../compress/prune/unstructured-layers.ts';
import { formatPercent } from '../../support/units.ts';
import type { ModelStep } from '../model-steps.ts';
import { inRounds } from './rounds.ts';
import { type RecipeResult, runOnTraining } from './run-on-training.ts';

export const sparsifyStep = (plan: SparsifyPlan): ModelStep => ({
  name: 'sparsify',
  async apply(model, context) {
    const { recipe, sparsity, rounds } = plan;
    const run = { ...plan, name: 'sparsify', masked: sparseWeights };
    const { kept, training, stopped } = await inRounds<RecipeResult>(run, context, async (before, round) => {
      const share = sparsity === null ? undefined : 100 * sparsityOfRound(sparsity, round, rounds);
      const filled = await fillRecipe(recipe, { sparsity: share });
      const made = await runOnTraining(before?.model ?? model, filled, context);
      // Zeros that are there already are no reason to refuse.
      if (made.changed === 0 && made.skips.length === findWeightLayers(model).length) await made.refuse();
      return made;
    });
    const { model: current, skips } = kept;
    const share = formatPercent(sparsityOf(findWeightLayers(current)), 0);
    const summary = `${share} of the weights are zero · ${sparsityEffect(recipe.target)}`;
    return { model: current, summary, note: stopped, skips, training };
  },
});
