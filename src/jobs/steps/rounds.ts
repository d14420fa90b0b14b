/** Compressing bit by bit with training in between, as far as the accuracy that may be lost allows. */

import { type HeldOut, openHeldOut } from '../../compute/train/held-out.ts';
import { sampleData } from '../../compute/train/samples.ts';
import type { TrainingSettings } from '../../compute/train/settings.ts';
import { formatMeasure } from '../../judge/report/measure-words.ts';
import type { TrainingRecord } from '../../judge/report/training.ts';
import { pointsLost } from '../../judge/task/measure.ts';
import type { Model } from '../../model/ir/model.ts';
import { scoresClasses } from '../../model/ops/class-scores.ts';
import { accuracyBudget } from '../../support/diagnostics/training.ts';
import { isBeyond } from '../accuracy-budget.ts';
import type { StepContext } from '../model-steps.ts';
import { divideForTraining, trainingRun } from '../training-run.ts';
import { answersInClasses, openTaskMeter } from './task-meter.ts';

export interface RoundsOptions {
  readonly name: string;
  readonly rounds: number;
  /** Of the training in between, which shares half of its epochs; null: none. */
  readonly settings: TrainingSettings | null;
  /** Percentage points of accuracy (without labels: of agreement with the original) that may be lost. Given that, every round
   *  is trained after and judged, on samples that training does not see; what loses more is not kept, and no round follows. */
  readonly maxDrop: number | null;
  /** Weights whose zeros stay zero. */
  readonly masked?: (model: Model) => readonly string[];
}

export interface Rounds<T> {
  /** What `compress` gave in the last round that is kept, its model trained where training followed. */
  readonly kept: T;
  readonly training: readonly TrainingRecord[];
  /** Why not all rounds were kept: "ended early: …". */
  readonly stopped: string | null;
}

/** @param compress  is given what the round before left, null at first @throws ACCURACY_BUDGET when not even the first round can be kept */
export async function inRounds<T extends { readonly model: Model }>(
  options: RoundsOptions,
  context: StepContext,
  compress: (before: T | null, round: number) => Promise<T>,
): Promise<Rounds<T>> {
  const { name, rounds, settings, maxDrop } = options;
  const { engine, prepared, original: teacher, events, signal } = context;
  const budget = maxDrop !== null && rounds > 1 ? await openBudget(maxDrop, settings, context) : null;
  const training: TrainingRecord[] = [];
  let kept: T | null = null;
  try {
    for (let round = 1; round <= rounds; round++) {
      let made = await compress(kept, round);
      if (settings && prepared && (budget || round < rounds)) {
        const epochs = Math.max(1, Math.round(settings.epochs / (2 * rounds)));
        const run = await trainingRun(made.model, {
          ...{ engine, teacher, events, signal, step: name },
          settings: { ...settings, epochs },
          source: prepared.source,
          indices: context.training,
          masked: options.masked?.(made.model),
        });
        training.push({ ...run.record, name: `${name}, round ${round}` });
        made = { ...made, model: run.model };
      }
      const judged = await budget?.judge(made.model, kept === null);
      if (judged) events.note?.(name, `round ${round} of ${rounds} ${judged.text}`);
      if (judged?.exceeded)
        return {
          kept: kept as T,
          training,
          stopped: `ended early: round ${round} of ${rounds} ${judged.text}`,
        };
      kept = made;
    }
    return { kept: kept as T, training, stopped: null };
  } finally {
    await budget?.close();
  }
}

interface Budget {
  /** What the model has lost, in words. @throws ACCURACY_BUDGET where that is too much, when `last` */
  judge(model: Model, last: boolean): Promise<{ readonly exceeded: boolean; readonly text: string }>;
  close(): Promise<void>;
}

/** By labels or by answers that are still the original's; where there are no classes, by the measure of the task. Null where nothing can
 *  be judged: without samples to spare, or a measure to lose points of. */
async function openBudget(
  maxDrop: number,
  settings: TrainingSettings | null,
  context: StepContext,
): Promise<Budget | null> {
  const { engine, prepared, training, original } = context;
  if (!prepared || !settings) return null;
  const { validation } = await divideForTraining(prepared.source, training, settings.seed);
  const data = await sampleData(prepared.source, validation);
  const scores = scoresClasses(original);
  const meter: HeldOut | null = await openHeldOut({
    ...{ engine, data, scores },
    batch: settings.batch,
    teacher: original,
  });
  if (!meter || meter.metric === 'SQNR' || !answersInClasses(context.task)) {
    await meter?.close();
    return taskBudget(maxDrop, validation, context);
  }
  const before = meter.metric === 'agreement' ? 1 : await meter.measure(original);
  return {
    async judge(model, last) {
      const after = await meter.measure(model);
      const exceeded = isBeyond(maxDrop, before, after);
      if (exceeded && last) throw accuracyBudget(meter.metric, before, after, maxDrop);
      const lost = `lost ${(100 * (before - after)).toFixed(2)} points of ${meter.metric}`;
      return { exceeded, text: exceeded ? `${lost}, where ${maxDrop} may go` : lost };
    },
    close: () => meter.close(),
  };
}

async function taskBudget(
  maxDrop: number,
  indices: readonly number[],
  { engine, prepared, original, task, signal }: StepContext,
): Promise<Budget | null> {
  const meter =
    prepared && (await openTaskMeter(original, { engine, source: prepared.source, indices, task, signal }));
  if (!meter) return null;
  const ofOriginal = `${meter.name} against the original`;
  return {
    async judge(model, last) {
      const found = await meter.measure(model);
      const points = found && pointsLost(found);
      // What can't be told any more is gone.
      if (!found || points === null) return { exceeded: true, text: `has no ${meter.name} any more` };
      const exceeded = isBeyond(maxDrop, points / 100, 0);
      if (exceeded && last) throw accuracyBudget(ofOriginal, found.ideal!, found.value!, maxDrop);
      const lost = `lost ${points.toFixed(2)} points of ${ofOriginal} (${formatMeasure(found)})`;
      return { exceeded, text: exceeded ? `${lost}, where ${maxDrop} may go` : lost };
    },
    close: async () => {},
  };
}
