/** Task accuracy of one model, or of two side by side. */
import { readAll } from '../data/read-all.ts';
import {
  type ClassificationMeter,
  type ClassificationResult,
  createClassificationMeter,
  type Scores,
} from '../judge/evaluate/classification.ts';
import type { Metric } from '../judge/report/metrics.ts';
import type { Report } from '../judge/report/report.ts';
import { elementCount, float32Values } from '../model/ir/tensor.ts';
import { createBreather } from '../support/breathe.ts';
import { noScores } from '../support/diagnostics/data.ts';
import {
  classificationMetrics,
  feedsFor,
  openSubject,
  type RunPairOptions,
  type Subject,
  scoresOutput,
} from './run-pair.ts';

export interface EvaluateModelOptions extends RunPairOptions {
  /** The original: its figures stand in `before`. */
  readonly baseline?: Subject | undefined;
  /** Of accuracy, top5, f1 (default: accuracy and top-5, and means over classes where there are enough samples). */
  readonly metrics?: readonly string[] | undefined;
}

export type ModelEvaluation = NonNullable<Report['evaluation']> & {
  /** Precision, recall and F1 of each class, when f1 was asked for. */
  readonly perClass?: ClassificationResult['perClass'];
};

/** Metrics in `after`; `before` is the baseline's, or null.
 *  @throws NO_CLASS_SCORES, LABEL_RANGE, what engine and source throw */
export async function evaluateModel(
  subject: Subject,
  options: EvaluateModelOptions,
): Promise<ModelEvaluation> {
  const { engine, baseline, metrics = [] } = options;
  const runs = baseline ? 2 : 1;
  const progress = (run: number) => (done: number, total: number) =>
    options.onProgress?.(run * total + done, runs * total);
  const before = baseline ? await measure(baseline, { ...options, onProgress: progress(0) }) : null;
  const after = await measure(subject, { ...options, onProgress: progress(runs - 1) });
  const runtime = `${engine.name} ${engine.version}`;
  const all = classificationMetrics(before?.meter ?? null, after.meter, after.classes, runtime);
  if (metrics.length === 0) return all;
  const [a, b] = [before?.meter.result() ?? null, after.meter.result()];
  return {
    ...all,
    metrics: metrics.flatMap((name) =>
      name === 'f1' ? scoreRows(a, b) : [topRow(name === 'top5' ? 5 : 1, a, b)],
    ),
    ...(metrics.includes('f1') ? { perClass: b.perClass } : {}),
  };
}

async function measure(
  subject: Subject,
  { engine, source, indices, signal, onProgress }: RunPairOptions,
): Promise<{ meter: ClassificationMeter; classes: number }> {
  const session = await openSubject(engine, subject);
  try {
    const port = scoresOutput(session.outputs);
    if (!port) throw noScores(session.outputs.map((p) => p.name));
    const meter = createClassificationMeter();
    const breathe = createBreather();
    let done = 0;
    let classes = 0;
    for await (const sample of readAll(source, indices)) {
      signal?.throwIfAborted();
      const scores = (await session.run(feedsFor(session, sample), [port.name]))[port.name]!;
      classes = elementCount(scores.dims);
      if (sample.label !== undefined) meter.add(float32Values(scores), sample.label);
      onProgress?.(++done, indices.length);
      await breathe();
    }
    return { meter, classes };
  } finally {
    await session.close();
  }
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
