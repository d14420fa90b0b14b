/** How near a model on its way is to the original at what that is for, where neither labels nor classes tell: the measure that a budget
 *  counts points of, as in the comparison at the end. */
import type { EngineRun } from '../../compute/engine/run-context.ts';
import type { DataSource } from '../../data/source.ts';
import { measuresOf } from '../../judge/report/measure-words.ts';
import { budgeted, type Measure } from '../../judge/task/measure.ts';
import type { Task } from '../../judge/task/task.ts';
import { openedFromModel } from '../../model/formats/opened.ts';
import type { Model } from '../../model/ir/model.ts';
import { runPair } from '../run-pair.ts';

export interface TaskMeter {
  /** "mean IoU" */
  readonly name: string;
  /** null where it can't be told of this model. */
  measure(model: Model): Promise<Measure | null>;
}

interface TaskMeterOptions extends EngineRun {
  readonly source: DataSource;
  readonly indices: readonly number[];
  readonly task: Task | undefined;
}

/** Answers of these are the largest of their scores. */
const decided: ReadonlySet<string> = new Set([
  'classification',
  'other',
  'language-model',
  'encoder-decoder',
]);

/** Whether accuracy, or the share of answers that are still the original's, says what there is to say. */
export const answersInClasses = (task: Pick<Task, 'name'> | undefined): boolean =>
  task === undefined || decided.has(task.name);

/** @returns null where the task has no such measure, or nothing can be measured @throws what runPair throws */
export async function openTaskMeter(original: Model, options: TaskMeterOptions): Promise<TaskMeter | null> {
  const { source, indices } = options;
  if (indices.length === 0 || source.kind === 'synthetic') return null;
  const before = openedFromModel(original, 'original.onnx');
  const measure = async (model: Model) => {
    const after = model === original ? before : openedFromModel(model, 'step.onnx');
    return budgeted(
      measuresOf(await runPair({ model: before }, { model: after }, { ...options, pictures: 0 })),
    );
  };
  const first = await measure(original);
  return first && { name: first.name, measure };
}
