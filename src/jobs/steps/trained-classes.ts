/** What scores stand for after training on labels: the classes of the data, which may be others than the model's. */
import type { DataSource } from '../../data/source.ts';
import { labelsOf, setLabels } from '../../model/ir/card.ts';
import type { Model } from '../../model/ir/model.ts';
import { outputPortsOf } from '../../model/ir/port.ts';
import { scoresOutput } from '../run-pair.ts';

/** Names the scores of a model as the data that it was trained on does, where that names its classes otherwise.
 *  @returns for the report, what may surprise: fewer classes than scores; null where all fits */
export function nameTrainedClasses(
  model: Model,
  source: Pick<DataSource, 'classes' | 'name'>,
): string | null {
  const { classes } = source;
  const scores = scoresOutput(outputPortsOf(model))?.shape?.at(-1);
  if (!classes || typeof scores !== 'number' || classes.length > scores) return null;
  const own = labelsOf(model);
  // Where only numbers are known, names that the model has stay true.
  const named = classes.map((name, i) => (name === String(i) ? null : name));
  if (named.some((name) => name !== null))
    setLabels(
      model,
      Array.from({ length: scores }, (_, i) => named[i] ?? own?.[i] ?? `class ${i}`),
    );
  return classes.length < scores
    ? `The model scores ${scores} classes and ${source.name} has ${classes.length}: the first ${classes.length} scores were trained for them, and the others say nothing.`
    : null;
}
