/** What --max-drop bounds: accuracy where there are labels, else agreement with the original. */

import type { PairResult } from '../judge/report/report.ts';
import { accuracyBudget, budgetNotMeasured } from '../support/diagnostics/training.ts';

/** Whether a share has dropped by more than so many percentage points. Shares are quotients of small numbers: 0.987 − 0.977 is a
 *  hair more than 0.01. */
export const isBeyond = (maxDrop: number, before: number, after: number): boolean =>
  100 * (before - after) > maxDrop + 1e-6;

/** @throws ACCURACY_BUDGET, BUDGET_NOT_MEASURED */
export function checkBudget(pair: PairResult | null, maxDrop: number | undefined): void {
  if (maxDrop === undefined) return;
  const accuracy = pair?.evaluation?.metrics[0];
  const agreement = pair?.compare.outputs.find((o) => o.top1Agreement !== null)?.top1Agreement ?? null;
  if (!accuracy && agreement === null) throw budgetNotMeasured(maxDrop);
  const [name, before, after] = accuracy
    ? [accuracy.name, accuracy.before ?? 0, accuracy.after ?? 0]
    : ['agreement with the original', 1, agreement as number];
  if (isBeyond(maxDrop, before, after)) throw accuracyBudget(name, before, after, maxDrop);
}
