/** The before/after rows, what was left alone, and the worst layers: worked out once, shown by every view. */

import { formatOfName } from '../../model/formats/index.ts';
import { compareLatency, type LatencyChange } from '../../ship/profile/compare-runs.ts';
import { reasonOf, reasonWords } from '../../support/reason.ts';
import { quoted } from '../../support/shell.ts';
import {
  formatBytes,
  formatCount,
  formatDb,
  formatInteger,
  formatMs,
  formatTimes,
} from '../../support/units.ts';
import { levelOf, mainOf } from '../task/measure.ts';
import { type LatencyPair, latencyPairs, shortPlaceName } from './latency.ts';
import { formatMeasure, measuresOf, worstSqnr } from './measure-words.ts';
import { formatChange, formatChangeInterval, formatMetric, type Metric } from './metrics.ts';
import type { Layer, ModelFacts, Report } from './report.ts';
import { agreementLevel, isLoss, isSlower, mainMetric } from './verdict.ts';

export type Tone = 'plain' | 'good' | 'warn' | 'bad';

/** One line of the before/after table; texts are ready to print, "–" where nothing was measured. */
export interface SummaryRow {
  readonly label: string;
  readonly before: string;
  readonly after: string;
  /** What it means, or where it was measured. */
  readonly note: string;
  readonly tone: Tone;
  /** One of the five figures that a page shows large: its table doesn't repeat them. */
  readonly isBig: boolean;
}

const none = '–';

/** Size, quality, speed and memory; rows for which nothing can ever be said (no samples, no metric) are left out. */
export function summaryRows(report: Report): SummaryRow[] {
  return [...sizeRows(report), ...qualityRows(report), ...latencyRows(report), ...memoryRows(report)];
}

/** What is known besides the five figures that a page shows large. */
export const smallRows = (report: Report): SummaryRow[] => summaryRows(report).filter((row) => !row.isBig);

/** File, transfer sizes, parameters and MACs; also what `compress compare` and `inspect` show of two models. */
export function sizeRows({
  source,
  result,
  target,
}: Pick<Report, 'source' | 'result' | 'target'>): SummaryRow[] {
  const runtime = target.runtimeBrotliBytes;
  const transfer = (
    label: string,
    pick: (facts: ModelFacts) => number | null,
    note: string,
    isBig: boolean,
  ) => ({ ...pairRow(label, pick(source), pick(result), formatBytes, note), isBig });
  const isBrotli = result.brotliBytes !== null;
  return [
    transfer('file', (f) => f.sizeBytes, timesSmaller(source.sizeBytes, result.sizeBytes), true),
    transfer('gzip', (f) => f.gzipBytes, '', !isBrotli),
    transfer('brotli', (f) => f.brotliBytes, brotliNote(result, runtime), isBrotli),
    { ...pairRow('parameters', source.parameters, result.parameters, formatCount, ''), tone: 'plain' },
    { ...pairRow('MACs', source.macs, result.macs, formatCount, macsNote(source)), tone: 'plain' },
  ];
}

/** "quality 9 of 11, + runtime 2.35 MB". */
export function brotliNote({ brotliQuality }: ModelFacts, runtimeBytes: number | null): string {
  const quality = brotliQuality === undefined || brotliQuality === 11 ? '' : `quality ${brotliQuality} of 11`;
  const runtime = runtimeBytes === null ? '' : `+ runtime ${formatBytes(runtimeBytes)}`;
  return [quality, runtime].filter((text) => text !== '').join(', ');
}

/** "with batch = 1": what the figure takes for sizes that the model leaves open. */
export function macsNote({ macsAssumed }: Pick<ModelFacts, 'macsAssumed'>): string {
  if (!macsAssumed) return '';
  const { sizes, onData } = macsAssumed;
  const named = sizes.map((name) => `${name} = 1`);
  return `with ${[...named, ...(onData ? ['1 for sizes that depend on the data'] : [])].join(', ')}`;
}

