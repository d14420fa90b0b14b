/** What a training run is made of, by its settings. */
import type { LossTerm } from './losses.ts';
import type { OptimizerSpec } from './optimizers.ts';
import type { ScheduleSpec } from './schedule.ts';
import { type TrainingSettings, usualTraining } from './settings.ts';

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

/** What there is to learn from. */
interface LessonFacts {
  readonly teacher: boolean;
  readonly labelled: boolean;
  /** Whether student or teacher scores classes. */
  readonly scores: boolean;
}

/** Distillation where there is a teacher, labels where there are some, hints as named. */
export function lossesOf(s: TrainingSettings, facts: LessonFacts): LossTerm[] {
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

/** Settings that were changed and that no loss asks for, in words with the reason. */
export function idleSettings(s: TrainingSettings, losses: readonly LossTerm[], facts: LessonFacts): string[] {
  const has = (kind: LossTerm['kind']) => losses.some((term) => term.kind === kind);
  const scores = facts.scores ? null : 'no output scores classes';
  const idle: string[] = [];
  if (s.temperature !== usualTraining.temperature && !has('distillation'))
    idle.push(`temperature ${s.temperature} changes nothing: ${scores ?? 'there is no teacher'}`);
  if (s.smoothing !== usualTraining.smoothing && !has('cross-entropy'))
    idle.push(`smoothing ${s.smoothing} changes nothing: ${scores ?? 'no loss is computed from labels'}`);
  return idle;
}
