/** What can be asked about an activation, and the answers. Only scalars leave the engine. */
import type { DType } from '../../model/ir/dtype.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import type { RangeMethod } from '../../support/range-methods.ts';

export type StatisticRequest =
  /** Smallest and largest element over all samples; with `masked`, of those that aren't −∞, which masks are made of. */
  | { readonly kind: 'range'; readonly value: string; readonly masked?: boolean }
  /** Also the ranges whose fake-quantised error is least among `candidates` fractions of the min-max range. */
  | {
      readonly kind: 'mse-range';
      readonly value: string;
      readonly dtype: DType;
      readonly symmetric: boolean;
      readonly candidates: number;
    }
  | MomentRequest
  | ShiftRequest
  | PeakRequest;

/** Mean of x·xᵀ over everything that a layer sums over, x being one row of what its weight matrix is multiplied with:
 *  what decides how much an error in a weight shows in the output. */
export interface MomentRequest {
  readonly kind: 'moments';
  readonly value: string;
  /** Of a convolution: the places that its kernel sees, unfolded (channel first, then kernel). null: the last axis. */
  readonly patches: PatchSpec | null;
  /** Parts that the columns fall into, each with a matrix of its own. */
  readonly groups: number;
  /** Only the squares, x·x by column. */
  readonly diagonal: boolean;
}

/** Mean by output channel of what a product with constant weight (Conv, Gemm, MatMul; the weight on the right) would answer more, had it
 *  another weight. */
export interface ShiftRequest {
  readonly kind: 'shift';
  /** The product's answer. */
  readonly value: string;
  /** float32, with the sizes of the one that it has. */
  readonly weight: Tensor;
  readonly channels: number;
}

/** Largest magnitude that each channel of a value reaches, over all samples. */
export interface PeakRequest {
  readonly kind: 'peaks';
  readonly value: string;
  readonly channels: number;
  /** Of a value with `rank` axes, the one that its channels lie along. */
  readonly axis: number;
  readonly rank: number;
}

export interface PatchSpec {
  readonly channels: number;
  readonly kernel: readonly number[];
  readonly strides?: readonly number[] | undefined;
  readonly pads?: readonly number[] | undefined;
  readonly dilations?: readonly number[] | undefined;
  readonly autoPad?: string | undefined;
}

/** float32 [groups, columns, columns], or [groups, columns] where only the diagonal was asked for. */
export interface Moments {
  readonly groups: number;
  readonly columns: number;
  readonly values: Float32Array;
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** What is known of a value. Errors only where they were asked for. */
export interface Ranges {
  readonly minmax: Range;
  readonly average: Range;
  readonly mse?: Range | undefined;
  readonly absolute?: Range | undefined;
}

export interface Statistics {
  /** The answer to a request made in `observe`; undefined when nothing was measured for that value, or not so.
   *  @param method  by default that with the least error where errors were asked for, else all that was seen */
  range(value: string, method?: RangeMethod): Range | undefined;
  /** The answer to a request for moments. */
  moments?(request: MomentRequest): Moments | undefined;
  /** The answer to a request for a shift, [channels]. */
  shift?(value: string): Float32Array | undefined;
  /** The answer to a request for peaks, [channels]. */
  peaks?(value: string): Float32Array | undefined;
  /** Samples that were run. */
  readonly samples: number;
}

/** Of an activation's range, which is little to remember. */
export const isRange = (
  request: StatisticRequest,
): request is Extract<StatisticRequest, { kind: 'range' | 'mse-range' }> =>
  request.kind === 'range' || request.kind === 'mse-range';

export const noStatistics: Statistics = { range: () => undefined, samples: 0 };
