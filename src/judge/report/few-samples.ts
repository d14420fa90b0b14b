/** What few samples can't tell, in sentences: one place for terminal, Markdown, HTML and JSON. */
import { binomialTail, wilsonInterval } from '../../support/statistics.ts';
import { counted, formatPercent, formatSigned } from '../../support/units.ts';
import type { Measure, Metric } from '../task/measure.ts';
import { isShareOfAnswers, titleOfMeasure } from './measure-words.ts';
import type { Report } from './report.ts';

/** A loss that a budget bounds, in points; the interval is one of 95 %. */
export interface BudgetedLoss {
  readonly name: string;
  readonly allowed: number;
  readonly lost: number;
  /** null where it is not known. */
  readonly interval: readonly [number, number] | null;
  readonly samples: number;
}

/** Fewer than these are called few where no interval is known. */
const few = 100;

/** Why a loss within its budget may be beyond it on other samples; null where these show that it isn't, or it is beyond already.
 *  "Top-1 accuracy keeps its budget on these 16 samples, which are too few to tell: the loss may be anything from −19.4 to +19.4
 *  points (95 %), and 1 was allowed." */
export function budgetDoubt({ name, allowed, lost, interval, samples }: BudgetedLoss): string | null {
  if (lost > allowed + 1e-6) return null;
  const keeps = `${titleOfMeasure(name)} keeps its budget on these ${counted(samples, 'sample')}`;
  if (interval === null)
    return samples < few ? `${keeps}, which are too few to tell whether it does on others.` : null;
  if (interval[1] <= allowed + 1e-6) return null;
  const anything = `what is lost may be anything from ${intervalText(interval)} points (95 %), and ${allowed} ${allowed === 1 ? 'was' : 'were'} allowed`;
  return `${keeps}, which are too few to be sure: ${anything}.`;
}

/** "−19.4 to +19.4": of losses, as they are signed. */
const intervalText = ([low, high]: readonly [number, number]) =>
  `${formatSigned(low, 1)} to ${formatSigned(high, 1)}`;

/** 95 % interval of the points that a share has lost on the same samples; null where it isn't known. */
export const lossInterval = ({ unit, changeInterval }: Metric): [number, number] | null =>
  unit === 'fraction' && changeInterval ? [-100 * changeInterval[1], -100 * changeInterval[0]] : null;

/** The same of answers that are no longer the original's. Of several answers a sample each sample counts as one. */
export function measureLossInterval(measure: Measure, samples: number): [number, number] | null {
  if (!isShareOfAnswers(measure) || measure.value === null) return null;
  const [low, high] = wilsonInterval(Math.round(measure.value * samples), samples);
  return [100 * (1 - high), 100 * (1 - low)];
}

/** Guessing gets as many right more often than this: then it says nothing. */
const byChance = 0.025;

type Labelled = Pick<NonNullable<Report['evaluation']>, 'samples' | 'metrics' | 'classes'>;

/** That labels are known no better than guessing knows them, as far as the samples tell; null where they are, and of what isn't top-1
 *  accuracy. "The original gets 4 of 16 right, which may be chance: guessing among 4 classes gets 25.0 %." */
export function chanceDoubt({ samples, metrics: [metric], classes }: Labelled): string | null {
  if (metric?.name !== 'top-1 accuracy' || !classes || classes < 2) return null;
  const isChance = (value: number | null) =>
    value !== null && binomialTail(Math.round(value * samples), samples, 1 / classes) > byChance;
  const who = metric.before === null ? 'model' : isChance(metric.before) ? 'original' : 'result';
  const value = who === 'original' ? metric.before : metric.after;
  if (value === null || !isChance(value)) return null;
  const right = `The ${who} gets ${Math.round(value * samples)} of ${samples} right, which may be chance`;
  const guess = `guessing among ${classes} classes gets ${formatPercent(1 / classes)}`;
  const why = who === 'result' ? '' : ' More samples show it; labels or preprocessing may be wrong.';
  return `${right}: ${guess}.${why}`;
}
