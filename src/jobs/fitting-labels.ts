/** Labels that fit the model. Those that were found beside the samples may be numbers of other classes than the model's: they are left
 *  alone then, and the report says so. Those that somebody asked for are refused. */
import type { Prepared } from '../data/prepare-data.ts';
import type { DataSource } from '../data/source.ts';
import { recogniseTask } from '../judge/task/recognise.ts';
import { labelsOf } from '../model/ir/card.ts';
import type { Model } from '../model/ir/model.ts';
import { outputPortsOf } from '../model/ir/port.ts';
import { labelRange } from '../support/diagnostics/data.ts';
import { taskUnlabelled } from '../support/diagnostics/task.ts';
import type { TaskName } from '../support/task.ts';
import { scoresOutput } from './run-pair.ts';

/** @param asked  whether somebody named the labels, or what is done needs them
 *  @param task  what somebody says that the model is for
 *  @throws LABEL_RANGE, TASK_UNLABELLED */
export function withFittingLabels(
  prepared: Prepared,
  model: Model,
  asked: boolean,
  task?: TaskName,
): Prepared {
  const source = fittingLabels(prepared.source, model, asked, task);
  const { held } = prepared;
  const other = held.source === prepared.source ? source : fittingLabels(held.source, model, asked, task);
  return { ...prepared, source, held: { ...held, source: other } };
}

/** @throws LABEL_RANGE; TASK_UNLABELLED for boxes and masks of which the model's task is another */
export function fittingLabels(source: DataSource, model: Model, asked: boolean, task?: TaskName): DataSource {
  if (source.annotated) return fittingAnnotations(source, source.annotated, model, { asked, task });
  const scores = scoresOutput(outputPortsOf(model));
  if (source.labelled && !scores && !asked)
    return unlabelled(source, 'no output of the model scores classes');
  const classes = scores?.shape?.at(-1);
  if (!source.labelled || typeof classes !== 'number') return source;
  const largest = largestLabel(source);
  if (largest >= classes) {
    if (asked) throw labelRange(largest, classes);
    return unlabelled(
      source,
      `they go up to ${largest}, and the model scores ${classes} classes (0 to ${classes - 1})`,
    );
  }
  if (asked || !source.classesInOrder) return source;
  if (labelsOf(model)) return unlabelled(source, 'the model names its classes, and these are others');
  const named = source.classes?.length ?? classes;
  if (named === classes) return source;
  return unlabelled(
    source,
    `${named} classes are named, the model scores ${classes}, and nothing says which number each has`,
  );
}

/** What boxes and masks are labels for. */
const annotatedTasks = { boxes: 'detection', masks: 'segmentation' } as const;

function fittingAnnotations(
  source: DataSource,
  kind: NonNullable<DataSource['annotated']>,
  model: Model,
  { asked, task }: { readonly asked: boolean; readonly task: TaskName | undefined },
): DataSource {
  const { name } = recogniseTask(model, { asked: task });
  if (name === annotatedTasks[kind]) return source;
  if (asked) throw taskUnlabelled(source.name, name);
  return unlabelled(source, `they are ${kind}, and the model is taken for one of ${name}`);
}

function unlabelled(source: DataSource, labelsUnused: string): DataSource {
  const { label: _, annotated: __, ...rest } = source;
  return {
    ...rest,
    labelled: false,
    classes: null,
    classesInOrder: false,
    labelsUnused,
    guessed: [...source.guessed, `labels not used: ${labelsUnused}`],
    async read(index) {
      const { label: _, ...sample } = await source.read(index);
      return sample;
    },
  };
}

function largestLabel({ length, label }: DataSource): number {
  let largest = -1;
  for (let i = 0; i < length; i++) largest = Math.max(largest, label?.(i) ?? -1);
  return largest;
}
