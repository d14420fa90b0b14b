/** How measures of a task are taken: a meter sees what both models make of each sample, one after another. */
import type { Drawing } from '../../data/drawing.ts';
import type { Sample } from '../../data/source.ts';
import type { Port } from '../../model/ir/port.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import type { Measure, Metric } from './measure.ts';
import type { Task } from './task.ts';

export type Outputs = Readonly<Record<string, Tensor>>;

/** What each says of one sample where they differ, for people. */
export interface Difference {
  readonly before: string;
  readonly after: string;
  /** Both on the picture, where the two can be shown there. */
  readonly drawing?: Drawing;
}

export interface Meter {
  /** @returns what differs, where that can be said in a few words */
  add(
    before: Outputs,
    after: Outputs,
    sample: Pick<Sample, 'inputs' | 'target' | 'label'>,
  ): Difference | null;
  /** Against the original; the first with a value stands for the task. */
  result(): readonly Measure[];
  /** Of each model by itself, where samples say what is right: labels, targets, the text itself. What stands for the task first. */
  quality?(): readonly Metric[];
}

export interface MeterContext {
  readonly task: Task;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

export type OpenMeter = (context: MeterContext) => Meter;
