/** Quantisation-aware training: the statically quantised model learns, from the float model it was made of and from
 *  labels where there are some, weights and scales that suit its integers. The form of the model does not change. */

import { fold, type TrainedScale, unfold } from '../compress/quant/trainable.ts';
import {
  type TrainingSettings,
  type TrainingSettingsInit,
  trainingSettingsSchema,
} from '../compute/train/settings.ts';
import type { ParameterRule } from '../compute/train/step.ts';
import type { TrainingRecord } from '../judge/report/training.ts';
import { cloneModel } from '../model/ir/clone.ts';
import type { Model } from '../model/ir/model.ts';
import { float32Values, type Tensor, tensorOf } from '../model/ir/tensor.ts';
import { metricNoise, type TrainingRunOptions, trainingRun } from './training-run.ts';

/** Fewer and smaller steps than training from scratch: the weights are good already, only their rounding is not.
 *  @param samples  to train on; few of them are gone through more often, until there were about 200 batches */
export function qatSettings(given: TrainingSettingsInit, samples: number): TrainingSettings {
  const batch = Math.min(given.batch ?? 32, Math.max(1, samples));
  return trainingSettingsSchema.parse({
    epochs: Math.max(5, Math.ceil((200 * batch) / Math.max(1, samples))),
    batch,
    learningRate: 5e-4,
    optimizer: 'adam',
    weightDecay: 0,
    statistics: 'running',
    ...given,
  });
}

export type TrainInt8Options = Omit<
  TrainingRunOptions,
  'settings' | 'teacher' | 'step' | 'also' | 'each' | 'deployed'
> & {
  readonly settings: TrainingSettingsInit;
};

/** Trains `quantized` in place. Where that made it worse on the samples held back, by more than their noise, the model stays
 *  as it was calibrated.
 *  @param quantized  what quantize-static left, before later passes change its constants
 *  @param clean  the float model before it: start of the weights, and teacher
 *  @throws what trainingRun throws */
export async function trainInt8(
  quantized: Model,
  clean: Model,
  options: TrainInt8Options,
): Promise<TrainingRecord> {
  const trainable = unfold(quantized, clean);
  const calibrated = cloneModel(quantized);
  const deployed = (student: Model): Model => {
    const copy = cloneModel(calibrated);
    fold(copy, trainable, tensorsOf(student));
    return copy;
  };
  const { model, record } = await trainingRun(trainable.model, {
    ...options,
    settings: qatSettings(options.settings, options.indices.length),
    teacher: clean,
    also: trainable.scales.map((s) => s.name),
    each: Object.fromEntries(trainable.scales.map((s) => [s.name, scaleRule(s)])),
    deployed,
    step: 'train',
  });
  const noise = 2 * metricNoise(record.metric, record.validationSamples);
  const worse = record.best !== null && record.before !== null && record.best.metric < record.before - noise;
  if (!worse) fold(quantized, trainable, tensorsOf(model));
  return record;
}

const tensorsOf = (model: Model): Record<string, Tensor> =>
  Object.fromEntries([...model.graph.initializers].map((v) => [v.name, v.constant as Tensor]));

/** LSQ's balance of scales against weights: the gradient of a scale sums over all its elements, so it is divided by
 *  √(elements · levels); and a step changes it in proportion to its size. It never nears zero, where it would change sign. */
function scaleRule({ initial, elements, levels }: TrainedScale): ParameterRule {
  const times = (factor: number) =>
    tensorOf(
      'float32',
      initial.dims,
      float32Values(initial).map((s) => s * factor),
    );
  return { gradient: 1 / Math.sqrt(elements * levels), rate: times(1), least: times(1 / 64) };
}
