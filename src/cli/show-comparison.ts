/** A comparison of two models, in tables. */
import type { Comparison } from '../jobs/compare.ts';
import { chanceDoubt } from '../judge/report/few-samples.ts';
import { formatMeasure, measuresOf, taskText } from '../judge/report/measure-words.ts';
import { formatMetric } from '../judge/report/metrics.ts';
import { plain } from '../judge/report/terminal.ts';
import { formatDb, formatPercent } from '../support/units.ts';
import { table } from './table.ts';

export function describeComparison({ compare, evaluation, guessed, task }: Comparison): string {
  const rows = compare.outputs.map((o) => [
    o.name,
    o.sqnrDb === null ? (o.maxAbsError === 0 ? 'identical' : '–') : formatDb(o.sqnrDb),
    o.cosine === null ? '–' : o.cosine.toFixed(5),
    o.maxAbsError === null ? 'not finite' : o.maxAbsError.toPrecision(3),
    o.top1Agreement === null ? '–' : formatPercent(o.top1Agreement),
  ]);
  const measures = measuresOf({ compare }).map((m) => [m.name, formatMeasure(m)]);
  const parts = [
    `  ${plain(taskText(task))}`,
    table(['against the original', ''], measures),
    table(['output', 'SQNR', 'cosine', 'max error', 'same top-1'], rows),
  ];
  if (evaluation) {
    parts.push(
      table(
        ['accuracy', 'before', 'after'],
        evaluation.metrics.map((m) => [m.name, formatMetric(m, m.before), formatMetric(m, m.after)]),
      ),
    );
  }
  const chance = evaluation && chanceDoubt(evaluation);
  if (chance) parts.push(`  ${chance}`);
  if (guessed.length > 0) parts.push(guessed.map((g) => `  guessed: ${g}`).join('\n'));
  return parts.join('\n\n');
}
