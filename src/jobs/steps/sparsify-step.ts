/** Zeros in weights as a step: at once, or in rounds with training between them that keeps the zeros. */
import type { Skip } from '../../pipeline/pass.ts';
import { sparsityEffect } from '../../prune/sparsity.ts';
import { sparsityOfRound } from '../../prune/unstructured.ts';
import { findWeightLayers, sparseWeights, sparsityOf } from '../../prune/unstructured-layers.ts';
import type { TargetName } from '../../quant/kernels.ts';
import { formatPercent } from '../../support/units.ts';
import type { TrainingSettings } from '../../train/settings.ts';
import type { ModelStep } from '../model-steps.ts';
import { trainingRun } from '../training-run.ts';
import { runPass } from './pass-step.ts';

export interface SparsifyStepOptions {
  /** Options of the pass prune-weights: { sparsity: 0.7 }, { pattern: '2:4', score: 'sparsegpt' } … */
  readonly weights: Readonly<Record<string, unknown>> & { readonly sparsity?: number };
  /** Rounds of pruning, by the cubic schedule; more than one needs `settings` and a share to aim at. */
  readonly rounds: number;
  /** Of the training between rounds, which share half of its epochs; null: none. */
  readonly settings: TrainingSettings | null;
  readonly target: TargetName;
}

export const sparsifyStep = (options: SparsifyStepOptions): ModelStep => ({
  name: 'sparsify',
  async apply(model, context) {
    const { weights, settings, target } = options;
    const rounds = settings && weights.sparsity !== undefined && context.prepared ? options.rounds : 1;
    let current = model;
    let skips: readonly Skip[] = [];
    const training = [];
    for (let round = 1; round <= rounds; round++) {
      const share =
        weights.sparsity === undefined ? {} : { sparsity: sparsityOfRound(weights.sparsity, round, rounds) };
      const run = { pass: 'prune-weights', options: { ...weights, ...share }, target };
      ({ model: current, skips } = await runPass(current, run, context));
      if (round === rounds || !settings || !context.prepared) continue;
      const epochs = Math.max(1, Math.round(settings.epochs / (2 * rounds)));
      const trained = await trainingRun(current, {
        engine: context.engine,
        settings: { ...settings, epochs },
        source: context.prepared.source,
        indices: context.training,
        teacher: context.original,
        masked: sparseWeights(current),
        events: context.events,
        step: 'sparsify',
        signal: context.signal,
      });
      current = trained.model;
      training.push({ ...trained.record, name: `sparsify, round ${round}` });
    }
    const share = formatPercent(sparsityOf(findWeightLayers(current)), 0);
    const summary = `${share} of the weights are zero · ${sparsityEffect(target)}`;
    return { model: current, summary, skips, training };
  },
});
