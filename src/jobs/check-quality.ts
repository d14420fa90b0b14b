/** The rows of a check about how good a result is: accuracy lost, agreement and SQNR against the original. */
import { isDeepStrictEqual } from 'node:util';
import { openEngine } from '../compute/engine/open.ts';
import type { DataSource } from '../data/source.ts';
import type { CheckRow } from '../judge/report/check-report.ts';
import { samplesText } from '../judge/report/check-words.ts';
import {
  type BudgetedLoss,
  budgetDoubt,
  lossInterval,
  measureLossInterval,
} from '../judge/report/few-samples.ts';
import { measuresOf } from '../judge/report/measure-words.ts';
import { type Metric, pointsLostOf } from '../judge/report/metrics.ts';
import type { PairResult, Report } from '../judge/report/report.ts';
import { budgeted, type Measure, pointsLost } from '../judge/task/measure.ts';
import { measuresOfOutputs } from '../judge/task/measures-of.ts';
import type { OpenedModel } from '../model/formats/opened.ts';
import { counted } from '../support/units.ts';
import { isBeyond } from './accuracy-budget.ts';
import { attempt } from './attempt.ts';
import type { Base } from './check-against.ts';
import { chooseSamples } from './choose-samples.ts';
import { type Comparison, compared, compareOn } from './compare.ts';
import { evaluateModel, type ModelEvaluation } from './evaluate-model.ts';
import { evaluateTask } from './evaluate-task.ts';
import { fittingLabels } from './fitting-labels.ts';
import { alike } from './io-types.ts';
import { taskOf } from './model-task.ts';
import { type JobRun, step } from './progress.ts';
import type { CheckRequest } from './requests/check.ts';
import type { CompareRequest } from './requests/compare.ts';

export interface QualityRows {
  readonly rows: CheckRow[];
  readonly guessed: readonly string[];
}

/** The budgets of quality that were given, and the data that they are measured on. */
type Asked = CompareRequest & Pick<CheckRequest, 'maxDrop' | 'minAgreement' | 'minSqnr'>;

type Found = Pick<CheckRow, 'measured' | 'status'> & Partial<Omit<CheckRow, 'budget' | 'allowed'>>;

/** @throws COMPARE_INPUTS, LABEL_RANGE, what opening data throws */
export const qualityRows = (result: OpenedModel, base: Base, asked: Asked, run: JobRun) =>
  base.kind === 'model'
    ? besideOriginal(result, base.model, asked, run)
    : besideReport(result, base.report, asked, run);

const unmeasured = (reason: string): Found => ({ measured: null, status: 'not-measured', reason });

const rowOf = (
  budget: CheckRow['budget'],
  allowed: CheckRow['allowed'],
  { subject = null, value = null, base = null, on = null, reason = null, ...found }: Found,
): CheckRow => ({ budget, subject, allowed, interval: null, value, base, on, reason, ...found });

const dropRow = (maxDrop: number, found: Found) =>
  rowOf('maxDrop', { unit: 'points', value: maxDrop }, found);

// --- against the original ------------------------------------------------------------------------------------------

async function besideOriginal(
  result: OpenedModel,
  original: OpenedModel,
  asked: Asked,
  run: JobRun,
): Promise<QualityRows> {
  const pair = await compared(original, result, asked);
  const { source } = pair.samples;
  const { measured, reason } = await attempt(() => compareOn(pair, run), run.signal);
  const found = (judge: (comparison: Comparison) => Found): Found => {
    if (measured === null) return unmeasured(reason);
    const { samples, runtime } = measured.compare;
    return { on: samplesText(samples, source.name, runtime), ...judge(measured) };
  };
  const { maxDrop, minAgreement, minSqnr } = asked;
  const rows = [
    ...(maxDrop === undefined
      ? []
      : [
          dropRow(
            maxDrop,
            found((c) => dropOf(c, source, maxDrop)),
          ),
        ]),
    ...(minAgreement === undefined
      ? []
      : [
          rowOf(
            'minAgreement',
            { unit: 'share', value: minAgreement / 100 },
            found((c) => agreementOf(c, source, minAgreement / 100)),
          ),
        ]),
    ...(minSqnr === undefined
      ? []
      : [
          rowOf(
            'minSqnr',
            { unit: 'dB', value: minSqnr },
            found((c) => sqnrOf(c, minSqnr)),
          ),
        ]),
  ];
  return { rows, guessed: source.guessed };
}