function qualityRows(report: Report): SummaryRow[] {
  const rows: SummaryRow[] = [];
  const sqnr = worstSqnr(report);
  const worst = (report.compare?.outputs.length ?? 0) > 1 ? 'worst output' : '';
  const sqnrNote = sqnr === null ? '' : `${worst && `${worst}: `}SQNR ${formatDb(sqnr)}`;
  const measures = measuresOf(report);
  const main = mainOf(measures);
  const metric = mainMetric(report);
  for (const measure of measures) {
    if (measure.value === null) continue;
    const isNoise = measure.id === 'sqnr';
    rows.push({
      label: isNoise ? 'output SQNR' : measure.name,
      before: none,
      after: formatMeasure(measure),
      note: measure !== main ? '' : isNoise ? worst : sqnrNote,
      tone: measure === main ? agreementLevel(report) : levelOf(measure),
      // Beside an accuracy, noise alone is a small figure.
      isBig: measure === main && !(isNoise && metric !== null),
    });
  }
  if (report.compare === null && report.evaluation === null) {
    rows.push({ label: 'quality', before: none, after: 'not measured', note: '', tone: 'warn', isBig: true });
  }
  for (const each of report.evaluation?.metrics ?? []) {
    rows.push({
      label: each.name,
      before: formatMetric(each, each.before),
      after: formatMetric(each, each.after),
      note: metricNote(each),
      tone: isLoss(each) ? 'bad' : 'plain',
      isBig: each === metric,
    });
  }
  return rows;
}

/** What changed, and how sure that is: of the difference where it is known, else of the value. */
export function metricNote(metric: Metric): string {
  const { interval, changeInterval } = metric;
  const range =
    interval && !changeInterval
      ? `95 % confidence interval ${formatMetric(metric, interval[0])} to ${formatMetric(metric, interval[1])}`
      : '';
  return [changeText(metric), range].filter((text) => text !== '').join(' · ');
}

/** "−0.5 points (95 % −1.6 to +0.6)". */
function changeText(metric: Metric): string {
  const interval = formatChangeInterval(metric);
  return interval === '' ? formatChange(metric) : `${formatChange(metric)} (${interval})`;
}

/** Of all places, the one that stands for speed: the target, where it was measured. */
export const bigPair = (pairs: readonly LatencyPair[]): LatencyPair | null =>
  pairs.find((pair) => pair.after !== null) ?? null;

function latencyRows(report: Report): SummaryRow[] {
  const pairs = latencyPairs(report);
  if (pairs.length === 0)
    return [
      {
        label: 'latency p50',
        before: none,
        after: 'not measured',
        note: notTimed(report),
        tone: 'plain',
        isBig: true,
      },
    ];
  const big = bigPair(pairs);
  return pairs.map((pair) => {
    const { before, after } = pair;
    const both = before !== null && after !== null ? compareLatency(before, after) : null;
    const tone = isSlower(pair) ? 'bad' : both?.change === 'faster' ? 'good' : 'plain';
    return {
      label: 'latency p50',
      before: before ? formatMs(before.medianMs) : none,
      after: after ? formatMs(after.medianMs) : none,
      note: [
        both ? speedNote(both, { before: before!.medianMs, after: after!.medianMs }) : '',
        shortPlaceName(pair, pairs),
      ]
        .filter((text) => text !== '')
        .join(' · '),
      tone,
      isBig: pair === big,
    };
  });
}

/** Why nothing was timed, where the file's own runtime is another than what compares; that runs in pages. */
function notTimed({ result, files }: Report): string {
  if (formatOfName(result.file).id !== 'tflite') return '';
  return `LiteRT.js runs in browsers: compress profile ${quoted(files[0] ?? result.file)} --device chromium`;
}

function memoryRows({ memory }: Report): SummaryRow[] {
  if (memory === null) return [];
  const { beforePeakBytes, afterPeakBytes, how } = memory;
  return [{ ...pairRow('memory peak', beforePeakBytes, afterPeakBytes, formatBytes, how), isBig: true }];
}

/** Larger after than before is bad; smaller is good only where the note says how much. */
function pairRow(
  label: string,
  before: number | null,
  after: number | null,
  format: (value: number) => string,
  note: string,
): SummaryRow {
  const grew = before !== null && after !== null && after > before * 1.005;
  return {
    label,
    before: before === null ? none : format(before),
    after: after === null ? none : format(after),
    note,
    tone: grew ? 'bad' : note.endsWith('smaller') ? 'good' : 'plain',
    isBig: false,
  };
}

