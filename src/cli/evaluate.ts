/** compress evaluate <model> --data … [--metric …] [--baseline …] */
import { basename } from 'node:path';
import { openEngine } from '../compute/engine/open.ts';
import { metricFamily } from '../jobs/evaluate-metrics.ts';
import { evaluateModel, type ModelEvaluation } from '../jobs/evaluate-model.ts';
import { evaluateNumbers } from '../jobs/evaluate-numbers.ts';
import { evaluatePairs, evaluatePerplexity, type TextEvaluation } from '../jobs/evaluate-text.ts';
import { openModel } from '../jobs/model-files.ts';
import { type JobEvents, step } from '../jobs/progress.ts';
import type { BleuTokenizer } from '../judge/evaluate/bleu-tokenize.ts';
import { type ClassificationResult, confusionMatrix } from '../judge/evaluate/classification.ts';
import { formatChange, formatMetric, type Metric } from '../judge/report/metrics.ts';
import { portsOf } from '../model/ir/port.ts';
import { optionWithoutEffect } from '../support/diagnostics/command-line.ts';
import { labelsRequired } from '../support/diagnostics/data.ts';
import { formatPercent } from '../support/units.ts';
import { chooseSamples, type DataFlags } from './compare.ts';
import { interruptSignal } from './interrupt.ts';
import { printJson } from './print-json.ts';
import { createProgress } from './progress.ts';
import { table } from './table.ts';

export interface EvaluateFlags extends DataFlags {
  metric?: string[];
  baseline?: string;
  tokenizer?: string;
  ids?: boolean;
  encoder?: string;
  baselineEncoder?: string;
  window?: number;
  stride?: number;
  maxTokens: number;
  stop?: string[];
  startToken?: number;
  bleuTokenizer: BleuTokenizer;
}

/** What was measured on, and what came out. */
interface Outcome {
  readonly data: string;
  readonly guessed: readonly string[];
  readonly evaluation: ModelEvaluation | TextEvaluation;
}

export async function run(model: string, flags: EvaluateFlags): Promise<void> {
  const family = metricFamily(flags.metric ?? []);
  const onSamples = family === 'classes' || family === 'numbers';
  requireEffect(flags, onSamples);
  const { signal, dispose } = interruptSignal();
  const progress = createProgress({ quiet: false });
  try {
    const { data, guessed, evaluation } =
      family === 'classes' || family === 'numbers'
        ? await onData(model, flags, family, progress, signal)
        : await onText(model, flags, family, progress, signal);
    if (flags.json) {
      printJson({ data, guessed, ...evaluation });
      return;
    }
    console.log(`\n${describe(evaluation, flags.baseline !== undefined)}`);
    for (const g of guessed) console.log(`  guessed: ${g}`);
  } finally {
    progress.stop();
    dispose();
  }
}

/** @throws OPTION_WITHOUT_EFFECT for options of the other kind of metric */
function requireEffect(flags: EvaluateFlags, classes: boolean): void {
  const text = 'a metric of text (--metric perplexity, bleu or exact-match)';
  const ofText = {
    tokenizer: flags.tokenizer,
    ids: flags.ids,
    encoder: flags.encoder,
    window: flags.window,
    stop: flags.stop,
    'start-token': flags.startToken,
  };
  const ofClasses = { labels: flags.labels, preprocess: flags.preprocess };
  for (const [name, value] of Object.entries(classes ? ofText : ofClasses))
    if (value !== undefined) throw optionWithoutEffect(`--${name}`, classes ? text : 'labelled samples');
  if (flags.baselineEncoder && !flags.baseline) throw optionWithoutEffect('--baseline-encoder', '--baseline');
  if (flags.stride && !flags.metric?.includes('perplexity'))
    throw optionWithoutEffect('--stride', '--metric perplexity');
}

async function onData(
  model: string,
  flags: EvaluateFlags,
  family: 'classes' | 'numbers',
  progress: JobEvents,
  signal: AbortSignal,
): Promise<Outcome> {
  const ports = portsOf(openModel(model).model);
  if (flags.baseline !== undefined) openModel(flags.baseline);
  const { source, indices } = await chooseSamples(ports, flags);
  if (family === 'classes' && !source.labelled) throw labelsRequired(source.name);
  const evaluate = family === 'classes' ? evaluateModel : evaluateNumbers;
  const engine = await openEngine(flags.engine);
  const evaluation = await step(
    progress,
    'evaluate',
    (onProgress) =>
      evaluate(
        { path: model },
        {
          engine,
          source,
          indices,
          signal,
          onProgress,
          metrics: flags.metric,
          ...(flags.baseline ? { baseline: { path: flags.baseline } } : {}),
        },
      ),
    (e) => `${e.samples} samples on ${e.runtime} · ${source.name}`,
  );
  return { data: source.name, guessed: source.guessed, evaluation };
}

async function onText(
  model: string,
  flags: EvaluateFlags,
  family: 'text' | 'pairs',
  progress: JobEvents,
  signal: AbortSignal,
): Promise<Outcome> {
  const engine = await openEngine(flags.engine);
  const what = family === 'text' ? 'windows' : 'pairs';
  const evaluation = await step(
    progress,
    'evaluate',
    (onProgress) => {
      const options = { ...flags, model, engine, signal, onProgress };
      return family === 'text'
        ? evaluatePerplexity(options)
        : evaluatePairs({ ...options, metrics: flags.metric ?? [] });
    },
    (e) => `${e.samples} ${what} on ${e.runtime} · ${basename(flags.data)}`,
  );
  return { data: basename(flags.data), guessed: [], evaluation };
}

/** Classes that the table shows; --json has all. */
const shownClasses = 20;
/** With more than these the table of confusions is wider than a terminal. */
const confusedClasses = 10;

type PerClass = NonNullable<ModelEvaluation['perClass']>;

function describe(evaluation: ModelEvaluation | TextEvaluation, pair: boolean): string {
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
  if ('signature' in evaluation && evaluation.signature) parts.push(`  BLEU: ${evaluation.signature}`);
  if ('window' in evaluation && evaluation.window)
    parts.push(`  windows of ${evaluation.window} tokens, ${evaluation.stride} apart`);
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
