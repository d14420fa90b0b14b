/** The order of a search, from cheap evidence to dear: precisions; the same with layers restored where too much was lost; fewer channels
 *  on top of the best of them, by narrowing an interval; training where pruning alone lost too much, for more epochs the nearer it
 *  comes; times, of what may be chosen. It knows no files and no processes: whoever calls it tries candidates and times results. */
import type { SweepLatency } from '../../judge/report/sweep-report.ts';
import type { JobResult } from '../sweep/result.ts';
import { type Candidate, narrowed, repaired, trained } from './candidates.ts';
import { costOf, type Evidence, frontOf, type Goal, needsTime, obstacle, ranked, usualDrop } from './goal.ts';

export interface Tried extends Evidence {
  readonly candidate: Candidate;
  /** null: it was not tried any more. */
  readonly result: JobResult | null;
  readonly latency: SweepLatency | null;
  /** Why there is no latency, where one was asked for. */
  readonly untimed: string | null;
}

export interface SearchSite {
  /** In as many processes as there is room for. @returns in the order given, those that were ended when time was up without a result */
  attempt(candidates: readonly Candidate[]): Promise<Tried[]>;
  /** Alone, by turns with the original. */
  time(tried: Tried): Promise<Tried>;
  /** Whether there is time for that many more. */
  hasTimeFor(candidates: readonly Candidate[]): Promise<boolean>;
  /** Whether what was found so far could be timed on this machine. */
  readonly times: boolean;
  /** Told of everything that is known so far. */
  found(all: readonly Tried[]): void;
}

export interface Space {
  readonly precisions: readonly Candidate[];
  /** Whether channels can go. */
  readonly prunes: boolean;
  /** Whether what was pruned can be trained. */
  readonly trains: boolean;
}

/** Shares of the arithmetic nearer to one another than this aren't told apart. */
const finest = 0.08;
const narrowest = 0.1;
/** Points above the budget that training may win back. */
const withinReach = 15;
/** Each is tried with more than the one before, and only half as many of them. */
const epochs = [2, 6, 20, 60];

/** @returns all that was tried, in the order in which it was */
export async function search(space: Space, goal: Goal, site: SearchSite): Promise<Tried[]> {
  const all: Tried[] = [];
  const attempt = async (candidates: readonly Candidate[]): Promise<Tried[]> => {
    if (candidates.length === 0) return [];
    const tried = await site.attempt(candidates);
    all.push(...tried);
    site.found(all);
    return tried;
  };
  /** What there is no time for is told as well. */
  const leave = (candidates: readonly Candidate[]) => {
    all.push(...candidates.map(untried));
    site.found(all);
  };
  const first = await attempt(space.precisions);
  const again = first.flatMap(({ candidate, metrics }) => {
    const isLost = metrics?.pointsLost != null && obstacleOf({ name: '', metrics }, goal) !== null;
    const other =
      isLost && candidate.recipe['weightBits'] === undefined
        ? repaired(candidate, goal.maxDrop ?? usualDrop)
        : null;
    return other ? [other] : [];
  });
  if (again.length > 0) await ((await site.hasTimeFor(again)) ? attempt(again) : leave(again));
  const time = async (tried: readonly Tried[]) => {
    for (const one of tried) {
      if (one.latency !== null || one.untimed !== null || !site.times) continue;
      const timed = await site.time(one);
      all[all.indexOf(one)] = timed;
      site.found(all);
    }
  };
  // What fewer channels are combined with has to be fast enough itself.
  if (needsTime(goal)) await time(toTime(all, goal));
  const base = ranked(all, goal).find(({ candidate }) => isBase(candidate));
  if (space.prunes && base) await prune(base, { space, goal, site, attempt, leave });
  if (site.times) await time(needsTime(goal) ? toTime(all, goal) : [...frontOf(all)]);
  return all;
}

const obstacleOf = (one: Omit<Evidence, 'latency' | 'visitBytes'>, goal: Goal) =>
  obstacle({ ...one, latency: null, visitBytes: null }, goal);

/** Shared values are not combined with anything. */
const isBase = ({ recipe }: Candidate) => recipe['cluster'] === undefined;

/** What may be chosen by what is known of it, the best by the goal first; and the front. */
function toTime(all: readonly Tried[], goal: Goal): Tried[] {
  const front = frontOf(all);
  const possible = all.filter((one) => one.result !== null && obstacle(one, goal) === null);
  const cost = (one: Tried) => (goal.minimise === 'latency' ? 0 : costOf(one, goal));
  return [...possible]
    .sort((a, b) => cost(a) - cost(b))
    .concat([...front].filter((one) => one.result !== null && !possible.includes(one)));
}

const untried = (candidate: Candidate): Tried => ({
  ...{ name: candidate.name, candidate, result: null, metrics: null },
  ...{ visitBytes: null, latency: null, untimed: null },
});

interface Pruning {
  readonly space: Space;
  readonly goal: Goal;
  readonly site: SearchSite;
  readonly attempt: (candidates: readonly Candidate[]) => Promise<Tried[]>;
  readonly leave: (candidates: readonly Candidate[]) => void;
}

/** Two shares a round divide the interval between what is lost and what holds in three. */
async function prune({ candidate }: Tried, { space, goal, site, attempt, leave }: Pruning): Promise<void> {
  let [lost, held] = [narrowest, 1];
  const failed: { readonly share: number; readonly points: number }[] = [];
  while (held - lost > finest) {
    const third = (held - lost) / 3;
    const shares = [held - third, lost + third].map((share) => Number(share.toFixed(2)));
    const next = shares.map((share) => narrowed(candidate, share));
    if (!(await site.hasTimeFor(next))) {
      leave(next);
      break;
    }
    const tried = await attempt(next);
    if (tried.every(({ metrics }) => metrics === null)) break;
    for (const [i, one] of tried.entries()) {
      const share = shares[i]!;
      if (one.metrics === null) continue;
      if (obstacle(one, goal) === null) held = Math.min(held, share);
      else {
        lost = Math.max(lost, Math.min(share, held - 0.01));
        if (one.metrics.pointsLost !== null) failed.push({ share, points: one.metrics.pointsLost });
      }
    }
  }
  if (!space.trains) return;
  // The narrowest that training may still save come last: they gain most and cost as much.
  let left = failed
    .filter(({ points, share }) => points <= (goal.maxDrop ?? usualDrop) + withinReach && share < held)
    .sort((a, b) => b.share - a.share)
    .map(({ share }) => narrowed(candidate, share))
    .slice(0, 4);
  for (const count of epochs) {
    const next = left.map((one) => trained(one, count));
    if (next.length === 0) return;
    if (!(await site.hasTimeFor(next))) return leave(next);
    const tried = await attempt(next);
    const open = tried
      .filter((one) => one.metrics?.pointsLost != null && obstacle(one, goal) !== null)
      .sort((a, b) => a.metrics!.pointsLost! - b.metrics!.pointsLost!);
    left = open.slice(0, Math.ceil(open.length / 2)).map((one) => one.candidate);
  }
}
