/** What a search tried, in words: one place for terminal, Markdown and page. */
import { formatBytes, formatDecimal, formatMs, formatPercent } from '../../support/units.ts';
import type { Search, SearchCandidate } from './search.ts';
import { durationText } from './sweep-words.ts';

export interface SearchRow {
  /** From 1 in this order: a name for charts. */
  readonly number: number;
  readonly candidate: SearchCandidate;
  readonly mark: 'chosen' | 'front' | '';
  readonly name: string;
  readonly size: string;
  readonly lost: string;
  readonly time: string;
  /** Why it could not be chosen; '' where it could. */
  readonly reason: string;
  readonly command: string;
}

export const searchTitle = 'What was tried';

/** The chosen first, then the front and the others, each by size; what came to nothing last. */
export const searchRows = ({ candidates, goal }: Search): SearchRow[] =>
  [...candidates]
    .sort(
      (a, b) =>
        Number(b.chosen) - Number(a.chosen) ||
        Number(b.front) - Number(a.front) ||
        sizeOf(a, goal) - sizeOf(b, goal),
    )
    .map((one, i) => ({
      number: i + 1,
      candidate: one,
      mark: one.chosen ? 'chosen' : one.front ? 'front' : '',
      name: one.name,
      size: Number.isFinite(sizeOf(one, goal)) ? formatBytes(sizeOf(one, goal)) : '–',
      lost: lostText(one),
      time: timeText(one),
      reason: one.reason ?? '',
      command: one.command,
    }));

/** With the runtime, where a first visit is what counts. */
function sizeOf({ metrics, visitBytes }: SearchCandidate, { minimise }: Search['goal']): number {
  const bytes = minimise === 'first-visit' ? visitBytes : metrics?.sizeBytes;
  return bytes ?? Number.POSITIVE_INFINITY;
}

function lostText({ metrics }: SearchCandidate): string {
  if (metrics?.pointsLost != null) return formatDecimal(metrics.pointsLost, 1);
  return metrics?.quality ? `${metrics.quality.name} ${metrics.quality.value.toPrecision(3)}` : '–';
}

function timeText({ latency }: SearchCandidate): string {
  if (latency === null) return '–';
  return latency.share === null ? formatMs(latency.medianMs) : formatPercent(latency.share, 0);
}

/** Heads of the columns after the name. */
export const searchHeads = ({ goal }: Search): readonly string[] => [
  goal.minimise === 'first-visit' ? 'first visit' : 'size',
  'points lost',
  'time',
  'result',
];

/** What was asked for: "at most 1 point lost, smallest size". */
export function goalText({ goal }: Search): string {
  const { minimise, maxDrop, maxSizeBytes, maxLatencyMs, maxLatencyShare } = goal;
  const wanted = { size: 'smallest file', latency: 'fastest', 'first-visit': 'smallest first visit' };
  return [
    wanted[minimise],
    maxDrop === null
      ? 'answers that are good: at most 1 point lost, where labels tell'
      : `at most ${formatDecimal(maxDrop, 1)} points lost`,
    ...(maxSizeBytes === null ? [] : [`at most ${formatBytes(maxSizeBytes)}`]),
    ...(maxLatencyMs === null ? [] : [`at most ${formatMs(maxLatencyMs)}`]),
    ...(maxLatencyShare === null
      ? []
      : [`at most ${formatPercent(maxLatencyShare, 0)} of the original's time`]),
    ...(maxLatencyMs === null && maxLatencyShare === null && minimise === 'size'
      ? ['no slower than the original']
      : []),
  ].join(', ');
}

/** By whose answers it chose, and how long that took. */
export function howText({ samples, time, candidates }: Search): string {
  const { estimatedMs, limitMs, tookMs, ended } = time;
  const on =
    samples === null
      ? 'made-up inputs, the same that the result is compared on'
      : `${samples} samples that nothing else used`;
  const ends = {
    done: 'until nothing was left to try',
    time: `until the time was up (--time ${durationText(limitMs)})`,
    interrupted: 'until it was stopped',
  };
  return `${candidates.length} results, chosen by ${on}; ${durationText(tookMs)}, ${ends[ended]}; precisions alone were thought to take ${durationText(estimatedMs)}`;
}
