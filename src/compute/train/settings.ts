/** The settings of a training run that a user gives, with their defaults. */
import { z } from 'zod';
import { isOp, type Model, shapeOf } from '../../model/ir/model.ts';
import { augmentationSchema } from './augment.ts';
import type { LossTerm } from './losses.ts';
import type { OptimizerSpec } from './optimizers.ts';
import type { ScheduleSpec } from './schedule.ts';

const share = z.number().min(0).max(1);

export const trainingSettingsSchema = z.strictObject({
  epochs: z.number().int().min(1).max(10_000).default(10),
  /** Samples in a batch. */
  batch: z.number().int().min(1).default(64),
  learningRate: z.number().positive().default(1e-3),
  optimizer: z.enum(['sgd', 'adam', 'adamw']).default('adamw'),
  /** Of SGD, with Nesterov's look-ahead. */
  momentum: share.default(0.9),
  weightDecay: z.number().min(0).default(1e-4),
  l1: z.number().min(0).default(0),
  schedule: z.enum(['cosine', 'linear', 'constant', 'step']).default('cosine'),
  /** Share of the run in which the learning rate rises. */
  warmup: share.default(0.05),
  clipNorm: z.number().min(0).default(0),
  accumulate: z.number().int().min(1).default(1),
  /** Decay of a moving average of the weights; 0: none. */
  ema: share.default(0),
  /** Epochs without a better metric after which to stop; 0: never. */
  patience: z.number().int().min(0).default(0),
  smoothing: share.default(0),
  /** Of the softened softmax in distillation. */
  temperature: z.number().positive().default(4),
  /** Share of the labels in the loss when there is a teacher. */
  labelWeight: share.default(0.1),
  /** Pairs student=teacher of values inside that should be alike. */
  hints: z.array(z.strictObject({ student: z.string(), teacher: z.string() })).default([]),
  attention: z.array(z.strictObject({ student: z.string(), teacher: z.string() })).default([]),
  hintWeight: z.number().min(0).default(1),
  freeze: z.array(z.string()).default([]),
  statistics: z.enum(['batch', 'running']).default('batch'),
  recompute: z.number().int().min(0).max(64).default(0),
  augmentation: augmentationSchema.prefault({}),
  seed: z.number().int().default(0),
});

export type TrainingSettings = z.infer<typeof trainingSettingsSchema>;
export type TrainingSettingsInit = z.input<typeof trainingSettingsSchema>;

export function optimizerOf(s: TrainingSettings): OptimizerSpec {
  return s.optimizer === 'sgd'
    ? { kind: 'sgd', momentum: s.momentum, nesterov: s.momentum > 0 }
    : { kind: s.optimizer };
}

export function scheduleOf(s: TrainingSettings): ScheduleSpec {
  return s.schedule === 'step'
    ? { kind: 'step', at: [0.5, 0.75], warmup: s.warmup }
    : { kind: s.schedule, warmup: s.warmup };
}

/** Distillation where there is a teacher, labels where there are some, hints as named. */
export function lossesOf(
  s: TrainingSettings,
  facts: { readonly teacher: boolean; readonly labelled: boolean; readonly scores: boolean },
): LossTerm[] {
  const terms: LossTerm[] = [];
  const labels = facts.labelled && (!facts.teacher || s.labelWeight > 0);
  const labelWeight = facts.teacher ? s.labelWeight : 1;
  if (facts.teacher) {
    const weight = labels ? 1 - labelWeight : 1;
    terms.push(
      facts.scores
        ? { kind: 'distillation', temperature: s.temperature, weight }
        : { kind: 'mse', target: 'teacher', weight },
    );
  }
  if (labels)
    terms.push(
      facts.scores
        ? {
            kind: 'cross-entropy',
            smoothing: s.smoothing,
            mixed: s.augmentation.mixup > 0,
            weight: labelWeight,
          }
        : { kind: 'mse', target: 'labels', weight: labelWeight },
    );
  for (const h of s.hints) terms.push({ kind: 'hint', ...h, weight: s.hintWeight });
  for (const h of s.attention) terms.push({ kind: 'attention-transfer', ...h, weight: s.hintWeight });
  return terms;
}

/** Whether the first output scores classes along its last axis, judged by what computes it. */
export function scoresClasses(model: Model): boolean {
  const [output] = model.graph.outputs;
  const shape = shapeOf(output);
  if (!output || !shape || shape.length < 2) return false;
  if (/logit|prob|score|class|softmax/i.test(output.name)) return true;
  const wide = shape.slice(1).filter((d) => d !== 1);
  return (
    wide.length <= 2 &&
    shape.at(-1) !== 1 &&
    shape.length <= 4 &&
    isOp(output.producer, 'Softmax', 'LogSoftmax', 'Gemm', 'MatMul', 'Add', 'Flatten', 'Squeeze', 'Reshape')
  );
}
