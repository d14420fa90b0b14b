/** Which units go: the least important ones, until the target is met. 'global' ranks all units of the network in one
 *  list, 'uniform' takes the same share of every group. Widths come out as multiples that kernels like, where a group
 *  is wide enough for that; every group keeps a share. */
import type { ChannelGroup } from './channel-groups.ts';
import type { Cost, CostModel } from './cost-model.ts';

export interface PruneTarget {
  /** Shares of the dense model's that stay, 0 to 1. All that are given must be met. */
  readonly parameters?: number | undefined;
  readonly macs?: number | undefined;
  readonly latency?: number | undefined;
}

interface ChoiceOptions {
  readonly scope: 'global' | 'uniform';
  /** Widths become multiples of this, or of a half, a quarter … of it where a group has fewer than four of them. */
  readonly round: number;
  /** Least share of a group's units that stays, 0 to 1; at least one unit does. */
  readonly leave: number;
  /** Widths of the groups before any pruning: what the shares and multiples refer to. */
  readonly widths: readonly number[];
}

export interface Choice {
  readonly removed: ReadonlySet<number>;
  readonly cost: Cost;
  /** Whether the target is met; otherwise all that may go is gone. */
  readonly met: boolean;
}

interface Ranked {
  readonly group: ChannelGroup;
  /** Units, the least important first. */
  readonly order: readonly number[];
  readonly scores: Float64Array;
  readonly step: number;
  readonly most: number;
}

/** @param scores  of the units of each group, as scoreUnits gives them
 *  @param until  whether a cost is low enough, or the share of units that goes */
export function chooseUnits(
  groups: readonly ChannelGroup[],
  scores: readonly Float64Array[],
  cost: CostModel,
  until: { readonly within: (cost: Cost) => boolean } | { readonly ratio: number },
  options: ChoiceOptions,
): Choice {
  const ranked = groups.map((group, i) => rank(group, scores[i]!, options.widths[i]!, options));
  const levels =
    options.scope === 'uniform'
      ? Array.from({ length: 1001 }, (_, i) => i / 1000)
      : [Number.NEGATIVE_INFINITY, ...ranked.flatMap((r) => [...r.scores]).sort((a, b) => a - b)];
  const counts = (level: number) =>
    ranked.map((r) =>
      options.scope === 'uniform'
        ? level * r.group.units.length
        : r.scores.reduce((n, s) => n + (s <= level ? 1 : 0), 0),
    );
  const at = (level: number) => counts(level).map((n, i) => rounded(ranked[i]!, n));
  const removedBy = (numbers: readonly number[]) =>
    new Set(ranked.flatMap((r, i) => r.order.slice(0, numbers[i]!).map((u) => r.group.units[u]!)));
  if ('ratio' in until) {
    const level = levels[Math.min(levels.length - 1, Math.round(until.ratio * (levels.length - 1)))]!;
    return finish(at(level), true);
  }
  const fits = (numbers: readonly number[]) => until.within(cost(removedBy(numbers)));
  let [low, high] = [0, levels.length - 1];
  if (!fits(at(levels[high]!))) return finish(at(levels[high]!), false);
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fits(at(levels[middle]!))) high = middle;
    else low = middle + 1;
  }
  const numbers = at(levels[low]!);
  giveBack(numbers);
  return finish(numbers, true);

  function finish(chosen: readonly number[], met: boolean): Choice {
    const removed = removedBy(chosen);
    return { removed, cost: cost(removed), met };
  }

  /** Rounding overshoots: what fits again, the most important first, stays after all. */
  function giveBack(chosen: number[]): void {
    if (options.scope === 'uniform') return;
    const order = ranked
      .map((r, i) => ({ i, step: r.step, score: meanOf(r, chosen[i]! - r.step, chosen[i]!) }))
      .filter(({ i, step }) => chosen[i]! >= step && chosen[i]! > 0)
      .sort((a, b) => b.score - a.score);
    for (const { i, step } of order) {
      chosen[i]! -= step;
      if (!fits(chosen)) chosen[i]! += step;
    }
  }
}

const meanOf = (r: Ranked, from: number, to: number) =>
  r.order.slice(Math.max(0, from), to).reduce((n, u) => n + r.scores[u]!, 0) /
  Math.max(1, to - Math.max(0, from));

function rank(group: ChannelGroup, scores: Float64Array, dense: number, options: ChoiceOptions): Ranked {
  const size = group.units.length;
  const order = Array.from({ length: size }, (_, i) => i).sort((a, b) => scores[a]! - scores[b]! || a - b);
  const step = stepFor(group.kind, dense, options.round);
  const least = Math.max(1, Math.ceil(dense * options.leave));
  return { group, order, scores, step, most: size - Math.min(size, Math.ceil(least / step) * step) };
}

/** Heads are whole already. Elsewhere the largest of round, round/2 … that goes at least four times into the width. */
function stepFor(kind: ChannelGroup['kind'], width: number, round: number): number {
  if (kind === 'heads') return 1;
  let step = Math.max(1, round);
  while (step > 1 && (width < 4 * step || width % step !== 0)) step = Math.floor(step / 2);
  return step;
}

/** So many units that a multiple of the step stays. */
const rounded = (r: Ranked, wanted: number) => {
  const removed = Math.min(r.most, Math.floor(wanted + 1e-9));
  return removed - (removed % r.step);
};
