/** Structured pruning of a model: find what goes together, rank it, remove it. */
import { type Model, shapeOf } from '../../model/ir/model.ts';
import type { ChannelLinks, UnitKind } from '../../model/ops/channels/links.ts';
import type { Bindings } from '../../model/ops/dims.ts';
import { pruneNeeds, pruneTargetMissing, pruneTargetUnreachable } from '../../support/diagnostics/pruning.ts';
import { selectNodes } from '../quant/name-patterns.ts';
import { type ChannelGroup, type ChannelGroups, findChannelGroups } from './channel-groups.ts';
import { chooseUnits, type PruneTarget } from './choose.ts';
import { type Cost, type CostModel, createCostModel, type LayerCost } from './cost-model.ts';
import {
  denseCost,
  denseWidths,
  prunedRatio,
  rememberCost,
  rememberRatio,
  rememberWidths,
} from './history.ts';
import { type Importance, type ImportanceData, reachOf, scoreUnits } from './importance.ts';
import { keptAfter } from './kept.ts';
import { removeUnits } from './remove.ts';
import { findWeightLayers } from './unstructured-layers.ts';

export interface PruneOptions {
  /** Shares that stay, of the dense model: of the first model that was pruned, when a pruned one is pruned again. */
  readonly target?: PruneTarget | undefined;
  /** Instead of a target: the share of units that goes, 0 to 1. */
  readonly ratio?: number | undefined;
  readonly importance?: Importance | undefined;
  readonly scope?: 'global' | 'uniform' | undefined;
  /** Widths become multiples of this where a group is wide enough (at least four times as wide). Default 8. */
  readonly round?: number | undefined;
  /** Least share of every group's units that stays. Default 0.1. */
  readonly leave?: number | undefined;
  /** Approaches the target in so many steps, ranking what is left again before each. Default 1. Only for importance from
   *  weights alone: gradients and activity are those of the model that was given. */
  readonly steps?: number | undefined;
  /** Nodes whose outputs keep their width: op types, names, globs, /regular expressions/. */
  readonly exclude?: readonly string[] | undefined;
  /** Kinds of units that may go. Default all. */
  readonly what?: readonly UnitKind[] | undefined;
  /** Lets axes shrink that LayerNormalization and the like go over (residual streams): for students only, since the
   *  result no longer answers like the original with the same channels masked. */
  readonly shrinkNorms?: boolean | undefined;
  /** Prune as far as possible where the target can't be reached, instead of refusing. */
  readonly bestEffort?: boolean | undefined;
}

export interface PruneContext extends ImportanceData {
  /** Sizes for symbols when costs are counted; 1 otherwise. */
  readonly bindings?: Bindings | undefined;
  /** For a latency target: milliseconds of a layer at given sizes. */
  readonly layerCost?: LayerCost | undefined;
}

export interface PruneResult {
  /** Before any pruning, now, and after. */
  readonly dense: Cost;
  readonly before: Cost;
  readonly after: Cost;
  /** Whether the target was met (always, unless `bestEffort`). */
  readonly met: boolean;
  readonly removed: readonly RemovedUnits[];
  /** What could not be pruned, with the reason. */
  readonly skipped: readonly { readonly at: string; readonly reason: string }[];
  /** For every layer's answer that has lost channels, by its name: the indices that stay, of what was given. */
  readonly outputs: ReadonlyMap<string, readonly number[]>;
}

interface RemovedUnits {
  /** Node that made the channels. */
  readonly at: string;
  readonly kind: UnitKind;
  readonly from: number;
  readonly to: number;
}

/** What would be removed. */
export interface PrunePlan {
  readonly found: ChannelGroups;
  /** Groups of the kinds that may go. */
  readonly groups: readonly ChannelGroup[];
  /** Class ids of the units that go. */
  readonly removed: ReadonlySet<number>;
  readonly result: PruneResult;
}

/** Removes channels, heads and hidden units; edits the model.
 *  @throws PRUNE_TARGET_MISSING, PRUNE_TARGET_UNREACHABLE (unless bestEffort), PRUNE_NEEDS_INPUT (taylor without
 *    gradients, activation without activity, latency without layerCost), PATTERN_MATCHES_NOTHING */
export function pruneModel(model: Model, options: PruneOptions, context: PruneContext = {}): PruneResult {
  const steps = stepsOf(options);
  let result: PruneResult | undefined;
  for (let step = 1; step <= steps; step++) {
    const plan = planPruning(
      model,
      { ...options, target: options.target && targetAt(options.target, step / steps) },
      context,
    );
    rememberWidths(model, plan.groups);
    removeUnits(model, plan.found, plan.removed);
    rememberCost(model, plan.result.dense, context.bindings);
    result = result ? joinResults(result, plan.result) : plan.result;
  }
  return finished(model, options, result!);
}

const fromWeightsAlone = new Set<Importance>(['l1', 'l2', 'batchnorm']);

