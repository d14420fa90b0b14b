/** What a training run is made of, by its settings. */
import { isOp, type Model, shapeOf } from '../../model/ir/model.ts';
import type { LossTerm } from './losses.ts';
import type { OptimizerSpec } from './optimizers.ts';
import type { ScheduleSpec } from './schedule.ts';
import type { TrainingSettings } from './settings.ts';

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
            mixed: s.augment.mixup > 0,
            weight: labelWeight,
          }
        : { kind: 'mse', target: 'labels', weight: labelWeight },
    );
  for (const h of s.hint) terms.push({ kind: 'hint', ...h, weight: s.hintWeight });
  for (const h of s.attention) terms.push({ kind: 'attention-transfer', ...h, weight: s.hintWeight });
  return terms;
}

/** Whether the first output scores classes along its last axis, judged by what computes it. */
export function scoresClasses(model: Model): boolean {
  const [output] = model.graph.outputs;
  const shape = shapeOf(output);
  if (!output || !shape || shape.length < 2) return false;
  if (namesScores(output.name)) return true;
  const wide = shape.slice(1).filter((d) => d !== 1);
  return (
    wide.length <= 2 &&
    shape.at(-1) !== 1 &&
    shape.length <= 4 &&
    isOp(output.producer, 'Softmax', 'LogSoftmax', 'Gemm', 'MatMul', 'Add', 'Flatten', 'Squeeze', 'Reshape')
  );
}

/** Whether an output is called as one that scores classes. */
export const namesScores = (name: string): boolean => /logit|prob|score|class|softmax/i.test(name);
