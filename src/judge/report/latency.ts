/** Timings of the two models side by side. Only like is compared with like: the same device, provider, runtime and
 *  threads; emulated and real never mix. */
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