const stepsOf = ({ steps = 1, target, importance }: PruneOptions) =>
  target && (importance === undefined || fromWeightsAlone.has(importance))
    ? Math.max(1, Math.round(steps))
    : 1;

/** On the straight way from the dense model to the target. @param done  0 to 1 */
export const targetAt = (target: PruneTarget, done: number): PruneTarget =>
  Object.fromEntries(
    Object.entries(target).flatMap(([key, share]) =>
      share === undefined ? [] : [[key, 1 - (1 - share) * done]],
    ),
  );

/** The result of two prunings in a row, as if they were one. */
export function joinResults(first: PruneResult, last: PruneResult): PruneResult {
  const key = ({ kind, at }: RemovedUnits) => `${kind} ${at}`;
  const removed = new Map(first.removed.map((r) => [key(r), r]));
  for (const r of last.removed) removed.set(key(r), { ...r, from: removed.get(key(r))?.from ?? r.from });
  const outputs = new Map(first.outputs);
  for (const [name, stay] of last.outputs) {
    const earlier = first.outputs.get(name);
    outputs.set(name, earlier ? stay.map((i) => earlier[i]!) : stay);
  }
  return { ...last, before: first.before, removed: [...removed.values()], outputs };
}

/** What stays of the channels of every layer's answer, where some go. */
function keptOutputs(
  model: Model,
  links: ChannelLinks,
  removed: ReadonlySet<number>,
): Map<string, readonly number[]> {
  const kept = keptAfter(links, removed);
  const found = new Map<string, readonly number[]>();
  for (const { node, weight } of findWeightLayers(model)) {
    const [answer] = node.outputs;
    const rank = shapeOf(answer)?.length;
    if (!answer || !rank || node.graph !== model.graph) continue;
    const stay = kept.indices(answer, weight.layout?.kernel === 'channels-first' ? 1 : rank - 1);
    if (stay) found.set(answer.name, stay);
  }
  return found;
}

function finished(model: Model, options: PruneOptions, result: PruneResult): PruneResult {
  if (options.ratio !== undefined && result.removed.length > 0) rememberRatio(model, options.ratio);
  return result;
}

/** What units are chosen among, and what that is weighed against. */
interface Candidates {
  readonly found: ChannelGroups;
  /** Of the kinds that may go. */
  readonly groups: readonly ChannelGroup[];
  readonly skipped: PruneResult['skipped'];
  readonly cost: CostModel;
  readonly before: Cost;
  readonly dense: Cost;
}

function findCandidates(model: Model, options: PruneOptions, context: PruneContext): Candidates {
  const exclude = options.exclude?.length ? selectNodes(model, { include: options.exclude }) : () => false;
  const found = findChannelGroups(model, { shrinkNorms: options.shrinkNorms ?? false, exclude });
  const what = new Set(options.what ?? ['channels', 'heads', 'hidden']);
  const others = found.groups.filter((g) => !what.has(g.kind));
  const unasked = others.map((g) => ({ at: g.name, reason: `not-asked-for: ${g.kind}` }));
  const cost = createCostModel(model, found.links, context.bindings, context.layerCost);
  const before = cost(new Set());
  return {
    ...{
      found,
      groups: found.groups.filter((g) => what.has(g.kind)),
      skipped: [...found.pinned, ...unasked],
    },
    ...{ cost, before, dense: denseCost(model, before, context.bindings) },
  };
}

/** Chooses what pruneModel removes in one step, and leaves the model as it is but for inferred types. @throws as pruneModel */
export function planPruning(model: Model, options: PruneOptions, context: PruneContext = {}): PrunePlan {
  const target = checkOptions(options, context);
  const byTarget = Object.keys(target).length > 0;
  const candidates = findCandidates(model, options, context);
  const { found, groups, cost, before, dense } = candidates;
  const within = (c: Cost) => isWithin(c, dense, target);
  if (byTarget ? within(before) : ratioDone(model, options.ratio!))
    return planOf(model, candidates, { removed: new Set(), cost: before, met: true });
  const scores = groups.map((g) => scoresOf(g, options.importance, candidates, target, context));
  const choice = chooseUnits(groups, scores, cost, byTarget ? { within } : { ratio: options.ratio! }, {
    scope: options.scope ?? 'global',
    round: options.round ?? 8,
    leave: options.leave ?? 0.1,
    widths: denseWidths(model, groups),
  });
  if (!choice.met && !options.bestEffort) throw unreachable(target, choice.cost, dense, found);
  return planOf(model, candidates, choice);
}

type Choice = Pick<ReturnType<typeof chooseUnits>, 'removed' | 'cost' | 'met'>;

function planOf(model: Model, candidates: Candidates, { removed, cost, met }: Choice): PrunePlan {
  const { found, groups, skipped, before, dense } = candidates;
  const outputs = keptOutputs(model, found.links, removed);
  const result = { dense, before, after: cost, met, removed: summary(groups, removed), skipped, outputs };
  return { found, groups, removed, result };
}

