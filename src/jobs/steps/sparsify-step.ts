/** Zeros in weights as a step: at once, or in rounds with training between them that keeps the zeros. */
import { sparsityEffect } from '../../compress/prune/sparsity.ts';
import { sparsityOfRound } from '../../compress/prune/unstructured.ts';
import { findWeightLayers, sparseWeights, sparsityOf } from '../../compress/prune/unstructured-layers.ts';
import type { TargetName } from '../../compress/quant/kernels.ts';
import type { TrainingSettings } from '../../compute/train/settings.ts';
import { formatPercent } from '../../support/units.ts';
import type { ModelStep } from '../model-steps.ts';
import { type PassResult, runPass } from './pass-step.ts';
import { inRounds } from './rounds.ts';

export interface SparsifyStepOptions {
  /** Options of the pass prune-weights: { sparsity: 0.7 }, { pattern: '2:4', score: 'sparsegpt' } … */
  readonly weights: Readonly<Record<string, unknown>> & { readonly sparsity?: number };
  /** Rounds of pruning, by the cubic schedule; more than one needs `settings` and a share to aim at. */
  readonly rounds: number;
  readonly settings: TrainingSettings | null;
  readonly maxDrop: number | null;
  readonly target: TargetName;
}

export const sparsifyStep = (options: SparsifyStepOptions): ModelStep => ({
  name: 'sparsify',
  async apply(model, context) {
    const { weights, settings, target } = options;
    const rounds = settings && weights.sparsity !== undefined && context.prepared ? options.rounds : 1;
    const run = { ...options, name: 'sparsify', rounds, masked: sparseWeights };
    const { kept, training, stopped } = await inRounds<PassResult>(run, context, (before, round) => {
      const share =
        weights.sparsity === undefined ? {} : { sparsity: sparsityOfRound(weights.sparsity, round, rounds) };
      return runPass(
        before?.model ?? model,
        { pass: 'prune-weights', options: { ...weights, ...share }, target },
        context,
      );
    });
    const { model: current, skips } = kept;
    const share = formatPercent(sparsityOf(findWeightLayers(current)), 0);
    const summary = `${share} of the weights are zero · ${sparsityEffect(target)}`;
    return { model: current, summary, note: stopped, skips, training };
  },
});
