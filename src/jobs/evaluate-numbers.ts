/** How far predicted numbers are from their targets, for one model or two side by side. */
import type { Sample } from '../data/source.ts';
import { createRegressionMeter, type RegressionResult } from '../judge/evaluate/regression.ts';
import type { Metric } from '../judge/report/metrics.ts';
import type { Report } from '../judge/report/report.ts';
import type { Port } from '../model/ir/port.ts';
import { float32Values, numbers } from '../model/ir/tensor.ts';
import { noNumbers, targetSize, targetsRequired } from '../support/diagnostics/data.ts';
import { forEachAnswer, onBoth } from './answers.ts';
import type { EvaluateModelOptions } from './evaluate-model.ts';
import type { RunPairOptions, Subject } from './run-pair.ts';

const rows: Readonly<
  Record<string, { name: string; value: keyof RegressionResult; higherIsBetter: boolean }>
> = {
  mse: { name: 'mean squared error', value: 'mse', higherIsBetter: false },
  mae: { name: 'mean absolute error', value: 'mae', higherIsBetter: false },
  r2: { name: 'R²', value: 'r2', higherIsBetter: true },
};

/** @param options  `metrics` of mse, mae and r2
 *  @throws TARGETS_REQUIRED, TARGET_SIZE, NO_NUMBERS, what engine and source throw */
export async function evaluateNumbers(
  subject: Subject,
  options: EvaluateModelOptions,
): Promise<NonNullable<Report['evaluation']>> {
  const { engine, source, indices, metrics = [] } = options;
  if (!source.targeted && !source.labelled) throw targetsRequired(source.name);
  const { before, after } = await onBoth(subject, options, measure);
  return {
    task: 'regression',
    samples: indices.length,
    runtime: `${engine.name} ${engine.version}`,
    metrics: metrics.map((metric): Metric => {
      const { name, value, higherIsBetter } = rows[metric]!;
      const shown = { name, higherIsBetter, unit: 'number' as const, interval: null };
      return { ...shown, before: before?.[value] ?? null, after: after[value] };
    }),
  };
}

async function measure(subject: Subject, options: RunPairOptions): Promise<RegressionResult> {
  const meter = createRegressionMeter();
  await forEachAnswer(subject, options, numbersOutput, (answer, sample) => {
    const [predicted, target] = [float32Values(answer), targetOf(sample)];
    if (predicted.length !== target.length) throw targetSize(sample.id, target.length, predicted.length);
    meter.add(predicted, target);
  });
  return meter.result();
}

function numbersOutput(outputs: readonly Port[]): Port {
  const found = outputs.find((port) => port.dtype.startsWith('float'));
  if (!found) throw noNumbers(outputs.map((port) => port.name));
  return found;
}

/** Whole numbers are read as class indices where they could be; here they are numbers again. */
const targetOf = ({ target, label }: Sample): ArrayLike<number> =>
  target ? numbers(target) : typeof label === 'number' ? [label] : [];
