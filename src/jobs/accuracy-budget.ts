/** What --max-drop bounds: accuracy where there are labels, else the first measure of the task that is a share. Of what is no share, as
 *  perplexity, a point is a hundredth of what the original has. */

import { lossInterval, measureLossInterval } from '../judge/report/few-samples.ts';
import { isShareOfAnswers, measuresOf } from '../judge/report/measure-words.ts';
import { pointsLostOf } from '../judge/report/metrics.ts';
import type { PairMeasurement, PairResult, Report } from '../judge/report/report.ts';
import type { Search } from '../judge/report/search.ts';
import { budgeted, levelOf, type Measure, mainOf, pointsLost } from '../judge/task/measure.ts';
import { answersNotGood, slowerThanAllowed } from '../support/diagnostics/auto.ts';
import { accuracyBudget, budgetNotMeasured, metricBudget } from '../support/diagnostics/training.ts';
import { formatMs, formatPercent } from '../support/units.ts';
import { usualDrop } from './auto/goal.ts';

/** Whether a share has dropped by more than so many percentage points. Shares are quotients of small numbers: 0.987 − 0.977 is a
 *  hair more than 0.01. */
export const isBeyond = (maxDrop: number, before: number, after: number): boolean =>
  isTooMuch(lostOf(before, after), maxDrop);

const lostOf = (before: number, after: number) => 100 * (before - after);
const isTooMuch = (points: number, maxDrop: number) => points > maxDrop + 1e-6;

const nameOf = (measure: Measure) =>
  isShareOfAnswers(measure) ? 'agreement with the original' : `${measure.name} against the original`;

/** @returns what was lost and how sure that is; undefined where nothing bounds it
 *  @throws ACCURACY_BUDGET, BUDGET_NOT_MEASURED */
export function checkBudget(pair: PairResult | null, maxDrop: number | undefined): Report['budget'] {
  if (maxDrop === undefined) return undefined;
  const accuracy = pair?.evaluation?.metrics[0];
  const measure = pair && budgeted(measuresOf(pair));
  if (!accuracy && !measure) throw budgetNotMeasured(maxDrop);
  const samples = accuracy ? pair.evaluation!.samples : pair!.compare.samples;
  const lost = accuracy ? (pointsLostOf(accuracy) ?? 0) : pointsLost(measure!)!;
  if (isTooMuch(lost, maxDrop)) {
    if (accuracy && accuracy.unit !== 'fraction')
      throw metricBudget(accuracy.name, accuracy.before!, accuracy.after!, { lost, most: maxDrop });
    const [name, before, after] = accuracy
      ? [accuracy.name, accuracy.before ?? 0, accuracy.after ?? 0]
      : [nameOf(measure!), measure!.ideal!, measure!.value!];
    throw accuracyBudget(name, before, after, maxDrop);
  }
  const interval = accuracy ? lossInterval(accuracy) : measureLossInterval(measure!, samples);
  return { name: accuracy?.name ?? nameOf(measure!), allowed: maxDrop, lost, interval, samples };
}

/** The same of what a search chose by other samples: points where they can be told, and the time where one was asked for.
 *  @throws ACCURACY_BUDGET, LATENCY_BUDGET */
export function checkGoal(
  pair: PairResult | null,
  measured: PairMeasurement | null,
  { maxDrop, maxLatencyMs, maxLatencyShare }: Search['goal'],
): Report['budget'] {
  const [before, after] = ['before', 'after'].map(
    (model) => measured?.latency.find((one) => one.model === model)?.medianMs,
  );
  if (after !== undefined && maxLatencyMs !== null && after > maxLatencyMs)
    throw slowerThanAllowed(formatMs(after), formatMs(maxLatencyMs));
  const share = after === undefined || before === undefined ? null : after / before;
  if (share !== null && maxLatencyShare !== null && share > maxLatencyShare)
    throw slowerThanAllowed(
      `${formatPercent(share, 0)} of the original's time`,
      formatPercent(maxLatencyShare, 0),
    );
  if (pair === null) return undefined;
  const found = measuresOf(pair);
  const byLabels = pair.evaluation?.metrics[0] !== undefined;
  if (byLabels || (maxDrop !== null && budgeted(found))) return checkBudget(pair, maxDrop ?? usualDrop);
  const main = mainOf(found);
  if (main && levelOf(main) !== 'plain') throw answersNotGood(main.name, main.value!, pair.compare.samples);
  return undefined;
}
