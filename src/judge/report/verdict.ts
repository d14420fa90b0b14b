/** What a report amounts to: one headline, and the bad news in plain words. Pure rules over measured values; where
 *  something was not measured nothing is claimed. */
import { formatOfName } from '../../model/formats/index.ts';
import { tfjsFormat } from '../../model/formats/tfjs/format.ts';
import { compareLatency } from '../../ship/profile/compare-runs.ts';
import { wilsonInterval } from '../../support/statistics.ts';
import { counted, formatBytes, formatDb, formatMs, formatPercent, formatTimes } from '../../support/units.ts';
import { type Level, levelOf, type Measure } from '../task/measure.ts';
import { leftSentence } from './account.ts';
import { budgetDoubt, chanceDoubt } from './few-samples.ts';
import { labelsUnfit } from './labels-fit.ts';
import { type LatencyPair, latencyPairs, placeName } from './latency.ts';
import { isShareOfAnswers, mainMeasure, measureHeadline, measureLacks, measuresOf } from './measure-words.ts';
import {
  changeOf,
  formatChange,
  formatChangeInterval,
  formatMetric,
  type Metric,
  pointsLostOf,
} from './metrics.ts';
import { probeTells } from './probe.ts';
import { isOfMadeUp } from './probe-limits.ts';
import type { Report } from './report.ts';
import { countedSamples, noun, preprocessingName } from './sample-words.ts';

type Judged = Omit<Report, 'verdict'>;
type Verdict = Report['verdict'];
type Warning = Verdict['warnings'][number];

/** Where good ends. Shares are fractions. */
export const limits = {
  /** Loss of accuracy, in points (a fraction of 1). */
  metricDrop: 0.01,
  /** Relative loss of a metric that is not a fraction, such as perplexity. */
  metricRelativeDrop: 0.02,
  outputSqnrDb: 15,
  /** Relative slowdown that the whole interval must be beyond. */
  slowdown: 0.05,
  /** Share of the weights that stayed in float against the request. */
  leftInFloat: 0.1,
  /** Share of the weights that may go in whole channels without data, and not be called a danger. */
  prunedUnseen: 0.05,
  calibrationSamples: 32,
  evaluationSamples: 100,
} as const;

/** @returns level (the worst of its warnings), headline, and warnings with the bad ones first */
export function judge(report: Judged): Verdict {
  const found = [
    ...brokenOutputs(report),
    ...coverage(report),
    ...prunedUnseen(report),
    ...labelsUnfit(report).map(bad),
    ...accuracy(report),
    ...agreement(report),
    ...speed(report),
    ...size(report),
    ...halfFloats(report),
    ...unmeasuredHalfs(report),
    ...evidence(report),
    ...unsure(report),
    ...(report.leftOut ?? []).map(leftOutWarning),
    ...(report.remarks ?? []).map(warn),
    ...(report.training ?? []).flatMap(({ doubt }) => (doubt === undefined ? [] : [warn(doubt)])),
  ];
  const warnings = [...found.filter((w) => w.level === 'bad'), ...found.filter((w) => w.level === 'warn')];
  return { level: warnings[0]?.level ?? 'good', headline: headline(report), warnings };
}

// --- headline ----------------------------------------------------------------------------------------------------

