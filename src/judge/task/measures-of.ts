/** Which measures a task has: a row opens its meter, or says which figure of the comparison of outputs stands for it. */
import type { TaskName } from '../../support/task.ts';
import type { OutputComparison } from '../analyze/compare.ts';
import { type Measure, mainOf, measured } from './measure.ts';
import type { Meter, MeterContext, OpenMeter } from './meter.ts';
import { activationsMeter } from './meters/activations.ts';
import { detectionMeter } from './meters/detection.ts';
import { embeddingMeter } from './meters/embedding.ts';
import { imageMeter } from './meters/image.ts';
import { lettersMeter } from './meters/letters.ts';
import { maskMeter } from './meters/mask.ts';
import { nextTokenMeter } from './meters/next-token.ts';
import { valuesMeter } from './meters/values.ts';

/** Tasks that aren't here are judged by the largest score of their rows, else by noise. */
const meters: Readonly<Partial<Record<TaskName, OpenMeter>>> = {
  tagging: activationsMeter,
  detection: detectionMeter,
  segmentation: maskMeter,
  embedding: embeddingMeter,
  'image-to-image': imageMeter,
  regression: valuesMeter,
  transcription: lettersMeter,
  'language-model': nextTokenMeter,
  'encoder-decoder': nextTokenMeter,
};

/** null where the comparison of outputs says all. */
export const openMeter = (context: MeterContext): Meter | null =>
  meters[context.task.name]?.(context) ?? null;

/** What a meter has found, or what stands for the task in the comparison of outputs. Where a meter has no figure that stands for
 *  the task, as where nothing is there to find, the noise of the outputs does. */
export function taskMeasures(meter: Meter | null, outputs: readonly Compared[]): readonly Measure[] {
  const own = meter?.result() ?? [];
  return mainOf(own) ? own : [...own, ...measuresOfOutputs(outputs)];
}

type Compared = Pick<OutputComparison, 'top1Agreement' | 'sqnrDb'>;

/** Of the outputs as numbers: the worst agreement of rows, else the worst noise. What reports without measures of a task show. */
export function measuresOfOutputs(outputs: readonly Compared[]): Measure[] {
  const share = lowest(outputs.map((o) => o.top1Agreement));
  if (share !== null) return [measured('same-top-1', share)];
  const noise = lowest(outputs.map((o) => o.sqnrDb));
  return noise === null ? [] : [measured('sqnr', noise)];
}

function lowest(values: readonly (number | null)[]): number | null {
  const known = values.filter((v) => v !== null && !Number.isNaN(v)) as number[];
  return known.length === 0 ? null : Math.min(...known);
}
