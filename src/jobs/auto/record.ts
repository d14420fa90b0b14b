/** What a search tried, as it stands in the report, and the choice in a sentence. */
import type { Search, SearchCandidate } from '../../judge/report/search.ts';
import { formatBytes, formatPercent, formatTimes } from '../../support/units.ts';
import type { Candidate } from './candidates.ts';
import { costOf, frontOf, type Goal, lostOf, obstacle, ranked } from './goal.ts';
import type { Tried } from './search.ts';

export interface SearchFacts {
  readonly goal: Goal;
  /** That chose; null without data. */
  readonly samples: number | null;
  readonly time: Search['time'];
  readonly commandOf: (candidate: Candidate) => string;
  /** What was chosen before, and did not hold on samples that chose nothing. */
  readonly failed?: ReadonlyMap<Tried, string>;
}

export function recordOf(all: readonly Tried[], best: Tried, facts: SearchFacts): Search {
  const { goal, samples, time, commandOf, failed } = facts;
  const front = frontOf(all);
  const candidates = all.map(
    (one): SearchCandidate => ({
      name: one.name,
      command: commandOf(one.candidate),
      metrics: one.metrics,
      visitBytes: one.visitBytes,
      latency: one.latency,
      front: front.has(one),
      chosen: one === best,
      reason: failed?.get(one) ?? reasonOf(one, goal),
      tookMs: one.result && one.result.ms > 0 ? one.result.ms : null,
    }),
  );
  return { goal, samples, time, candidates, why: whyText(all, best, facts) };
}

function reasonOf(one: Tried, goal: Goal): string | null {
  if (one.result === null) return 'no time was left';
  if (one.metrics === null) return one.result.error?.message ?? 'nothing came of it';
  return obstacle(one, goal) ?? (one.untimed === null ? null : `not timed: ${one.untimed}`);
}

const superlative: Readonly<Record<Goal['minimise'], string>> = {
  size: 'the smallest',
  latency: 'the fastest',
  'first-visit': 'the smallest for a first visit',
};

function whyText(all: readonly Tried[], best: Tried, { goal, failed }: SearchFacts): string {
  const order = ranked(all, goal).filter((one) => !failed?.has(one));
  const done = all.filter(({ metrics }) => metrics !== null).length;
  const kept = order.length === 1 ? 'the only one' : `${superlative[goal.minimise]} of ${order.length}`;
  const second = order.find((one) => one !== best);
  const next = second ? `; next is ${second.name}, ${comparison(best, second, goal)}` : '';
  return `${kept} of ${done} results that ${order.length === 1 ? 'keeps' : 'keep'} the budgets, ${factsText(best, goal)}${next}`;
}

function factsText(one: Tried, goal: Goal): string {
  const { metrics, latency, visitBytes } = one;
  const visit = goal.minimise === 'first-visit' && visitBytes !== null;
  return [
    visit ? `${formatBytes(visitBytes)} for model and runtime` : formatBytes(metrics!.sizeBytes),
    lostOf(metrics!),
    ...(latency?.share == null ? [] : [`${formatPercent(latency.share, 0)} of the original's time`]),
  ].join(', ');
}

function comparison(best: Tried, other: Tried, goal: Goal): string {
  const ratio = costOf(other, goal) / costOf(best, goal);
  const isSpeed = goal.minimise === 'latency';
  if (Number.isFinite(ratio) && ratio >= 2)
    return `${formatTimes(ratio)} times as ${isSpeed ? 'slow' : 'large'}`;
  if (Number.isFinite(ratio) && ratio > 1.02)
    return isSpeed
      ? `which takes ${formatPercent(ratio - 1, 0)} longer`
      : `${formatPercent(ratio - 1, 0)} larger`;
  return `as ${isSpeed ? 'fast' : 'small'}: ${factsText(other, goal)}`;
}

/** What came nearest to what was asked for, and why it won't do. */
export function nearestText(
  all: readonly Tried[],
  goal: Goal,
  failed: ReadonlyMap<Tried, string>,
): string | null {
  const made = all.filter(({ metrics }) => metrics?.quality);
  const [near] = [...made].sort(
    (a, b) =>
      (a.metrics!.pointsLost ?? 0) - (b.metrics!.pointsLost ?? 0) || costOf(a, goal) - costOf(b, goal),
  );
  if (!near) return null;
  const reason = failed.get(near) ?? obstacle(near, goal) ?? near.untimed ?? 'it could not be timed';
  return `The nearest, ${near.name} (${factsText(near, goal)}): ${reason.replace(/\.$/, '')}.`;
}
