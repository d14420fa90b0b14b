/** Structured pruning as a step: at once, or in rounds with training between them. */

import { compressModel, preset } from '../../compress.ts';
import type { EngineName } from '../../engine/contract.ts';
import { openEngine } from '../../engine/open.ts';
import { cloneModel } from '../../ir/clone.ts';
import type { Model } from '../../ir/model.ts';
import { measureActivity } from '../../prune/activity.ts';
import { findChannelGroups } from '../../prune/channel-groups.ts';
import type { LayerCost } from '../../prune/cost-model.ts';
import type { Importance } from '../../prune/importance.ts';
import { latencyRatio, measureLayers } from '../../prune/layer-latency.ts';
import { type PruneOptions, type PruneResult, pruneModel } from '../../prune/prune.ts';
import { formatCount, formatPercent } from '../../support/units.ts';
import { sampleData } from '../../train/samples.ts';
import type { TrainingSettings } from '../../train/settings.ts';
import { reestimateStatistics } from '../../train/statistics.ts';
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
  /** Runtime that a latency target is measured on. */
  readonly runtime: EngineName;
}

export const pruneStep = (options: PruneStepOptions): ModelStep => ({
  name: 'prune',
  async apply(model, context) {
    let current = cloneModel(model);
    let result: PruneResult | null = null;
    const training = [];
    for (let round = 1; round <= options.rounds; round++) {
      ({ model: current, result } = await pruneOnce(current, partTarget(options, round), options, context));
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
): Promise<Pruned> {
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
  const { importance, scope, round, exclude } = options;
  const prune = (goal: PruneStepOptions['target'], layerCost?: LayerCost): Pruned => {
    const copy = cloneModel(model);
    const settings = { target: goal, importance, scope, round, exclude };
    return { model: copy, result: pruneModel(copy, settings, { activity, gradients, layerCost }) };
  };
  if (target.latency === undefined) return prune(target);
  const cost = await layerCost(model, options.runtime, context);
  const wanted = target.latency;
  let asked = wanted;
  let best: { readonly pruned: Pruned; readonly miss: number } | null = null;
  // The table adds up layers that were timed alone; what the runtime fuses makes the sum differ from the whole, so the
  // whole is measured and the aim corrected.
  for (let attempt = 0; attempt < 4; attempt++) {
    const pruned = prune({ ...target, latency: asked }, cost);
    const share = await latencyShare(context.original, pruned.model, options.runtime, context.signal);
    const miss = Math.abs(share - wanted);
    if (!best || miss < best.miss) best = { pruned, miss };
    if (miss < 0.03) break;
    asked = Math.min(0.98, Math.max(0.05, asked * (wanted / share)));
  }
  return (best as NonNullable<typeof best>).pruned;
}

interface Pruned {
  readonly model: Model;
  readonly result: PruneResult;
}

async function layerCost(
  model: Model,
  runtime: EngineName,
  { events, signal }: StepContext,
): Promise<LayerCost> {
  const engine = await openEngine(runtime);
  // BatchNormalization is folded when the model runs; measured apart it would count twice.
  const { model: folded } = await compressModel(model, { recipe: preset('clean'), engine, signal });
  return measureLayers(folded, {
    engine,
    signal,
    onProgress: (done, total) => events.progress?.('prune', done, total),
  });
}

async function latencyShare(
  dense: Model,
  pruned: Model,
  runtime: EngineName,
  signal: AbortSignal | undefined,
): Promise<number> {
  const engine = await openEngine(runtime);
  const [a, b] = [
    await compressModel(dense, { recipe: preset('clean'), engine, signal }),
    await compressModel(pruned, { recipe: preset('clean'), engine, signal }),
  ];
  return latencyRatio(engine, a.model, b.model, signal);
}

/** Running statistics of BatchNormalization follow the pruned network, as far as there is data. */
async function reestimated(
  model: Model,
  { engine, prepared, training, signal }: StepContext,
): Promise<Model> {
  if (!prepared || training.length < 32) return model;
  const data = await sampleData(prepared.source, training.slice(0, 1024));
  return reestimateStatistics(engine, model, data, { signal });
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
