/** What --max-drop bounds: accuracy where there are labels, else the first measure of the task that is a share. Of what is no share, as
 *  perplexity, a point is a hundredth of what the original has. */

import { isShareOfAnswers, measuresOf } from '../judge/report/measure-words.ts';
import { pointsLostOf } from '../judge/report/metrics.ts';
import type { PairResult } from '../judge/report/report.ts';
import { budgeted, type Measure, pointsLost } from '../judge/task/measure.ts';
import { accuracyBudget, budgetNotMeasured, metricBudget } from '../support/diagnostics/training.ts';

/** Whether a share has dropped by more than so many percentage points. Shares are quotients of small numbers: 0.987 − 0.977 is a
 *  hair more than 0.01. */
export const isBeyond = (maxDrop: number, before: number, after: number): boolean =>
  isTooMuch(lostOf(before, after), maxDrop);

const lostOf = (before: number, after: number) => 100 * (before - after);
const isTooMuch = (points: number, maxDrop: number) => points > maxDrop + 1e-6;

const nameOf = (measure: Measure) =>
  isShareOfAnswers(measure) ? 'agreement with the original' : `${measure.name} against the original`;

/** @throws ACCURACY_BUDGET, BUDGET_NOT_MEASURED */
export function checkBudget(pair: PairResult | null, maxDrop: number | undefined): void {
  if (maxDrop === undefined) return;
  const accuracy = pair?.evaluation?.metrics[0];
  const measure = pair && budgeted(measuresOf(pair));
  if (!accuracy && !measure) throw budgetNotMeasured(maxDrop);
  const lost = accuracy ? (pointsLostOf(accuracy) ?? 0) : pointsLost(measure!)!;
  if (isTooMuch(lost, maxDrop)) {
    if (accuracy && accuracy.unit !== 'fraction')
      throw metricBudget(accuracy.name, accuracy.before!, accuracy.after!, { lost, most: maxDrop });
    const [name, before, after] = accuracy
      ? [accuracy.name, accuracy.before ?? 0, accuracy.after ?? 0]
      : [nameOf(measure!), measure!.ideal!, measure!.value!];
    throw accuracyBudget(name, before, after, maxDrop);
  }
}
