/** Task accuracy of one model, or of two side by side. */

import { classOf } from '../data/label.ts';
import {
  type ClassificationMeter,
  type ClassificationResult,
  createClassificationMeter,
  type Scores,
} from '../judge/evaluate/classification.ts';
import type { Metric } from '../judge/report/metrics.ts';
import type { Report } from '../judge/report/report.ts';
import type { Port } from '../model/ir/port.ts';
import { elementCount, float32Values } from '../model/ir/tensor.ts';
import { noScores } from '../support/diagnostics/data.ts';
import { forEachAnswer, onBoth } from './answers.ts';
import { classificationMetrics, type RunPairOptions, type Subject, scoresOutput } from './run-pair.ts';

export interface EvaluateModelOptions extends RunPairOptions {
  /** The original: its figures stand in `before`. */
  readonly baseline?: Subject | undefined;
  /** Of accuracy, top5, f1 (default: accuracy and top-5, and means over classes where there are enough samples). */
  readonly metrics?: readonly string[] | undefined;
}

export type ModelEvaluation = NonNullable<Report['evaluation']> & {
  /** Precision, recall and F1 of each class, when f1 was asked for. */
  readonly perClass?: ClassificationResult['perClass'] | undefined;
  /** How often a class was taken for another, or for itself; pairs that never occur are left out. */
  readonly confusion?: ClassificationResult['confusion'];
};

/** Metrics in `after`; `before` is the baseline's, or null.
 *  @throws NO_CLASS_SCORES, LABEL_RANGE, what engine and source throw */
export async function evaluateModel(
  subject: Subject,
  options: EvaluateModelOptions,
): Promise<ModelEvaluation> {
  const { engine, metrics = [] } = options;
  const { before, after } = await onBoth(subject, options, measure);
  const runtime = `${engine.name} ${engine.version}`;
  const all = classificationMetrics(before?.meter ?? null, after.meter, after.classes, runtime);
  const [a, b] = [before?.meter.result() ?? null, after.meter.result()];
  if (metrics.length === 0) return { ...all, confusion: b.confusion };
  return {
    ...all,
    confusion: b.confusion,
    metrics: metrics.flatMap((name) =>
      name === 'f1' ? scoreRows(a, b) : [topRow(name === 'top5' ? 5 : 1, a, b)],
    ),
    perClass: metrics.includes('f1') ? b.perClass : undefined,
  };
}

async function measure(
  subject: Subject,
  options: RunPairOptions,
): Promise<{ meter: ClassificationMeter; classes: number }> {
  const meter = createClassificationMeter();
  let classes = 0;
  const scores = (outputs: readonly Port[]): Port => {
    const port = scoresOutput(outputs);
    if (!port) throw noScores(outputs.map((p) => p.name));
    return port;
  };
  await forEachAnswer(subject, options, scores, (answer, sample) => {
    classes = elementCount(answer.dims);
    const label = classOf(sample.label);
    if (label !== undefined) meter.add(float32Values(answer), label);
  });
  return { meter, classes };
}

function topRow(k: number, a: ClassificationResult | null, b: ClassificationResult): Metric {
  const of = (r: ClassificationResult | null) => r?.accuracy.find((x) => x.k === k) ?? null;
  const interval = of(b)?.interval;
  return {
    name: `top-${k} accuracy`,
    before: of(a)?.value ?? null,
    after: of(b)?.value ?? null,
    unit: 'fraction',
    higherIsBetter: true,
    interval: interval ? [...interval] : null,
  };
}

const scoreRows = (a: ClassificationResult | null, b: ClassificationResult): Metric[] =>
  (['macro', 'micro', 'weighted'] as const).flatMap((mean) =>
    (['precision', 'recall', 'f1'] as const).map((score: keyof Scores) => ({
      name: `${score === 'f1' ? 'F1' : score} (${mean})`,
      before: a?.[mean][score] ?? null,
      after: b[mean][score],
      unit: 'fraction' as const,
      higherIsBetter: true,
      interval: null,
    })),
  );
