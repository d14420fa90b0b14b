/** The model on its way: what every step before the last cost and bought, and why they came in this order. */
import type { Skip } from '../../compress/pipeline/pass.ts';
import { formatBytes, formatCount, formatMs } from '../../support/units.ts';
import { type Measure, measures } from '../task/measure.ts';
import { table, text } from './markdown-text.ts';
import { formatMeasure } from './measure-words.ts';
import type { Report } from './report.ts';
import { macsNote } from './summary.ts';

import type { TrainingRecord } from './training.ts';

type Step = NonNullable<Report['steps']>[number];

/** A model on its way, in numbers. */
export interface Milestone {
  readonly name: string;
  /** Of the file that would be written, were this the last step. */
  readonly sizeBytes: number;
  readonly parameters: number;
  /** For one sample; null when shapes don't allow counting. */
  readonly macs: number | null;
  /** accuracy, agreement with the original, or what the task is measured by against it; on the samples kept for evaluation. */
  readonly metric: string | null;
  readonly value: number | null;
  /** Median on the target, this machine. */
  readonly latencyMs: number | null;
  readonly note?: string | null;
}

/** What was done to a model before the recipe. */
export interface StepsRecord {
  readonly milestones: readonly Milestone[];
  readonly stages: readonly { readonly name: string; readonly summary: string; readonly ms: number }[];
  readonly skips: readonly (Skip & { readonly pass: string })[];
  readonly training: readonly TrainingRecord[];
}

const none = '–';

/** Columns that have a value in some row; the first is the step's name. */
export function stepTable(steps: readonly Step[]): { head: string[]; rows: string[][] } {
  const metric = steps.find((s) => s.metric !== null)?.metric ?? null;
  const quality = ({ metric: of, value }: Step) => formatMeasure({ unit: unitOf(of), value });
  const columns: readonly (readonly [string, (s: Step) => string])[] = [
    ['step', (s) => s.name],
    ['file', (s) => formatBytes(s.sizeBytes)],
    ['parameters', (s) => formatCount(s.parameters)],
    ['MACs', (s) => (s.macs === null ? none : formatCount(s.macs))],
    [metric ?? 'quality', quality],
    ['latency', (s) => (s.latencyMs === null ? none : formatMs(s.latencyMs))],
  ];
  const shown = columns.filter(([, cell]) => steps.some((s) => cell(s) !== none));
  return { head: shown.map(([title]) => title), rows: steps.map((s) => shown.map(([, cell]) => cell(s))) };
}

/** Of a measure of the task by its name; accuracy and agreement are shares. */
const unitOf = (metric: string | null): Measure['unit'] =>
  Object.values(measures).find(({ name }) => name === metric)?.unit ?? 'fraction';

const trains = (name: string) => name === 'distil' || name === 'finetune';

/** Why the steps came in this order, where there was a choice, what each has to say, and what the MACs take for open sizes;
 *  null where there is nothing. */
export function stepRemarks({ steps = [], source }: Pick<Report, 'steps' | 'source'>): string | null {
  const names = steps.slice(1).map((s) => s.name);
  const removes = names.some((name) => name === 'prune' || name === 'sparsify');
  const learns = names.some(trains);
  const last = names.at(-1) ?? '';
  const quantised = !['prune', 'sparsify', 'student', 'distil', 'finetune'].includes(last);
  const parts = [
    removes && learns ? 'pruned first, so that training repairs what pruning broke' : '',
    quantised ? `${last} last, so that its scales fit the weights that are left` : '',
  ].filter((part) => part !== '');
  const notes = steps.flatMap((s) => (s.note ? [`${s.name} ${s.note}`] : []));
  const macs = steps.some((s) => s.macs !== null) ? macsNote(source) : '';
  const sentences = [parts.join('; '), ...notes, macs && `MACs ${macs}`].filter((part) => part !== '');
  const whole = sentences.map((s) => `${s.charAt(0).toUpperCase()}${s.slice(1)}.`).join(' ');
  return whole === '' ? null : whole;
}

/** A table, and the reason below it; empty where there was no step. */
export function stepsMarkdown(report: Pick<Report, 'steps' | 'source'>): string {
  const { steps } = report;
  if (!steps || steps.length < 2) return '';
  const { head, rows } = stepTable(steps);
  const body = table(
    head,
    head.map((_, i) => (i === 0 ? 'left' : 'right')),
    rows.map((row) => row.map(text)),
  );
  const reason = stepRemarks(report);
  return `Step by step:\n\n${body}${reason ? `\n\n${text(reason)}` : ''}`;
}
