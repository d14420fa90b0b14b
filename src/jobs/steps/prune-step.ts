/** Structured pruning as a step: at once, or in rounds with training between them. */

import { cloneModel } from '../../ir/clone.ts';
import type { Model } from '../../ir/model.ts';
import { measureActivity } from '../../prune/activity.ts';
import { findChannelGroups } from '../../prune/channel-groups.ts';
import type { LayerCost } from '../../prune/cost-model.ts';
import type { Importance } from '../../prune/importance.ts';
import { type PruneOptions, type PruneResult, pruneModel } from '../../prune/prune.ts';
import { formatCount, formatPercent } from '../../support/units.ts';
import { train } from '../../train/loop.ts';
import { sampleData } from '../../train/samples.ts';
import {
  lossesOf,
  scoresClasses,
  type TrainingSettings,
  trainingSettingsSchema,
} from '../../train/settings.ts';
import type { ModelStep, StepContext } from '../model-steps.ts';
import { trainingRun } from '../training-run.ts';
import { lossGradients } from './loss-gradients.ts';

export interface PruneStepOptions {
  /** Shares of the original that stay. */
  readonly target: NonNullable<PruneOptions['target']>;
  readonly importance: Importance;
  readonly scope: 'global' | 'uniform';
  readonly round: number;
  readonly exclude: readonly string[];
  /** Prune in this many rounds, training in between (all but the last). */
  readonly rounds: number;
  /** Of the training between rounds; its epochs are shared out among them. */
  readonly settings: TrainingSettings | null;
  /** For a latency target: what a layer takes on the target, measured. */
  readonly layerCost?: (model: Model, context: StepContext) => Promise<LayerCost>;
}

export const pruneStep = (options: PruneStepOptions): ModelStep => ({
  name: 'prune',
  async apply(model, context) {
    let current = cloneModel(model);
    let result: PruneResult | null = null;
    const training = [];
    for (let round = 1; round <= options.rounds; round++) {
      result = await pruneOnce(current, partTarget(options, round), options, context);
      if (round === options.rounds || !options.settings || !context.prepared) continue;
      const epochs = Math.max(1, Math.round(options.settings.epochs / (2 * options.rounds)));
      const run = await trainingRun(current, {
        engine: context.engine,
        settings: { ...options.settings, epochs },
        source: context.prepared.source,
        indices: context.training,
        teacher: context.original,
        events: context.events,
        step: 'prune',
        signal: context.signal,
      });
      current = run.model;
      training.push({ ...run.record, name: `prune, round ${round}` });
    }
    const done = result as PruneResult;
    current = await reestimated(current, context);
    return { model: current, summary: describe(done), skips: done.skipped, training };
  },
});

/** Cubic: most goes early, while the network still has room (Zhu & Gupta 2017). */
function partTarget(options: PruneStepOptions, round: number): PruneStepOptions['target'] {
  const share = 1 - (1 - round / options.rounds) ** 3;
  return Object.fromEntries(
    Object.entries(options.target).flatMap(([k, stays]) =>
      stays === undefined ? [] : [[k, 1 - (1 - stays) * share]],
    ),
  );
}

async function pruneOnce(
  model: Model,
  target: PruneStepOptions['target'],
  options: PruneStepOptions,
  context: StepContext,
): Promise<PruneResult> {
  const { engine, prepared, training } = context;
  const few = training.slice(0, 64);
  const activity =
    options.importance === 'activation' && prepared
      ? await measureActivity(engine, model, findChannelGroups(model, {}).groups, {
          count: few.length,
          read: (i) => prepared.source.read(few[i] as number),
        })
      : undefined;
  const gradients =
    options.importance === 'taylor' && prepared ? await lossGradients(model, context) : undefined;
  return pruneModel(
    model,
    {
      target,
      importance: options.importance,
      scope: options.scope,
      round: options.round,
      exclude: options.exclude,
    },
    {
      activity,
      gradients,
      layerCost: options.layerCost ? await options.layerCost(model, context) : undefined,
    },
  );
}

/** Running statistics of BatchNormalization follow the pruned network: a pass over some samples with the weights held
 *  (learning rate zero). Without data, or without BatchNormalization, nothing happens. */
async function reestimated(model: Model, context: StepContext): Promise<Model> {
  const { engine, prepared, training, original, signal } = context;
  const normalises = model.graph.nodes.some((n) => n.opType === 'BatchNormalization');
  if (!normalises || !prepared || training.length < 32) return model;
  const scores = scoresClasses(model);
  const data = await sampleData(prepared.source, training.slice(0, 1024));
  const run = train(model, {
    engine,
    data,
    batch: Math.min(64, training.length),
    epochs: Math.max(1, Math.ceil(40 / Math.ceil(data.length / 64))),
    learningRate: 0,
    losses: lossesOf(trainingSettingsSchema.parse({}), { teacher: true, labelled: false, scores }),
    optimizer: { kind: 'sgd' },
    teacher: original,
    seed: 0,
    ...(signal ? { signal } : {}),
  });
  for (;;) {
    const next = await run.next();
    if (next.done) return next.value.model;
  }
}

function describe({ before, after, dense, removed }: PruneResult): string {
  const units = removed.reduce((n, r) => n + r.from - r.to, 0);
  return [
    `${formatCount(dense.macs)} → ${formatCount(after.macs)} MACs (${formatPercent(after.macs / dense.macs, 0)})`,
    `${formatCount(dense.parameters)} → ${formatCount(after.parameters)} parameters`,
    `${units} channels in ${removed.length} groups removed`,
    before.macs === dense.macs ? '' : 'in rounds',
  ]
    .filter(Boolean)
    .join(' · ');
}
