/** Options that say what to calibrate, train and compare on. */
import type { CompressRequest } from '../compress/request.ts';
import type { DataOptions } from '../data/prepare-data.ts';
import { optionWithoutEffect } from '../support/diagnostics/command-line.ts';

export type DataFlags = Pick<
  CompressRequest,
  'data' | 'labels' | 'preprocess' | 'skipBad' | 'evaluate' | 'testData' | 'testLabels'
>;

/** @throws OPTION_WITHOUT_EFFECT */
export function dataOf(flags: DataFlags): {
  data: DataOptions | undefined;
  evaluationSamples: number | undefined;
} {
  const { data, labels, preprocess, skipBad, evaluate, testData, testLabels } = flags;
  if (testLabels !== undefined && testData === undefined)
    throw optionWithoutEffect('--test-labels', '--test-data');
  // Ranges found on noise would stand in a report that measures on real data.
  if (testData !== undefined && data === 'synthetic')
    throw optionWithoutEffect('--test-data', 'real data in --data');
  const test = testData === undefined ? undefined : { path: testData, labels: testLabels };
  return {
    data: data === undefined ? undefined : { path: data, labels, preprocess, skipBad, test },
    evaluationSamples: evaluate,
  };
}
