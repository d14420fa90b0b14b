/** Timings of the two models side by side. Only like is compared with like: the same device, provider, runtime and
 *  threads; emulated and real never mix. */
import { median, medianInterval, quantile } from '../../support/statistics.ts';
import type { Latency, Report } from './report.ts';

export interface LatencyPair {
  readonly device: string;
  readonly provider: string;
  readonly threads: number;
  readonly emulated: boolean;
  readonly before: Latency | null;
  readonly after: Latency | null;
  /** Whether this is the place the result was made for. */
  readonly onTarget: boolean;
}

/** Provider that a target's sessions run on, where the names differ. */
const providers: Readonly<Record<string, string>> = { node: 'cpu', mobile: 'cpu' };

/** A pair for each place where either model was timed; the target's own, real devices first. */
export function latencyPairs(report: Pick<Report, 'latency' | 'target'>): LatencyPair[] {
  const provider = providers[report.target.name] ?? report.target.name;
  const places = new Map<string, { before: Latency | null; after: Latency | null; either: Latency }>();
  for (const timing of report.latency) {
    const key = JSON.stringify([
      timing.device,
      timing.provider,
      timing.runtime,
      timing.threads,
      timing.emulated,
    ]);
    const place = places.get(key) ?? { before: null, after: null, either: timing };
    place[timing.model] = timing;
    places.set(key, place);
  }
  const pairs = [...places.values()].map(({ before, after, either }) => ({
    device: either.device,
    provider: either.provider,
    threads: either.threads,
    emulated: either.emulated,
    before,
    after,
    onTarget: either.provider === provider,
  }));
  return pairs.sort((a, b) => rank(a) - rank(b));
}

const rank = (pair: LatencyPair) => (pair.onTarget ? 0 : 2) + (pair.emulated ? 1 : 0);

export interface LatencyChange {
  /** Time before divided by time after; above 1 is faster. */
  readonly ratio: number;
  /** 95 % interval of the ratio. */
  readonly interval: readonly [number, number];
  /** 'unclear': runs differ so much among themselves that nothing can be said, not even that it is as fast. */
  readonly change: 'faster' | 'same' | 'slower' | 'unclear';
}

/** An interval of the ratio wider than this, as the quotient of its ends, holds "much slower" as well as "much faster". */
export const widest = 1.5;
/** Medians that differ by more than this factor are not called as fast, whatever neighbouring runs say. */
const farthest = 1.25;

interface Timed extends Pick<Latency, 'medianMs' | 'byTurns'> {
  readonly samplesMs: readonly number[];
}

/** Faster or slower only when the whole interval of the ratio is, and the two medians, which stand beside it, say so too.
 *  Alternating runs are compared each with its neighbour: what else the machine did hit both alike. */
export function compareLatency(before: Timed, after: Timed): LatencyChange {
  const { ratio, interval } = ratioOf(before, after);
  const isFaster = interval[0] > 1 && after.medianMs < before.medianMs;
  const isSlower = interval[1] < 1 && after.medianMs > before.medianMs;
  if (isFaster || isSlower) return { ratio, interval, change: isFaster ? 'faster' : 'slower' };
  const apart = Math.max(before.medianMs / after.medianMs, after.medianMs / before.medianMs);
  const isUnclear = interval[1] / interval[0] > widest || apart > farthest;
  return { ratio, interval, change: isUnclear ? 'unclear' : 'same' };
}

function ratioOf(before: Timed, after: Timed): Omit<LatencyChange, 'change'> {
  const { length } = before.samplesMs;
  if (before.byTurns && after.byTurns && length > 0 && length === after.samplesMs.length) {
    const ratios = before.samplesMs.map((ms, i) => ms / (after.samplesMs[i] as number));
    return { ratio: median(ratios), interval: medianInterval(ratios) };
  }
  const ratio = before.medianMs / after.medianMs;
  const error = Math.exp(1.96 * Math.hypot(relativeError(before), relativeError(after)));
  return { ratio, interval: [ratio / error, ratio * error] };
}

/** Standard error of the median, 1.2533·σ/√n, as a share of it; σ from the quartiles so that one slow run does not count
 *  for much. */
function relativeError({ samplesMs, medianMs }: Timed): number {
  if (samplesMs.length < 2) return 0;
  const sigma = (quantile(samplesMs, 0.75) - quantile(samplesMs, 0.25)) / 1.349;
  return (1.2533 * sigma) / Math.sqrt(samplesMs.length) / medianMs;
}

/** As short as it can be said: threads only where the same provider was also timed with another number of them. */
export function shortPlaceName(pair: LatencyPair, all: readonly LatencyPair[]): string {
  const distinct = all.some((p) => p.provider === pair.provider && p.threads !== pair.threads);
  if (distinct) return placeName(pair);
  return `${pair.provider}, ${pair.device}${pair.emulated ? ' (emulated)' : ''}`;
}

/** "wasm, 1 thread, this machine". */
export function placeName(pair: Pick<LatencyPair, 'device' | 'provider' | 'threads' | 'emulated'>): string {
  const threads = pair.threads === 1 ? '1 thread' : `${pair.threads} threads`;
  return `${pair.provider}, ${threads}, ${pair.device}${pair.emulated ? ' (emulated)' : ''}`;
}
