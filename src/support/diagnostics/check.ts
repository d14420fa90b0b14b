/** What can go wrong when a model is checked against budgets. */
import { user } from '../diagnostics.ts';

export const noBudget = (known: readonly string[]) =>
  user('NO_BUDGET', 'Nothing was asked to be kept.', `Pass a budget or several: ${known.join(', ')}.`);

export const reportUnreadable = (file: string, what: string, cause?: unknown) =>
  user(
    'REPORT_UNREADABLE',
    `${file} is not the report of a result: ${what}.`,
    'Pass the .report.json that compress wrote beside a result, or a model.',
    cause,
  );