/** "3.8 times smaller", "1.20 times larger", "same size". */
export function timesSmaller(before: number, after: number): string {
  const ratio = before / after;
  if (ratio > 1.005) return `${formatTimes(ratio)} times smaller`;
  return ratio < 0.995 ? `${formatTimes(1 / ratio)} times larger` : 'same size';
}

/** "1.04 times faster", "1.65 times slower", "as fast". */
export function timesFaster(ratio: number): string {
  if (Math.abs(ratio - 1) < 0.005) return 'as fast';
  return ratio > 1 ? `${formatTimes(ratio)} times faster` : `${formatTimes(1 / ratio)} times slower`;
}

/** `timesFaster` where a difference was shown: a ratio within noise may well point the other way than the medians beside it.
 *  The ratio is the median over pairs of runs, one right after the other, which machine and moment hardly touch; where the medians shown
 *  beside it would give another one, that is said. */
export function speedNote({ ratio, change }: LatencyChange, medians?: MedianPair): string {
  if (change === 'unclear') return 'too noisy to tell which is faster';
  const said = timesFaster(ratio);
  if (change === 'same') return said === 'as fast' ? said : 'as fast, within noise';
  const isOther = medians && timesFaster(medians.before / medians.after) !== said;
  return isOther ? `${said} (median of the runs' ratios)` : said;
}

/** Medians in one unit that are shown beside a note. */
export interface MedianPair {
  readonly before: number;
  readonly after: number;
}

// --- left alone --------------------------------------------------------------------------------------------------

export interface KeptGroup {
  readonly count: number;
  /** "17 Conv, 2 Gemm". */
  readonly what: string;
  readonly reason: string;
  readonly layers: readonly Layer[];
}

/** "int8", "int8, weights int4". */
export const layerPrecision = ({ precision, weights }: Layer): string =>
  weights === undefined ? precision : `${precision}, weights ${weights}`;

/** Layers that do not compute in int8, by reason, the largest group first. `precision` picks one kind of them. */
export function keptGroups(layers: readonly Layer[], precision?: Layer['precision']): KeptGroup[] {
  const groups = new Map<string, Layer[]>();
  for (const layer of layers) {
    if (layer.reason === null || (precision !== undefined && layer.precision !== precision)) continue;
    groups.set(layer.reason, [...(groups.get(layer.reason) ?? []), layer]);
  }
  return [...mergeByCode(groups).entries()]
    .map(([reason, members]) => ({
      count: members.length,
      what: countTypes(members),
      reason,
      layers: members,
    }))
    .sort((a, b) => b.count - a.count);
}

/** Reasons such as "constant-too-large: 12 MB" differ in their detail; many of one code become one group. */
function mergeByCode(groups: ReadonlyMap<string, readonly Layer[]>): Map<string, readonly Layer[]> {
  const reasonsOf = new Map<string, string[]>();
  for (const reason of groups.keys()) {
    // A text without a code is a group of its own.
    const code = reasonOf(reason).code || reason;
    reasonsOf.set(code, [...(reasonsOf.get(code) ?? []), reason]);
  }
  const merged = new Map<string, readonly Layer[]>();
  for (const [code, reasons] of reasonsOf) {
    if (reasons.length > 3)
      merged.set(
        reasonWords(code),
        reasons.flatMap((reason) => groups.get(reason) ?? []),
      );
    else for (const reason of reasons) merged.set(reasonWords(reason), groups.get(reason) ?? []);
  }
  return merged;
}

function countTypes(layers: readonly Layer[]): string {
  const counts = new Map<string, number>();
  for (const { opType } of layers) counts.set(opType, (counts.get(opType) ?? 0) + 1);
  const sorted = [...counts].sort((a, b) => b[1] - a[1]);
  return sorted.map(([opType, count]) => `${formatInteger(count)} ${opType}`).join(', ');
}

/** Layers furthest from the original, worst first. */
export function worstLayers(layers: readonly Layer[], count: number): Layer[] {
  const measured = layers.filter((layer) => layer.sqnrDb !== null);
  return measured.sort((a, b) => a.sqnrDb! - b.sqnrDb!).slice(0, count);
}