function headline(report: Judged): string {
  const parts = [sizeWords(report), qualityWords(report), speedWords(report)].filter((part) => part !== null);
  const text = `${parts.join(', ')}.`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function sizeWords({ source, result }: Judged): string {
  const ratio = source.sizeBytes / result.sizeBytes;
  if (isLarger(result.sizeBytes, source.sizeBytes)) return `${formatTimes(1 / ratio)} times larger`;
  return isLarger(source.sizeBytes, result.sizeBytes) ? `${formatTimes(ratio)} times smaller` : 'same size';
}

function qualityWords(report: Judged): string | null {
  const metric = mainMetric(report);
  if (metric !== null && metric.before !== null && metric.after !== null) {
    const [before, after] = [formatMetric(metric, metric.before), formatMetric(metric, metric.after)];
    const on = `on ${countedSamples(report.evaluation!.samples, report)}`;
    return before === after
      ? `${metric.name} stays ${after} ${on}`
      : `${metric.name} ${after} (was ${before}) ${on}`;
  }
  if (report.compare === null) return 'quality not measured';
  const measure = mainMeasure(report);
  return measure && measureHeadline(measure, countedSamples(report.compare.samples, report));
}

/** Its files have nothing narrower than 8 bits. */
const packed = (mode: Judged['precision']['mode']): string =>
  mode === 'q4' ? ', and its files hold 4 bits in a byte' : '';

function speedWords(report: Judged): string | null {
  const { mode } = report.precision;
  if (formatOfName(report.result.file) === tfjsFormat)
    return mode === 'none' ? null : `no faster (TensorFlow.js computes in float32${packed(mode)})`;
  const pair = latencyPairs(report).find((p) => p.before !== null && p.after !== null);
  if (!pair?.before || !pair.after) return null;
  const { ratio, change } = compareLatency(pair.before, pair.after);
  const where = `on ${pair.provider}${pair.emulated ? ' (emulated)' : ''}`;
  if (change === 'unclear') {
    const times = `${formatMs(pair.before.medianMs)} before, ${formatMs(pair.after.medianMs)} after`;
    return `speed ${where} too noisy to tell (${times})`;
  }
  if (Math.abs(ratio - 1) < 0.015) return `as fast as before ${where}`;
  if (change === 'same') return `as fast as before within noise ${where}`;
  return ratio > 1
    ? `${formatTimes(ratio)} times as fast ${where}`
    : `but takes ${formatTimes(1 / ratio)} times as long ${where}`;
}

/** Whether a metric has lost more than is allowed: a hair of tolerance, so that 0.82 → 0.81 is one point and not 1.0000000000000009. */
export function isLoss(metric: Metric): boolean {
  const lost = pointsLostOf(metric);
  const allowed = metric.unit === 'fraction' ? limits.metricDrop : limits.metricRelativeDrop;
  return lost !== null && lost > 100 * (allowed + 1e-9);
}

/** The first metric with a value on both sides stands for the task. */
export const mainMetric = (report: Pick<Report, 'evaluation'>): Metric | null =>
  report.evaluation?.metrics.find((m) => m.before !== null && m.after !== null) ?? null;

/** Share of answers that are the original's, where that is what stands for the task; else null. */
export function sameAnswers(report: Pick<Report, 'compare'>): number | null {
  const measure = mainMeasure(report);
  return measure && isShareOfAnswers(measure) ? measure.value : null;
}

// --- rules -------------------------------------------------------------------------------------------------------

const bad = (text: string): Warning => ({ level: 'bad', text });
const warn = (text: string): Warning => ({ level: 'warn', text });

function brokenOutputs({ compare }: Judged): Warning[] {
  const outputs = compare?.outputs ?? [];
  return outputs
    .filter((o) => (o.nonFinite ?? 0) > 0 || o.maxAbsError === null || !Number.isFinite(o.maxAbsError))
    .map((o) => bad(`Output "${o.name}" has NaN or infinite values where the original has numbers.`));
}

/** What a small and exact result may hide: that little of the model was compressed, or nothing. */
function coverage(report: Judged): Warning[] {
  const { account, precision, stages, steps } = report;
  const isLossy = stages.some((stage) => stage.passes.some((pass) => pass.effect === 'lossy'));
  if (precision.mode === 'none' && !isLossy && !steps)
    return [
      warn(
        'Nothing was compressed: no precision was asked for, the model was only tidied. Add --int8, --fp16 or --q4.',
      ),
    ];
  const left = account && leftSentence(account, limits.leftInFloat);
  return left ? [warn(left)] : [];
}

/** Channels that went by the size of their weights alone, or by made-up inputs, where nothing shows what the network does without them. */
function prunedUnseen({ steps = [], data, compare, probe }: Judged): Warning[] {
  const at = steps.findIndex(({ name }) => name === 'prune');
  const [before, after] = [steps[at - 1], steps[at]];
  const isShown = compare !== null && probe?.choices !== 1 && !probe?.fitted;
  if (!before || !after || isShown || (data !== null && !data.synthetic)) return [];
  const removed = 1 - after.parameters / before.parameters;
  if (removed <= limits.prunedUnseen) return [];
  const why = probe?.fitted
    ? 'chosen by made-up inputs and fitted to them: on real ones more is lost than they show.'
    : "without data to choose them by, and nothing shows what is left: most networks don't survive that.";
  const share = formatPercent(removed, 0);
  return [bad(`${share} of the weights went with whole channels, ${why} Pass --data, or remove less.`)];
}

/** Without a lossy pass, part of what was asked for is not done. */
function leftOutWarning({ pass, effect, reason }: NonNullable<Report['leftOut']>[number]): Warning {
  const what = `Pass ${pass} was left out: with it, ${reason.replace(/\.$/, '')}.`;
  return effect === 'lossy'
    ? bad(`${what} What it compresses is as it was.`)
    : warn(`${what} A report with the model helps to mend it.`);
}

function accuracy(report: Judged): Warning[] {
  const { evaluation } = report;
  const worse = (evaluation?.metrics ?? []).flatMap((metric) => {
    const { before, after } = metric;
    const change = changeOf(metric);
    if (before === null || after === null || change === null || !isLoss(metric)) return [];
    const lost =
      metric.unit === 'fraction' ? `${(-100 * change).toFixed(1)} points` : formatMetric(metric, -change);
    const values = `${formatMetric(metric, before)} before, ${formatMetric(metric, after)} after`;
    return [{ name: metric.name, lost, values, interval: formatChangeInterval(metric) }];
  });
  const [first, ...others] = worse;
  if (!first) return [];
  const on = `on ${countedSamples(evaluation!.samples, report)}`;
  const interval = first.interval && `; difference ${first.interval} points`;
  const main = bad(`${first.name} is worse by ${first.lost}: ${first.values}, ${on}${interval}.`);
  const too = others.map(({ name, lost }) => `${name} by ${lost}`).join(', ');
  return too === '' ? [main] : [main, bad(`Worse too: ${too}.`)];
}

/** Other answers than the original's are bad, unless enough samples show that no fewer of them are right: then the
 *  result has learnt something else, as training on labels does. What a probe finds excuses nothing. */
export function agreementLevel(report: Judged): Level {
  return measureLevel(report, mainMeasure(report));
}

/** The worst that measures against the original say. */
export function comparedLevel(report: Judged): Level {
  const levels = [...brokenOutputs(report), ...agreement(report)].map(({ level }) => level);
  return levels.includes('bad') ? 'bad' : (levels[0] ?? 'plain');
}

function measureLevel(report: Judged, measure: Measure | null): Level {
  const level = measure ? levelOf(measure) : 'plain';
  if (measure && level === 'bad' && isOfMadeUp(report, measure)) return 'warn';
  return level === 'bad' && !report.probe && isAccurate(report) ? 'warn' : level;
}

const isAccurate = (report: Judged) =>
  mainMetric(report) !== null &&
  (report.evaluation!.tokens ?? report.evaluation!.samples) >= limits.evaluationSamples &&
  accuracy(report).length === 0;

function agreement(report: Judged): Warning[] {
  const found: Warning[] = [];
  for (const measure of measuresOf(report)) {
    const level = measureLevel(report, measure);
    // Of noise each output has a sentence of its own.
    if (level === 'plain' || measure.id === 'sqnr') continue;
    const but = isAccurate(report) ? `, though ${accuracyWords(mainMetric(report)!)}` : '';
    const text = `${measureLacks(measure, countedSamples(report.compare!.samples, report))}${but}.`;
    found.push({ level, text });
  }
  const isJudged = (name: string) => judgedOutputs(report).has(name) || isState(report, name);
  for (const { name, sqnrDb } of report.compare?.outputs ?? [])
    if (sqnrDb !== null && sqnrDb < limits.outputSqnrDb && !isJudged(name))
      found.push({
        level: noiseLevel(report, sqnrDb),
        text: `Output "${name}" is far from the original: SQNR ${formatDb(sqnrDb)} (under ${limits.outputSqnrDb} dB).`,
      });
  return found;
}

/** Noise is bad by itself only where nothing else stands for the task. */
function noiseLevel(report: Judged, sqnrDb: number): Warning['level'] {
  const main = mainMeasure(report);
  return main?.id === 'sqnr' && measureLevel(report, { ...main, value: sqnrDb }) === 'bad' ? 'bad' : 'warn';
}

/** What a model of text hands on from token to token: what is lost there shows in the tokens. */
const isState = ({ task }: Judged, output: string): boolean =>
  (task?.name === 'language-model' || task?.name === 'encoder-decoder') &&
  !task.outputs.some(({ name }) => name === output);

/** Outputs of which a measure of the task says more than their noise does. */
function judgedOutputs(report: Judged): ReadonlySet<string> {
  const main = mainMeasure(report);
  if (!main || main.id === 'sqnr' || isShareOfAnswers(main)) return new Set();
  return new Set(report.task?.outputs.map(({ name }) => name));
}

/** Of a metric that lost nothing, or no more than is allowed. */
function accuracyWords(metric: Metric): string {
  const change = changeOf(metric);
  if (change !== null && change >= 0) return `${metric.name} is no worse`;
  const interval = formatChangeInterval(metric);
  return `${metric.name} changes by only ${formatChange(metric)}${interval && ` (${interval})`}`;
}

function speed(report: Judged): Warning[] {
  return latencyPairs(report).flatMap((pair) => {
    if (!pair.before || !pair.after || !isSlower(pair)) return [];
    const { medianMs: before } = pair.before;
    const { medianMs: after } = pair.after;
    const text = `Slower than the original: ${formatMs(after)} instead of ${formatMs(before)} (${placeName(pair)}).`;
    return [pair.onTarget && !pair.emulated ? bad(text) : warn(text)];
  });
}

/** Whether the result surely takes longer by more than `limits.slowdown`. */
export function isSlower({ before, after }: Pick<LatencyPair, 'before' | 'after'>): boolean {
  if (!before || !after) return false;
  const { change, interval } = compareLatency(before, after);
  return change === 'slower' && interval[1] < 1 / (1 + limits.slowdown);
}

/** Under half a percent is what we write into the file about ourselves. */
const isLarger = (a: number, b: number) => a > 1.005 * b;

function size({ source, result }: Judged): Warning[] {
  const found: Warning[] = [];
  if (isLarger(result.sizeBytes, source.sizeBytes))
    found.push(
      bad(
        `Larger than the original: ${formatBytes(result.sizeBytes)} instead of ${formatBytes(source.sizeBytes)}.`,
      ),
    );
  const [before, after] = [source.brotliBytes, result.brotliBytes];
  if (before !== null && after !== null && isLarger(after, before))
    found.push(warn(`Larger on the wire (brotli): ${formatBytes(after)} instead of ${formatBytes(before)}.`));
  return found;
}

/** Half floats where nothing computes in them. The headline says of TensorFlow.js that it computes in float32. */
function halfFloats({ layers, target, result }: Judged): Warning[] {
  if (formatOfName(result.file) === tfjsFormat) return [];
  if (target.name !== 'wasm' || !layers.some((layer) => layer.precision === 'float16')) return [];
  return [
    warn(
      'Half floats are meant for WebGPU: on wasm the model is smaller, but computed in float32. If it will run on WebGPU, pass --target webgpu.',
    ),
  ];
}

/** Nothing is said twice where data was there: values too large for float16 stay in float32 then. */
function unmeasuredHalfs({ layers, data }: Judged): Warning[] {
  if (data && !data.synthetic) return [];
  if (!layers.some(({ precision, reason }) => precision === 'float16' && reason === null)) return [];
  return [
    warn(
      'Float16 ends at 65504, and without data nobody knows how large values get: squares, exponentials and sums over many stay in float32, the rest is trusted. Pass --data to measure it.',
    ),
  ];
}

/** Doubts about what the figures rest on. */
function evidence(report: Judged): Warning[] {
  const { data, compare, evaluation, precision } = report;
  const found: Warning[] = [];
  if (report.probe) found.push(warn(probeTells(report.probe)));
  else if (data?.synthetic)
    found.push(warn('Measured on synthetic data: how it does on real inputs is not known. Pass --data.'));
  if (compare === null && evaluation === null)
    found.push(
      warn(
        `Not compared with the original: ${data === null ? 'there was no data' : 'no samples were held back'}. Pass --data to know.`,
      ),
    );
  if (data?.labelsUnused !== undefined)
    found.push(
      warn(
        `The labels found beside the data are not used: ${data.labelsUnused}.${takesClasses(report) ? ' Pass --labels.' : ''}`,
      ),
    );
  if (data?.preprocessingGuessed && !data.preprocessingTrial)
    found.push(
      warn(
        mainMetric(report) === null
          ? `Preprocessing ${preprocessingName(data)} was guessed, and without labels nothing confirms it. Pass --preprocess${sameAnswers(report) === null ? '' : ' or --labels'}.`
          : `Preprocessing ${preprocessingName(data)} was guessed, and no samples were left to try others on: accuracy may be lower than it could be. Pass --preprocess.`,
      ),
    );
  if (
    precision.mode === 'static' &&
    data &&
    !data.synthetic &&
    data.calibrationSamples < limits.calibrationSamples
  )
    found.push(
      warn(
        `Calibrated on only ${countedSamples(data.calibrationSamples, report)}; ranges settle at about 100. Add more to --data.`,
      ),
    );
  return found.concat(fewSamples(report));
}

/** What so few samples can't tell. */
function unsure({ budget, evaluation, data }: Judged): Warning[] {
  const chance = evaluation && !data?.synthetic ? chanceDoubt(evaluation) : null;
  const doubt = budget ? budgetDoubt(budget) : null;
  return [chance, doubt].filter((text) => text !== null).map(warn);
}

/** Whether labels of classes could serve at all. */
const takesClasses = ({ task }: Judged) => task === undefined || task.name === 'classification';

function fewSamples(report: Judged): Warning[] {
  const { compare, evaluation } = report;
  const samples = compare?.samples ?? evaluation?.samples;
  if (samples === undefined || report.probe || samples >= limits.evaluationSamples || report.data?.synthetic)
    return [];
  const one = noun(report).replace(/s$/, '');
  const share = sameAnswers(report);
  if (share === null) return [warn(`Compared on only ${counted(samples, one)}: the figures are rough.`)];
  const [low, high] = wilsonInterval(Math.round(share * samples), samples);
  const range = `${formatPercent(low, 0)} to ${formatPercent(high, 0)}`;
  return [
    warn(`Compared on only ${counted(samples, one)}: the true agreement may be anything from ${range}.`),
  ];
}
