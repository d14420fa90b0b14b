/** Latency by place: every repetition a faint dot, the median a bar, before above after. */

import { compareLatency } from '../../../ship/profile/compare-runs.ts';
import { formatInteger, formatMs } from '../../../support/units.ts';
import { latencyPairs, placeName } from '../latency.ts';
import type { Latency, Report } from '../report.ts';
import { speedNote } from '../summary.ts';
import { type Chart, fontSize, fromZero, still, valueAxis } from './chart.ts';
import { table } from './table.ts';

/** More dots than this say nothing more and make the page heavy. */
const mostDots = 60;

export function latencyChart(report: Pick<Report, 'latency' | 'target'>): Chart | null {
  const pairs = latencyPairs(report);
  if (pairs.length === 0) return null;
  const rows = pairs.flatMap((pair) => [pair.before, pair.after].filter((timing) => timing !== null));
  const sentences = pairs.map((pair) => {
    const texts = [pair.before, pair.after]
      .filter((t) => t !== null)
      .map((t) => `${formatMs(t.medianMs)} ${t.model}`);
    const { before, after } = pair;
    const medians = before && after && { before: before.medianMs, after: after.medianMs };
    const change = medians ? `; ${speedNote(compareLatency(before, after), medians)}` : '';
    return `${placeName(pair)}: ${texts.join(', ')}${change}.`;
  });
  const end = reach(rows);
  // One place takes three lines: its name, before, after.
  const lineHeight = 30;
  const height = pairs.length * 3 * lineHeight + 70;
  return {
    id: 'latency',
    title: 'Latency by place, with spread',
    description: ['Median of one run.', ...sentences, ...beyondText(rows, end)].join(' '),
    height: { wide: height, narrow: height },
    legend: [
      { swatch: 'before', text: 'before' },
      { swatch: 'after', text: 'after' },
      { swatch: 'dot', text: 'one run' },
    ],
    option: (size) => ({
      grid: { left: 8, right: 84, top: 4, bottom: 52 },
      xAxis: { ...valueAxis('milliseconds', size, false), ...fromZero(end) },
      yAxis: { type: 'value', show: false, min: 0, max: pairs.length * 3, inverse: true },
      series: [
        ...pairs.flatMap((pair, p) => [
          note(placeName(pair), 0, p * 3 + 0.55, size),
          ...[pair.before, pair.after].flatMap((timing, row) =>
            timing === null ? [] : strip(timing, p * 3 + 1.35 + row * 0.95, end, size),
          ),
        ]),
      ],
    }),
    table: table('Latency, each row one model at one place', rows, [
      { title: 'Place', cell: placeName },
      { title: 'Model', cell: (t) => t.model },
      { title: 'Median', cell: (t) => formatMs(t.medianMs), numeric: true },
      { title: 'p90', cell: (t) => formatMs(t.p90Ms), numeric: true },
      { title: 'Fastest', cell: (t) => formatMs(t.minMs), numeric: true },
      { title: 'Create', cell: (t) => formatMs(t.createMs), numeric: true },
      { title: 'First run', cell: (t) => formatMs(t.firstRunMs), numeric: true },
      { title: 'Runs', cell: (t) => `${t.repetitions} after ${t.warmup}`, numeric: true },
      { title: 'Runtime', cell: (t) => t.runtime },
    ]),
  };
}

/** The axis ends behind the slow runs that matter; a lone outlier is drawn at its edge. */
const reach = (rows: readonly Latency[]) =>
  Math.max(...rows.map((t) => Math.max(t.p90Ms, t.medianMs) * 1.02), 1e-3);

/** How many runs are slower than the axis is long, whose dots stand at its end. */
function beyondText(rows: readonly Latency[], end: number): string[] {
  const runs = rows.flatMap((t) => t.samplesMs);
  const beyond = runs.filter((ms) => ms > end);
  if (beyond.length === 0) return [];
  const slowest = beyond.reduce((a, b) => Math.max(a, b));
  return [
    `Dots at the axis' end stand for slower runs: ${formatInteger(beyond.length)} of ${formatInteger(runs.length)}, up to ${formatMs(slowest)}.`,
  ];
}

type Size = Parameters<Chart['option']>[0];

/** The bar to the median, the runs as dots over its end, and the number. */
function strip(timing: Latency, y: number, end: number, size: Size) {
  const color = timing.model === 'before' ? 'var(--before)' : 'var(--after)';
  const step = Math.max(1, Math.ceil(timing.samplesMs.length / mostDots));
  const dots = timing.samplesMs.filter((_, i) => i % step === 0).map((ms) => Math.min(ms, end));
  return [
    {
      ...still,
      type: 'line' as const,
      symbol: 'none',
      lineStyle: { color, width: 14, opacity: 0.9, cap: 'butt' as const },
      data: [
        [0, y],
        [timing.medianMs, y],
      ],
    },
    {
      ...still,
      type: 'scatter' as const,
      symbolSize: 5,
      clip: true,
      itemStyle: { color: 'var(--ink)', opacity: 0.32 },
      // Dots step up and down so that equal timings stay apart; the pattern is fixed, not random.
      data: dots.map((ms, i) => [ms, y + (((i * 7) % 11) - 5) * 0.045]),
    },
    {
      ...still,
      type: 'scatter' as const,
      symbol: 'rect',
      symbolSize: [3, 22],
      itemStyle: { color: 'var(--ink)', opacity: 1 },
      data: [[timing.medianMs, y]],
    },
    note(formatMs(timing.medianMs), Math.max(timing.medianMs, ...dots), y, size, 700),
  ];
}

/** Words that begin at (x, y), as the label of an invisible point. */
const note = (text: string, x: number, y: number, size: Size, fontWeight = 400) => ({
  ...still,
  type: 'scatter' as const,
  symbolSize: 0.01,
  itemStyle: { color: 'transparent', opacity: 1 },
  label: {
    show: true,
    position: 'right' as const,
    distance: fontWeight === 400 ? 0 : 10,
    formatter: () => text,
    color: 'var(--ink)',
    fontWeight,
    fontSize: fontSize(size),
  },
  data: [[x, y]],
});