function dropOf(comparison: Comparison, source: DataSource, maxDrop: number): Found {
  const metric = comparison.evaluation?.metrics[0];
  if (metric && metric.unit !== 'fraction') return lostOf(metric, maxDrop);
  if (metric)
    return lost(metric, { maxDrop, samples: comparison.evaluation!.samples, interval: lossInterval(metric) });
  // Whose answers are the original's is as often right: no more accuracy can be lost than answers have changed.
  const own = ownMeasure(comparison, source) ?? answersKept(comparison, source);
  if (!own) return unmeasured(unlabelled(source));
  const points = pointsLost(own)!;
  const { samples } = comparison.compare;
  const interval = measureLossInterval(own, samples);
  return {
    ...sureness({ name: own.name, allowed: maxDrop, lost: points, interval, samples }),
    ...{ measure: own.name, measured: { unit: 'points', value: points } },
    status: isBeyond(maxDrop, points / 100, 0) ? 'exceeded' : 'kept',
  };
}

/** Of what is no share, as perplexity, a point is a hundredth of what the original has. */
function lostOf(metric: Metric, maxDrop: number): Found {
  const points = pointsLostOf(metric);
  if (points === null) return unmeasured(`there is no ${metric.name}`);
  return {
    ...{ subject: metric.name, measured: { unit: 'points', value: points } },
    status: isBeyond(maxDrop, points / 100, 0) ? 'exceeded' : 'kept',
  };
}

/** What points of the task are counted in, where answers aren't classes; null where they are, or on noise. */
function ownMeasure(comparison: Comparison, source: DataSource): Measure | null {
  if (source.kind === 'synthetic') return null;
  const measure = budgeted(measuresOf(comparison));
  return measure && measure.id !== 'same-top-1' ? measure : null;
}

/** Share of answers that are the original's still, of the worst output; null on noise. */
function answersKept({ compare: { outputs } }: Comparison, { kind }: DataSource): Measure | null {
  const found = kind === 'synthetic' || broken(outputs) ? [] : measuresOfOutputs(outputs);
  return found.find(({ id }) => id === 'same-top-1') ?? null;
}

interface LostOn {
  readonly maxDrop: number;
  readonly samples: number;
  /** Of the points lost. */
  readonly interval: [number, number] | null;
}

function lost(
  { name, before, after }: Pick<Metric, 'name' | 'before' | 'after'>,
  { maxDrop, samples, interval }: LostOn,
): Found {
  if (before === null || after === null) return unmeasured(`there is no ${name}`);
  return {
    ...sureness({ name, allowed: maxDrop, lost: 100 * (before - after), interval, samples }),
    subject: name,
    measured: { unit: 'points', value: 100 * (before - after) },
    base: { unit: 'share', value: before },
    value: { unit: 'share', value: after },
    status: isBeyond(maxDrop, before, after) ? 'exceeded' : 'kept',
  };
}

function sureness(loss: BudgetedLoss): Pick<CheckRow, 'interval' | 'doubt'> {
  const doubt = budgetDoubt(loss);
  return { interval: loss.interval && [...loss.interval], ...(doubt === null ? {} : { doubt }) };
}

const unlabelled = ({ name, labelsUnused }: DataSource) =>
  labelsUnused === undefined
    ? `${name} has no labels`
    : `the labels of ${name} are not this model's: ${labelsUnused}`;

type Output = PairResult['compare']['outputs'][number];

/** Where an output is not finite any more, no other number about it means anything. */
const broken = (outputs: readonly Output[]): Found | null => {
  const output = outputs.find(({ nonFinite = 0 }) => nonFinite > 0);
  return output
    ? unmeasured(`${output.nonFinite} values of output "${output.name}" are not finite, or were not`)
    : null;
};

function agreementOf(comparison: Comparison, source: DataSource, least: number): Found {
  const { outputs } = comparison.compare;
  if (source.kind === 'synthetic') return unmeasured('made-up inputs are of no class');
  const own = ownMeasure(comparison, source);
  if (own) return broken(outputs) ?? agreementAs(own, least);
  const scored = outputs.filter((o) => o.top1Agreement !== null);
  const worst = lowest(scored, (o) => o.top1Agreement!);
  if (!worst) return unmeasured('no output scores classes');
  const found: Found = {
    subject: scored.length > 1 ? worst.name : null,
    measured: { unit: 'share', value: worst.top1Agreement! },
    status: worst.top1Agreement! < least ? 'exceeded' : 'kept',
  };
  return broken(outputs) ?? found;
}

