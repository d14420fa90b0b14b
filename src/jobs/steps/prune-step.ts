/** Structured pruning as a step: at once, or in rounds with training between them. */

import { compressModel, preset } from '../../compress/compress.ts';
import type { PrunePlan } from '../../compress/plan.ts';
import { measureActivity } from '../../compress/prune/activity.ts';
import { findChannelGroups } from '../../compress/prune/channel-groups.ts';
import type { LayerCost } from '../../compress/prune/cost-model.ts';
import type { Importance, ImportanceData } from '../../compress/prune/importance.ts';
import { measureLayers } from '../../compress/prune/layer-latency.ts';
import { pruneOnData } from '../../compress/prune/on-data.ts';
import { joinResults, type PruneResult, pruneModel, targetAt } from '../../compress/prune/prune.ts';
import { type Reconstructed, reconstruct } from '../../compress/prune/reconstruct.ts';
import { scoreReconstruction } from '../../compress/prune/reconstruction-scores.ts';
import type { Samples } from '../../compute/calibrate/run-samples.ts';
import type { EngineName } from '../../compute/engine/contract.ts';
import { latencyRatio } from '../../compute/engine/latency-ratio.ts';
import { engineOfTarget, openEngine } from '../../compute/engine/open.ts';
import type { RunContext } from '../../compute/engine/run-context.ts';
import { openHeldOut } from '../../compute/train/held-out.ts';
import { sampleData } from '../../compute/train/samples.ts';
import { reestimateStatistics } from '../../compute/train/statistics.ts';
import { cloneModel } from '../../model/ir/clone.ts';
import type { Model } from '../../model/ir/model.ts';
import { scoresClasses } from '../../model/ops/class-scores.ts';
import { spread } from '../../support/spread.ts';
import { formatCount, formatPercent } from '../../support/units.ts';
import type { ModelStep, StepContext } from '../model-steps.ts';
import { lossGradients } from './loss-gradients.ts';
import { inRounds } from './rounds.ts';
import { fewest, someSamples } from './spread.ts';

export const pruneStep = (options: PrunePlan): ModelStep => ({
  name: 'prune',
  async apply(model, context) {
    const run = { ...options, name: 'prune' };
    if (!context.prepared && removesMuch(options.target))
      context.events.note?.('prune', context.madeUp ? fittedUnseen : unseen);
    const { kept, training, stopped } = await inRounds<Pruned>(run, context, async (before, round) => {
      const now = await pruneOnce(before?.model ?? model, partTarget(options, round), options, context);
      return before ? { ...now, result: joinResults(before.result, now.result) } : now;
    });
    const { result: done, fit } = kept;
    const current = await reestimated(kept.model, context);
    const notes = [stopped, tooFew(options, context)].filter((n) => n !== null);
    const skips = [
      ...done.skipped,
      ...(fit?.skipped ?? []).map((s) => ({ ...s, reason: `not-fitted: ${s.reason}` })),
    ];
    return { model: current, summary: describe(done, fit), note: notes.join('; ') || null, skips, training };
  },
});

/** As long as a line of a step. */
const unseen = "no data to choose by: most networks don't survive this";

const fittedUnseen = 'no data: goes by made-up inputs, and real ones lose more';

/** Above what networks mostly bear without data. */
const removesMuch = ({ parameters = 1, macs = 1, latency = 1 }: PrunePlan['target']) =>
  Math.min(parameters, macs, latency) < 0.95;

/** Why data was there and nothing was made of it; null where something was, or nothing was to be. */
function tooFew({ importance, reconstruct }: PrunePlan, { prepared, training }: StepContext) {
  if (!prepared || training.length >= fewest || (importance !== null && !reconstruct)) return null;
  return `went by magnitude, with nothing fitted: ${training.length} samples are left to learn from, ${fewest} are needed`;
}

/** Cubic: most goes early, while the network still has room (Zhu & Gupta 2017). */
function partTarget(options: PrunePlan, round: number): PrunePlan['target'] {
  return targetAt(options.target, 1 - (1 - round / options.rounds) ** 3);
}

