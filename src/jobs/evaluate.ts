/** The call behind `compress evaluate`: how good a model is at its task, alone or beside another. */
import { basename } from 'node:path';
import { openEngine } from '../compute/engine/open.ts';
import type { DataSource } from '../data/source.ts';
import type { ModelInput } from '../model/formats/open-file.ts';
import { optionWithoutEffect } from '../support/diagnostics/command-line.ts';
import { labelsRequired } from '../support/diagnostics/data.ts';
import { fieldsOf } from '../support/field.ts';
import { isGiven, parseRequest, type Spelling, spell } from '../support/parse-request.ts';
import { inCallWords } from '../support/respell.ts';
import type { TaskName } from '../support/task.ts';
import { counted } from '../support/units.ts';
import { chooseSamples } from './choose-samples.ts';
import { type MetricFamily, metricFamily } from './evaluate-metrics.ts';
import { evaluateModel, type ModelEvaluation } from './evaluate-model.ts';
import { evaluateNumbers } from './evaluate-numbers.ts';
import { evaluateTask } from './evaluate-task.ts';
import { evaluatePairs, evaluatePerplexity, type TextEvaluation } from './evaluate-text.ts';
import { fittingLabels } from './fitting-labels.ts';
import { alike } from './io-types.ts';
import { taskOf } from './model-task.ts';
import { type JobRun, type RunOptions, separated, step } from './progress.ts';
import { readModel } from './read-model.ts';
import { type EvaluateRequest, type EvaluateRequestInit, evaluateRequest } from './requests/evaluate.ts';

export type Evaluation = (ModelEvaluation | TextEvaluation) & {
  /** What was evaluated on, for people. */
  readonly data: string;
  /** What was assumed about the data, in words. */
  readonly guessed: readonly string[];
};

export type EvaluateOptions = EvaluateRequestInit & RunOptions;

/** Accuracy, F1, average precision of boxes, IoU of masks, perplexity, BLEU or exact match of a model; with `baseline`, of two side by side.
 *  @param model  a path, an address on the web, bytes or an open model
 *  @example
 *  const { report } = await evaluate('model.int8.onnx', { data: 'val/', baseline: 'model.onnx' });
 *  console.log(report.metrics.map((m) => [m.name, m.before, m.after]));
 *  @throws UNKNOWN_OPTION, INVALID_ARGUMENT, OPTION_WITHOUT_EFFECT, METRICS_MIXED, LABELS_REQUIRED, TASK_UNLABELLED, TASK_UNFIT, what opening models
 *    and data throws
 *  @group Calls */
export async function evaluate(model: ModelInput, options: EvaluateOptions): Promise<{ report: Evaluation }> {
  return inCallWords(evaluateRequest, async () => {
    const { given, run } = separated(options);
    const request = parseRequest(evaluateRequest, given);
    refuseIdle(given, request, 'field');
    return { report: await evaluateWith(model, request, run) };
  });
}

export const evaluateWith = (
  model: ModelInput,
  request: EvaluateRequest,
  run: JobRun,
): Promise<Evaluation> => {
  const family = metricFamily(request.metric ?? []);
  return family === 'text' || family === 'pairs'
    ? onText(model, request, family, run)
    : onData(model, request, family, run);
};

const textKeys = ['ids', 'encoder', 'stop', 'startToken'];
const classKeys = ['task', 'labels', 'preprocess', 'outputs', 'layout', 'sizes', 'fix'];

/** @throws OPTION_WITHOUT_EFFECT for options of the other kind of metric */
export function refuseIdle(
  given: Readonly<Record<string, unknown>>,
  { metric = [], baseline }: EvaluateRequest,
  spelling: Spelling,
): void {
  const refuse = (key: string, needs: string) => {
    const field = fieldsOf(evaluateRequest).find((f) => f.key === key);
    if (field && isGiven(given, key)) throw optionWithoutEffect(spell(field, spelling), needs);
  };
  const family = metricFamily(metric);
  const isData = family !== 'text' && family !== 'pairs';
  if (metric.length > 0 && family !== 'task') refuse('task', 'no --metric, or one of map and miou');
  for (const key of isData ? textKeys : classKeys)
    refuse(key, isData ? 'a metric of text (--metric perplexity, bleu or exact-match)' : 'labelled samples');
  if (baseline === undefined) refuse('baselineEncoder', '--baseline');
  if (!metric.includes('perplexity')) refuse('stride', '--metric perplexity');
}

async function onData(
  model: ModelInput,
  request: EvaluateRequest,
  asked: Exclude<MetricFamily, 'text' | 'pairs'>,
  run: JobRun,
): Promise<Evaluation> {
  const { signal, events } = run;
  const { baseline, metric: metrics } = request;
  const given = await readModel(model, request, run);
  const original = baseline === undefined ? undefined : await readModel(baseline, request, run);
  const opened = alike(given, original);
  const others = original ? { baseline: { model: alike(original, given) } } : {};
  const { source, indices } = await chooseSamples(opened, request);
  const family = familyOn(source, request, asked);
  if (family === 'classes' && !source.labelled) throw labelsRequired(source.name);
  if (family === 'classes') fittingLabels(source, opened.model, true);
  const task = family === 'task' ? taskOf(opened, taskFor(request), source) : null;
  const engine = await openEngine(request.engine);
  const evaluation = await step(
    events,
    'evaluate',
    (onProgress) => {
      const options = { engine, source, indices, signal, onProgress, ...others };
      if (task) return evaluateTask({ model: opened }, { ...options, task });
      const measure = family === 'classes' ? evaluateModel : evaluateNumbers;
      return measure({ model: opened }, { ...options, metrics });
    },
    (e) => `${counted(e.samples, 'sample')} on ${e.runtime} · ${source.name}`,
  );
  return { data: source.name, guessed: source.guessed, ...evaluation };
}

/** Labels that are no classes, and tasks that are none of classes, are judged as the task is. */
function familyOn(
  { annotated }: DataSource,
  { metric = [], task }: EvaluateRequest,
  asked: Exclude<MetricFamily, 'text' | 'pairs'>,
): Exclude<MetricFamily, 'text' | 'pairs'> {
  if (metric.length > 0) return asked;
  return annotated !== undefined || (task !== undefined && task !== 'classification') ? 'task' : asked;
}

/** What a metric is of. */
const taskFor = ({ metric = [], task }: EvaluateRequest): TaskName | undefined =>
  task ?? (metric.includes('map') ? 'detection' : metric.includes('miou') ? 'segmentation' : undefined);

async function onText(
  model: ModelInput,
  request: EvaluateRequest,
  family: 'text' | 'pairs',
  { signal, events }: JobRun,
): Promise<Evaluation> {
  const engine = await openEngine(request.engine);
  const what = family === 'text' ? 'windows' : 'pairs';
  const data = basename(request.data);
  const evaluation = await step(
    events,
    'evaluate',
    (onProgress) => {
      const options = { ...request, model, samples: request.evaluate, engine, signal, onProgress };
      return family === 'text'
        ? evaluatePerplexity(options)
        : evaluatePairs({ ...options, metrics: request.metric ?? [] });
    },
    (e) => `${e.samples} ${what} on ${e.runtime} · ${data}`,
  );
  return { data, guessed: [], ...evaluation };
}