/** Of an error, what is left of the whole: 3 % of error are 97 % of agreement. */
function agreementAs(own: Measure, least: number): Found {
  const share = 1 - pointsLost(own)! / 100;
  return {
    ...{ measure: own.name, measured: { unit: 'share', value: share } },
    status: share < least ? 'exceeded' : 'kept',
  };
}

function sqnrOf({ compare: { outputs } }: PairResult, least: number): Found {
  const bad = broken(outputs);
  if (bad) return bad;
  const silent = outputs.find((o) => o.sqnrDb === null && o.maxAbsError !== 0);
  if (silent) return unmeasured(`output "${silent.name}" was all zero and is not any more`);
  const noisy = outputs.filter((o) => o.sqnrDb !== null);
  const worst = lowest(noisy, (o) => o.sqnrDb!);
  if (!worst) return { measured: null, status: 'kept' };
  return {
    subject: outputs.length > 1 ? worst.name : null,
    measured: { unit: 'dB', value: worst.sqnrDb! },
    status: worst.sqnrDb! < least ? 'exceeded' : 'kept',
  };
}

const lowest = (outputs: readonly Output[], by: (output: Output) => number): Output | undefined =>
  [...outputs].sort((a, b) => by(a) - by(b))[0];

// --- against a report ----------------------------------------------------------------------------------------------

async function besideReport(
  result: OpenedModel,
  report: Report,
  asked: Asked,
  run: JobRun,
): Promise<QualityRows> {
  const { maxDrop } = asked;
  if (maxDrop === undefined) return { rows: [], guessed: [] };
  const model = alike(result);
  const chosen = await chooseSamples(model, asked);
  const source = fittingLabels(chosen.source, model.model, asked.labels !== undefined, asked.task);
  const { indices } = chosen;
  const isLabelled = source.labelled || source.annotated !== undefined;
  const reason = isLabelled ? otherSamples(source, indices.length, report) : unlabelled(source);
  if (reason !== null) return { rows: [dropRow(maxDrop, unmeasured(reason))], guessed: source.guessed };
  const engine = await openEngine(asked.engine);
  const evaluated = await attempt(
    () =>
      step(
        run.events,
        'evaluate',
        (onProgress): Promise<ModelEvaluation> => {
          const options = { engine, source, indices, signal: run.signal, onProgress };
          return source.annotated
            ? evaluateTask({ model }, { ...options, task: taskOf(model, asked.task, source) })
            : evaluateModel({ model }, options);
        },
        (e) => `${counted(e.samples, 'sample')} on ${e.runtime} · ${source.name}`,
      ),
    run.signal,
  );
  if (evaluated.measured === null)
    return { rows: [dropRow(maxDrop, unmeasured(evaluated.reason))], guessed: source.guessed };
  const { metrics, samples, runtime } = evaluated.measured;
  const [metric] = metrics;
  const earlier = report.evaluation?.metrics.find(({ name }) => name === metric?.name)?.after ?? null;
  const found = metric
    ? lost({ ...metric, before: earlier }, { maxDrop, samples, interval: sinceInterval(earlier, metric) })
    : unmeasured('the data has no metric of accuracy');
  const on = samplesText(samples, source.name, runtime);
  return { rows: [dropRow(maxDrop, { on, ...found })], guessed: source.guessed };
}

/** Of what an earlier result had, the samples aren't known one by one: its value is taken as it is. */
const sinceInterval = (earlier: number | null, { interval }: Metric): [number, number] | null =>
  earlier === null || interval === null
    ? null
    : [100 * (earlier - interval[1]), 100 * (earlier - interval[0])];

/** Why the accuracy in a report is not that of these samples, as far as names, numbers and preprocessing tell; null when it is. Of a
 *  part that was held back a report doesn't say which samples were in it. */
function otherSamples(source: DataSource, taken: number, { data, evaluation }: Report): string | null {
  if (!evaluation || !data) return 'the report has no accuracy';
  const theirs = data.test ?? data.source;
  if (theirs !== source.name) return `the report's accuracy is of ${theirs}, not of ${source.name}`;
  if (evaluation.samples !== source.length)
    return `the report's accuracy is of ${evaluation.samples} of ${theirs}, and it does not say which`;
  if (taken !== source.length) return `the report's accuracy is of all of ${theirs}, not of ${taken}`;
  if (!isDeepStrictEqual(data.preprocessing, source.preprocessing && { ...source.preprocessing }))
    return `the report's accuracy is with other preprocessing (${String(data.preprocessing?.['name'])})`;
  return null;
}
