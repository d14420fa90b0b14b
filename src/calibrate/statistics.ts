/** What can be asked about an activation, and the answers. Only scalars leave the engine. */
import type { DType } from '../ir/dtype.ts';

export type StatisticRequest =
  /** Smallest and largest element over all samples. */
  | { readonly kind: 'range'; readonly value: string }
  /** Range whose fake-quantised error is least among `candidates` fractions of the min-max range. */
  | {
      readonly kind: 'mse-range';
      readonly value: string;
      readonly dtype: DType;
      readonly symmetric: boolean;
      readonly candidates: number;
    };

export interface Range {
  readonly min: number;
  readonly max: number;
}

export interface Statistics {
  /** The answer to a request made in `observe`; undefined when nothing was measured for that value. */
  range(value: string): Range | undefined;
  /** Samples that were run. */
  readonly samples: number;
}

export const noStatistics: Statistics = { range: () => undefined, samples: 0 };
