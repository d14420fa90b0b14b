/** Some of the training samples, spread over all of them: data often stands in the order of its classes. */
import type { Samples } from '../../compute/calibrate/run-samples.ts';
import { spread } from '../../support/spread.ts';
import type { StepContext } from '../model-steps.ts';

/** Of the data, or of what is made up where there is none. Null without either, or with so little that nothing should be judged by it. */
export function someSamples({ prepared, training, madeUp }: StepContext, most: number): Samples | null {
  const learnable = prepared ? { source: prepared.source, indices: training } : (madeUp ?? null);
  if (!learnable || learnable.indices.length < fewest) return null;
  const some = spread(learnable.indices, most);
  return { count: some.length, read: (i) => learnable.source.read(some[i] as number) };
}

export const fewest = 16;
