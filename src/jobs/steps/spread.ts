/** Some of the training samples, spread over all of them: data often stands in the order of its classes. */
import type { Samples } from '../../compute/calibrate/run-samples.ts';
import { spread } from '../../support/spread.ts';
import type { StepContext } from '../model-steps.ts';

/** Null without data, or with so little that nothing should be judged by it. */
export function someSamples({ prepared, training }: StepContext, most: number): Samples | null {
  if (!prepared || training.length < fewest) return null;
  const some = spread(training, most);
  return { count: some.length, read: (i) => prepared.source.read(some[i] as number) };
}

export const fewest = 16;
