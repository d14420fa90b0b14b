/** What a search is to keep and to make small, and which of what it tried does so best. Pure: numbers in, an order out. */
import type { Search, SearchCandidate } from '../../judge/report/search.ts';
import type { SweepLatency, SweepMetrics } from '../../judge/report/sweep-report.ts';
import { levelOfNamed, measures } from '../../judge/task/measure.ts';
import { formatBytes, formatDecimal, formatMs, formatPercent } from '../../support/units.ts';

export type Goal = Search['goal'];

/** What is known of something that was tried. */
export type Evidence = Pick<SearchCandidate, 'name' | 'metrics' | 'visitBytes' | 'latency'>;

/** Points of accuracy, or of another measure by labels, that may be lost where nobody says how many. */
export const usualDrop = 1;
/** Of all samples: below, answers are called bad whatever accuracy says. */
const fewestKept = measures['same-top-1'].limits!.bad!;
/** Of a budget of points: the best of many is partly luck, and what lies at the edge falls over it on other samples. */
const edge = 0.7;
/** Two sessions of one model differ by that much. */
const asFast = 1.04;
/** Differences of what is minimised below this share count as none: a file that is a little larger and twice as fast is better. */
const asGood = 0.05;
const hair = 1e-6;

/** Why it can't be chosen, in a few words; null where it can, as far as it was looked at: what was not timed may be too slow. */
export function obstacle({ metrics, latency }: Evidence, goal: Goal): string | null {
  if (metrics === null) return 'not made';
  const { sizeBytes } = metrics;
  const worse = damageOf(metrics, goal);
  if (worse !== null) return worse;
  if (goal.maxSizeBytes !== null && sizeBytes > goal.maxSizeBytes)
    return `${formatBytes(sizeBytes)}, above ${formatBytes(goal.maxSizeBytes)}`;
  return latency === null ? null : slowness(latency, goal);
}

function damageOf({ quality, pointsLost, agreement }: SweepMetrics, { maxDrop }: Goal): string | null {
  if (quality === null) return 'its quality is not known';
  const byLabels = quality.original !== null;
  const most = maxDrop ?? (byLabels ? usualDrop : null);
  if (most === null || pointsLost === null) {
    const level = levelOfNamed(quality);
    return level === 'plain' ? null : `${quality.name} is only ${qualityValue(quality)}`;
  }
  if (pointsLost > most * edge + hair) return lossText(pointsLost, most);
  return byLabels && agreement !== null && agreement < fewestKept
    ? `gives ${formatPercent(1 - agreement)} of the samples another answer: that as many are right is luck`
    : null;
}

const qualityValue = ({ value, unit }: NonNullable<SweepMetrics['quality']>): string =>
  unit === 'fraction'
    ? formatPercent(value)
    : `${formatDecimal(value, 3)} ${unit === 'index' ? '' : unit}`.trim();

function lossText(points: number, maxDrop: number): string {
  const lost = `loses ${formatDecimal(points, 1)} points`;
  return points > maxDrop + hair ? lost : `${lost}, too near to ${formatDecimal(maxDrop, 1)}`;
}

function slowness({ medianMs, share }: SweepLatency, goal: Goal): string | null {
  const { maxLatencyMs, maxLatencyShare } = goal;
  if (maxLatencyMs !== null && medianMs > maxLatencyMs)
    return `takes ${formatMs(medianMs)}, above ${formatMs(maxLatencyMs)}`;
  if (share === null) return null;
  // Nobody asks for a smaller model that makes an app slower.
  const most = maxLatencyShare ?? (maxLatencyMs === null && goal.minimise === 'size' ? asFast : null);
  return most !== null && share > most
    ? `takes ${formatPercent(share, 0)} of the original's time, above ${formatPercent(most, 0)}`
    : null;
}

/** Whether it can be chosen only once it was timed. */
export const needsTime = ({ maxLatencyMs, maxLatencyShare, minimise }: Goal): boolean =>
  minimise !== 'first-visit' || maxLatencyMs !== null || maxLatencyShare !== null;

/** What is minimised; Infinity where it isn't known. */
export function costOf({ metrics, visitBytes, latency }: Evidence, { minimise }: Goal): number {
  const { POSITIVE_INFINITY: unknown } = Number;
  if (metrics === null) return unknown;
  if (minimise === 'latency') return latency?.share ?? latency?.medianMs ?? unknown;
  return minimise === 'size' ? metrics.sizeBytes : (visitBytes ?? unknown);
}

/** The best first; of what is as good by the goal the faster, then the smaller, then what loses less. */
export function ranked<T extends Evidence>(tried: readonly T[], goal: Goal): T[] {
  const possible = tried
    .filter((one) => obstacle(one, goal) === null && Number.isFinite(costOf(one, goal)))
    .sort((a, b) => costOf(a, goal) - costOf(b, goal));
  const order: T[] = [];
  const left = [...possible];
  while (left.length > 0) {
    const least = costOf(left[0]!, goal);
    const alike = left.filter((one) => costOf(one, goal) <= least * (1 + asGood) + hair);
    const best = [...alike].sort((a, b) => second(a, b, goal))[0]!;
    order.push(best);
    left.splice(left.indexOf(best), 1);
  }
  return order;
}

function second(a: Evidence, b: Evidence, { minimise }: Goal): number {
  // In steps that two sessions of one model don't differ by.
  const time = ({ latency }: Evidence) => (latency ? timeStep(latency) : Number.MAX_VALUE);
  const size = ({ metrics }: Evidence) => metrics!.sizeBytes;
  const lost = ({ metrics }: Evidence) => metrics!.pointsLost ?? 0;
  const faster = time(a) - time(b);
  const smaller = size(a) - size(b);
  const by = minimise === 'latency' ? smaller || faster : faster || smaller;
  return by || lost(a) - lost(b);
}

/** Those that nothing beats in size, quality and, where both were timed, time. */
export function frontOf<T extends Evidence>(tried: readonly T[]): ReadonlySet<T> {
  const known = tried.filter(({ metrics }) => metrics?.quality);
  return new Set(known.filter((one) => !known.some((other) => beats(other, one))));
}

function beats(a: Evidence, b: Evidence): boolean {
  const costs = (one: Evidence): number[] => {
    const { sizeBytes, pointsLost, quality } = one.metrics!;
    const { value, higherIsBetter } = quality!;
    return [sizeBytes, pointsLost ?? (higherIsBetter ? -value : value)];
  };
  const [x, y] = [costs(a), costs(b)];
  const timed = a.latency && b.latency ? [[timeStep(a.latency), timeStep(b.latency)] as const] : [];
  const pairs = [...x.map((cost, i) => [cost, y[i]!] as const), ...timed];
  return pairs.every(([one, other]) => one <= other) && pairs.some(([one, other]) => one < other);
}

const timeStep = ({ share, medianMs }: SweepLatency) =>
  Math.round(Math.log(share ?? medianMs) / Math.log(asFast));

/** The quality that a metric stands for, for a line of what was tried. */
export const lostOf = ({ pointsLost, quality }: SweepMetrics): string =>
  pointsLost !== null
    ? `${formatDecimal(Math.max(0, pointsLost), 1)} points lost`
    : quality === null
      ? 'not compared'
      : `${quality.name} ${quality.value.toPrecision(3)}`;

/** "3.6 MB, 0.4 points lost". */
export const triedText = (metrics: SweepMetrics): string =>
  `${formatBytes(metrics.sizeBytes)}, ${lostOf(metrics)}`;
