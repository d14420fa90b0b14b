/** A comparison of two models, in tables. */
import type { Comparison } from '../jobs/compare.ts';
import { formatDb, formatPercent } from '../support/units.ts';
import { table } from './table.ts';

export function describeComparison({ compare, evaluation, guessed }: Comparison): string {
  const rows = compare.outputs.map((o) => [
    o.name,
    o.sqnrDb === null ? (o.maxAbsError === 0 ? 'identical' : '–') : formatDb(o.sqnrDb),
    o.cosine === null ? '–' : o.cosine.toFixed(5),
    o.maxAbsError === null ? 'not finite' : o.maxAbsError.toPrecision(3),
    o.top1Agreement === null ? '–' : formatPercent(o.top1Agreement),
  ]);
  const parts = [table(['output', 'SQNR', 'cosine', 'max error', 'same top-1'], rows)];
  if (evaluation) {
    const shown = (v: number | null) => (v === null ? '–' : formatPercent(v));
    parts.push(
      table(
        ['accuracy', 'before', 'after'],
        evaluation.metrics.map((m) => [m.name, shown(m.before), shown(m.after)]),
      ),
    );
  }
  if (guessed.length > 0) parts.push(guessed.map((g) => `  guessed: ${g}`).join('\n'));
  return parts.join('\n\n');
}
