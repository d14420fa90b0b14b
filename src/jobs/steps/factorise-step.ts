/** Products made of two thin ones, as a step. */
import type { Recipe } from '../../compress/pipeline/recipe.ts';
import { describeChange, type ModelStep, macsOf } from '../model-steps.ts';
import { runOnTraining } from './run-on-training.ts';

export const factoriseStep = (recipe: Recipe): ModelStep => ({
  name: 'factorise',
  async apply(source, context) {
    const { model, skips, changed, refuse } = await runOnTraining(source, recipe, context);
    if (changed === 0) await refuse();
    const macs = describeChange(macsOf(source), macsOf(model), 'MACs');
    const said = [macs, `${changed} products made of two thin ones`];
    return { model, skips, summary: said.filter(Boolean).join(' · ') };
  },
});
