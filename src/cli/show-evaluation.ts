/** What a model achieves, in tables. */
import type { Evaluation } from '../jobs/evaluate.ts';
import type { ModelEvaluation } from '../jobs/evaluate-model.ts';
import { type ClassificationResult, confusionMatrix } from '../judge/evaluate/classification.ts';
import { chanceDoubt } from '../judge/report/few-samples.ts';
import { formatChange, formatMetric, type Metric } from '../judge/report/metrics.ts';
import { formatPercent } from '../support/units.ts';
import { table } from './table.ts';

/** Classes that the table shows; --json has all. */
const shownClasses = 20;
/** With more than these the table of confusions is wider than a terminal. */
const confusedClasses = 10;

type PerClass = NonNullable<ModelEvaluation['perClass']>;

/** @param pair  a baseline stands beside the model */
export function describeEvaluation(evaluation: Evaluation, pair: boolean): string {
  const value = (m: Metric, v: number | null) =>
    m.unit === 'fraction' && v !== null ? formatPercent(v, 2) : formatMetric(m, v);
  const withInterval = evaluation.metrics.some((m) => m.interval);
  const rows = evaluation.metrics.map((m) => [
    m.name,
    ...(pair ? [value(m, m.before)] : []),
    value(m, m.after),
    ...(pair ? [formatChange(m)] : []),
    ...(withInterval ? [m.interval ? m.interval.map((v) => formatPercent(v)).join(' to ') : ''] : []),
  ]);
  const head = [
    'metric',
    ...(pair ? ['baseline', 'model', 'change'] : ['value']),
    ...(withInterval ? ['95 % interval'] : []),
  ];
  const parts = [table(head, rows)];
  if ('perClass' in evaluation && evaluation.perClass)
    parts.push(...classTables(evaluation, evaluation.perClass));
  const chance = 'classes' in evaluation && chanceDoubt(evaluation);
  if (chance) parts.push(`  ${chance}`);
  if ('signature' in evaluation && evaluation.signature) parts.push(`  BLEU: ${evaluation.signature}`);
  if ('window' in evaluation && evaluation.window)
    parts.push(`  windows of ${evaluation.window} tokens, ${evaluation.stride} apart`);
  if (evaluation.guessed.length > 0) parts.push(evaluation.guessed.map((g) => `  guessed: ${g}`).join('\n'));
  return parts.join('\n\n');
}

function classTables({ confusion = [] }: ModelEvaluation, perClass: PerClass): string[] {
  const few = perClass.length <= confusedClasses;
  return few ? [classTable(perClass), confusionTable({ perClass, confusion })] : [classTable(perClass)];
}

/** What each class was taken for. */
function confusionTable(found: Pick<ClassificationResult, 'perClass' | 'confusion'>): string {
  const labels = found.perClass.map(({ label }) => `${label}`);
  const rows = confusionMatrix(found).map((counts, i) => [labels[i]!, ...counts.map(String)]);
  return table(['is \\ taken for', ...labels], rows);
}

function classTable(perClass: PerClass): string {
  const shown = (v: number | null) => (v === null ? '–' : formatPercent(v));
  const rows = perClass
    .slice(0, shownClasses)
    .map((c) => [`${c.label}`, shown(c.precision), shown(c.recall), shown(c.f1), `${c.support}`]);
  const rest = perClass.length - rows.length;
  const more = rest > 0 ? `\n  and ${rest} classes more: --json has them` : '';
  return `${table(['class', 'precision', 'recall', 'F1', 'samples'], rows)}${more}`;
}