/** The given model stays as it is. */
async function pruneOnce(
  model: Model,
  target: PrunePlan['target'],
  options: PrunePlan,
  context: StepContext,
): Promise<Pruned> {
  const { engine, signal, events } = context;
  const { scope, round, exclude } = options;
  const rank = someSamples(context, toRank);
  const fit = options.reconstruct ? someSamples(context, toFit) : null;
  const importance = options.importance ?? (rank ? 'reconstruction' : 'l2');
  const onProgress = (done: number, total: number) => events.progress?.('prune', done, total);
  if (target.latency === undefined && importance === 'reconstruction' && rank && fit) {
    const goal = { target, scope, round, exclude, signal, onProgress };
    return pruneOnData(engine, model, { rank, fit }, goal);
  }
  const data = await importanceData(model, importance, rank, context);
  const prune = (goal: PrunePlan['target'], layerCost?: LayerCost): Pruned => {
    const copy = cloneModel(model);
    const settings = { target: goal, importance, scope, round, exclude };
    return { model: copy, result: pruneModel(copy, settings, { ...data, layerCost }), fit: null };
  };
  const pruned =
    target.latency === undefined
      ? prune(target)
      : await pruneToLatency(model, { ...target, latency: target.latency }, prune, options, context);
  if (!fit) return pruned;
  const pair = { dense: model, pruned: pruned.model, outputs: pruned.result.outputs };
  return { ...pruned, fit: await reconstruct(engine, pair, fit, { signal, onProgress }) };
}

/** Samples that channels are ranked by, and that what is left is fitted to. */
const [toRank, toFit] = [192, 256];

async function importanceData(
  model: Model,
  importance: Importance,
  samples: Samples | null,
  context: StepContext,
): Promise<ImportanceData> {
  const { engine, prepared, signal } = context;
  if (importance === 'taylor')
    return { gradients: prepared ? await lossGradients(model, context) : undefined };
  const { groups } = findChannelGroups(model, {});
  if (importance === 'activation' && samples)
    return { activity: await measureActivity(engine, model, groups, samples) };
  if (importance === 'reconstruction' && samples)
    return { errors: await scoreReconstruction(engine, model, groups, samples, { signal }) };
  return {};
}

async function pruneToLatency(
  model: Model,
  target: PrunePlan['target'] & { readonly latency: number },
  prune: (target: PrunePlan['target'], cost: LayerCost) => Pruned,
  options: PrunePlan,
  context: StepContext,
): Promise<Pruned> {
  const cost = await layerCost(model, engineOfTarget(options.on), context);
  const wanted = target.latency;
  let asked = wanted;
  let best: { readonly pruned: Pruned; readonly miss: number } | null = null;
  // The table adds up layers that were timed alone; what the runtime fuses makes the sum differ from the whole, so the
  // whole is measured and the aim corrected.
  for (let attempt = 0; attempt < 4; attempt++) {
    const pruned = prune({ ...target, latency: asked }, cost);
    const share = await latencyShare(
      context.original,
      pruned.model,
      engineOfTarget(options.on),
      context.signal,
    );
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
  readonly fit: Reconstructed | null;
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
  signal: RunContext['signal'],
): Promise<number> {
  const engine = await openEngine(runtime);
  const [a, b] = [
    await compressModel(dense, { recipe: preset('clean'), engine, signal }),
    await compressModel(pruned, { recipe: preset('clean'), engine, signal }),
  ];
  return latencyRatio(engine, a.model, b.model, { signal });
}

/** Running statistics of BatchNormalization follow the pruned network, where there is data and it answers more like the
 *  original then: what was fitted to the original's answers may be better as it is. */
async function reestimated(model: Model, context: StepContext): Promise<Model> {
  const { engine, prepared, training, original, signal } = context;
  if (!prepared || training.length < 32) return model;
  const data = await sampleData(prepared.source, spread(training, 1024));
  const renewed = await reestimateStatistics(engine, model, data, { signal });
  if (renewed === model) return model;
  const some = spread(training, 500);
  const meter = await openHeldOut({
    engine,
    data: await sampleData(prepared.source, some),
    batch: Math.min(50, some.length),
    teacher: original,
    scores: scoresClasses(original),
  });
  try {
    return meter && (await meter.measure(renewed)) < (await meter.measure(model)) ? model : renewed;
  } finally {
    await meter?.close();
  }
}

function describe({ after, dense, removed }: PruneResult, fit: Reconstructed | null): string {
  const units = removed.reduce((n, r) => n + r.from - r.to, 0);
  return [
    `${formatCount(dense.macs)} → ${formatCount(after.macs)} MACs (${formatPercent(after.macs / dense.macs, 0)})`,
    fit ? `${fit.fitted} layers fitted to the original's answers` : '',
    `${formatCount(dense.parameters)} → ${formatCount(after.parameters)} parameters`,
    `${units} channels in ${removed.length} groups removed`,
  ]
    .filter(Boolean)
    .join(' · ');
}
