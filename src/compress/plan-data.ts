/** Which samples a plan takes, and what for: to find ranges on, and others to compare on. */
import type { DataOptions, PrepareOptions } from '../data/prepare-data.ts';
import type { Recipe } from './pipeline/recipe.ts';
import type { CompressRequest } from './request.ts';

/** What requests say about data. */
export type DataRequest = Pick<
  CompressRequest,
  | 'data'
  | 'labels'
  | 'preprocess'
  | 'tokenizer'
  | 'window'
  | 'sampleRate'
  | 'dtype'
  | 'skipBad'
  | 'evaluate'
  | 'testData'
  | 'testLabels'
> &
  Partial<Pick<CompressRequest, 'compare' | 'choose' | 'compareChosen'>>;

export interface DataPlan {
  readonly from: DataOptions;
  readonly split: PrepareOptions;
}

/** Samples to compare on where nothing says how many. */
export const usualEvaluation = 200;

/** @param calibrates  whether the recipe finds ranges; samples are left for other things where it doesn't
 *  @param learns  whether something prunes or trains on samples that nothing is compared on */
export function dataPlan(
  request: DataRequest,
  { seed, samples }: Recipe['calibration'],
  calibrates: boolean,
  learns: boolean,
): DataPlan | null {
  const from = dataOptions(request);
  return (
    from && {
      from,
      split: {
        seed,
        calibration: calibrates ? samples : 0,
        evaluation: request.evaluate ?? evaluation(request),
        learns,
        halfAtMost: learns && request.evaluate === undefined,
        choice: request.choose
          ? { samples: request.choose, compares: request.compareChosen === true }
          : undefined,
        synthetic: 2 * samples,
      },
    }
  );
}

/** Without comparison no sample is kept from what calibrates and trains. */
function evaluation({ compare = true, testData }: DataRequest): number {
  if (testData !== undefined) return Number.POSITIVE_INFINITY;
  return compare ? usualEvaluation : 0;
}

/** null where a request names no data. */
export function dataOptions({
  data,
  labels,
  preprocess,
  tokenizer,
  window,
  sampleRate,
  dtype,
  skipBad,
  testData,
  testLabels,
}: Omit<DataRequest, 'evaluate'>): DataOptions | null {
  if (data === undefined) return null;
  const test = testData === undefined ? undefined : { path: testData, labels: testLabels };
  return { path: data, labels, preprocess, tokenizer, window, sampleRate, dtype, skipBad, test };
}