/** How much each unit of a group matters. */
function scoresOf(
  group: ChannelGroup,
  importance: Importance = 'l2',
  { before, cost }: Candidates,
  target: PruneTarget,
  context: PruneContext,
) {
  const errors = importance === 'reconstruction' ? errorsOf(group, context) : null;
  if (errors) return errorPerSaving(errors, group, before, cost, target);
  const reach = reachOf(group);
  return scoreUnits(group, importance, context).map((s) => s * reach);
}

/** Null where one is not known. */
function errorsOf(group: ChannelGroup, { errors }: ImportanceData): Float64Array | null {
  const found = group.keys.map((key) => errors?.get(key));
  return found.every((e) => e !== undefined) ? Float64Array.from(found) : null;
}

/** Errors are of one measure for the whole model, so what they buy can be weighed against them. */
function errorPerSaving(
  errors: Float64Array,
  group: ChannelGroup,
  before: Cost,
  cost: CostModel,
  target: PruneTarget,
): Float64Array {
  const without = cost(new Set([group.units[0]!]));
  const saved = [
    target.macs === undefined ? 0 : (before.macs - without.macs) / before.macs,
    target.latency === undefined
      ? 0
      : ((before.latencyMs ?? 0) - (without.latencyMs ?? 0)) / (before.latencyMs || 1),
    // Also where a ratio of units is asked for.
    target.macs === undefined && target.latency === undefined
      ? (before.parameters - without.parameters) / before.parameters
      : 0,
  ];
  const share = Math.max(
    1e-9,
    saved.reduce((a, b) => a + b, 0),
  );
  return errors.map((e) => e / share);
}

/** Makes a smaller model of the same kind, to be trained: the least important units of every group go, residual streams
 *  too. @param width  share of every width that stays, 0 to 1 */
export function narrow(model: Model, width: number, context: PruneContext = {}): PruneResult {
  return pruneModel(
    model,
    { ratio: 1 - width, scope: 'uniform', shrinkNorms: true, bestEffort: true, leave: 0.01 },
    context,
  );
}

function checkOptions(options: PruneOptions, context: PruneContext): PruneTarget {
  const { target, ratio, importance } = options;
  const asked = [target?.macs, target?.parameters, target?.latency].some((t) => t !== undefined);
  if (!asked && ratio === undefined) throw pruneTargetMissing();
  if (target?.latency !== undefined && !context.layerCost)
    throw pruneNeeds(
      'latency',
      'what each layer costs',
      'Measure the layers first, or give a share of macs.',
    );
  if (importance === 'taylor' && !context.gradients)
    throw pruneNeeds('taylor', 'gradients', 'Give data and a loss, or choose "l2".');
  if (importance === 'activation' && !context.activity)
    throw pruneNeeds('activation', 'activations of some samples', 'Give data, or choose "l2".');
  if (importance === 'reconstruction' && !context.errors)
    throw pruneNeeds('reconstruction', 'errors measured on some samples', 'Give data, or choose "l2".');
  return asked ? target! : {};
}

function isWithin(cost: Cost, dense: Cost, target: PruneTarget): boolean {
  const slack = 1 + 1e-9;
  return (
    cost.macs <= (target.macs ?? Number.POSITIVE_INFINITY) * dense.macs * slack &&
    cost.parameters <= (target.parameters ?? Number.POSITIVE_INFINITY) * dense.parameters * slack &&
    (target.latency === undefined || (cost.latencyMs ?? 0) <= target.latency * (dense.latencyMs ?? 0) * slack)
  );
}

const ratioDone = (model: Model, ratio: number) => ratio <= 0 || prunedRatio(model) >= ratio;

function unreachable(target: PruneTarget, least: Cost, dense: Cost, found: ChannelGroups) {
  const shares = [
    ['MACs', target.macs, least.macs / dense.macs],
    ['parameters', target.parameters, least.parameters / dense.parameters],
    ['latency', target.latency, (least.latencyMs ?? 0) / (dense.latencyMs || 1)],
  ] as const;
  const [what, asked, left] = shares.find(([, a, l]) => a !== undefined && l > a) ?? shares[0];
  return pruneTargetUnreachable(
    what,
    asked ?? 0,
    left,
    found.pinned.map((p) => `${p.at} (${p.reason})`),
  );
}

function summary(groups: readonly ChannelGroup[], removed: ReadonlySet<number>): RemovedUnits[] {
  const byMaker = new Map<string, RemovedUnits>();
  for (const { name: at, kind, units } of groups) {
    const key = `${kind} ${at}`;
    const { from, to } = byMaker.get(key) ?? { from: 0, to: 0 };
    const stay = units.filter((u) => !removed.has(u)).length;
    byMaker.set(key, { at, kind, from: from + units.length, to: to + stay });
  }
  return [...byMaker.values()].filter(({ from, to }) => to < from);
}
