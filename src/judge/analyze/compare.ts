/** How far the outputs of two models are apart, over any number of samples in constant memory. */

import { dtypes, isFloat } from '../../model/ir/dtype.ts';
import type { Port } from '../../model/ir/port.ts';
import { elementCount, float32Values, numbers, type Tensor } from '../../model/ir/tensor.ts';
import { isStatic, type Shape } from '../../model/ir/type.ts';
import { compareOutputs, compareShape } from '../../support/diagnostics/data.ts';
import { own } from '../../support/own.ts';

export interface OutputComparison {
  readonly name: string;
  /** 10·log10(Σx² / Σ(x − y)²) over all elements of all samples; null when there is no noise (maxAbsError
   *  is 0 then), no signal, or a number that is finite on one side only. */
  readonly sqnrDb: number | null;
  /** Cosine of the angle between all elements before and after; null when either is all zero, and as
   *  above. */
  readonly cosine: number | null;
  /** Over elements that are finite on both sides. */
  readonly maxAbsError: number;
  /** Share of rows (last axis) whose largest element is at the same place; null where that makes no sense. */
  readonly top1Agreement: number | null;
  /** Elements that are NaN or infinite on one side and not the same on the other. Any is a broken model. */
  readonly nonFinite: number;
}

/** Where the largest score of a sample stood; what reports list as a disagreement. */
export interface Top1 {
  readonly output: string;
  readonly before: number;
  readonly after: number;
}

export interface Comparer {
  /** Outputs of one run of each model on the same inputs.
   *  @returns the decision of each, where an output has one row of class scores; else null
   *  @throws COMPARE_OUTPUTS, COMPARE_SHAPE when the models' outputs differ in name or shape */
  add(before: Readonly<Record<string, Tensor>>, after: Readonly<Record<string, Tensor>>): Top1 | null;
  result(): { readonly samples: number; readonly outputs: readonly OutputComparison[] };
}

/** @param scores  names of the outputs that may score classes; all when left out
 *  @param outputs  what to compare; strings are left out
 *  @param inputs  the model's inputs: an output of an input's type and shape is a state or a
 *  reconstruction, and has no
 *    top-1 agreement */
export function createComparer(
  outputs: readonly Port[],
  inputs: readonly Port[] = [],
  scores?: ReadonlySet<string>,
): Comparer {
  const compared = outputs.filter((port) => dtypes[port.dtype].kind !== 'string');
  const tracks = compared.map((port) => ({
    port,
    least: scores?.has(port.name) === false ? null : leastScores(port, inputs),
    sums: emptySums(),
  }));
  let samples = 0;
  return {
    add(before, after) {
      const missing = compared.filter((p) => !own(after, p.name) || !own(before, p.name)).map((p) => p.name);
      if (missing.length > 0) throw compareOutputs(missing, Object.keys(after));
      let top: Top1 | null = null;
      for (const { port, least, sums } of tracks) {
        const [a, b] = [before[port.name]!, after[port.name]!];
        if (a.dims.length !== b.dims.length || a.dims.some((d, i) => d !== b.dims[i]))
          throw compareShape(port.name, a.dims, b.dims);
        const [x, y] = [valuesOf(a), valuesOf(b)];
        accumulate(sums, x, y);
        if (least === null || !isScoreShape(a.dims, least(a.dims.length))) continue;
        const decision = agreement(sums, x, y, a.dims.at(-1)!);
        if (elementCount(a.dims) === a.dims.at(-1)) top ??= { output: port.name, ...decision };
      }
      samples++;
      return top;
    },
    result: () => ({ samples, outputs: tracks.map(({ port, sums }) => summary(port.name, sums)) }),
  };
}

/** How many places a row of class scores has at least, by rank; null for outputs that are not scores. Scores
 *  are floats of rank 1 to 3.
 *  At rank 3 two to four places are points and boxes, except in models that read tokens, whose vocabulary
 *  may be that small.
 *  The image of an input (same type and shape) is a state or a reconstruction. */
function leastScores(port: Port, inputs: readonly Port[]): ((rank: number) => number) | null {
  const tokens = inputs.some((p) => dtypes[p.dtype].kind === 'int' && p.shape?.length === 2);
  const least = (rank: number) => (rank === 3 && !tokens ? 5 : 2);
  if (!isFloat(port.dtype) || (port.shape && !isScoreShape(port.shape, least(port.shape.length))))
    return null;
  const image = inputs.some((input) => input.dtype === port.dtype && sameShape(input.shape, port.shape));
  return image ? null : least;
}

function isScoreShape(shape: Shape, least: number): boolean {
  const last = shape.at(-1);
  return shape.length >= 1 && shape.length <= 3 && !(typeof last === 'number' && last < least);
}

const sameShape = (a: Shape | null, b: Shape | null) =>
  a !== null &&
  b !== null &&
  a.length === b.length &&
  a.every((d, i) => d === b[i] || (i === 0 && !isStatic([d!]) && !isStatic([b[i]!])));

const valuesOf = (t: Tensor): ArrayLike<number> =>
  isFloat(t.dtype) && t.dtype !== 'float64' ? float32Values(t) : numbers(t);

interface Sums {
  signal: number;
  noise: number;
  product: number;
  other: number;
  maxAbsError: number;
  nonFinite: number;
  rows: number;
  agreeing: number;
}

const emptySums = (): Sums => ({
  signal: 0,
  noise: 0,
  product: 0,
  other: 0,
  maxAbsError: 0,
  nonFinite: 0,
  rows: 0,
  agreeing: 0,
});

function accumulate(sums: Sums, x: ArrayLike<number>, y: ArrayLike<number>) {
  for (let i = 0; i < x.length; i++) {
    const a = x[i]!;
    const b = y[i]!;
    const difference = a - b;
    if (!Number.isFinite(difference)) {
      // −∞ before and after (masked scores) is agreement; NaN against a number is not.
      if (!Object.is(a, b)) sums.nonFinite++;
      continue;
    }
    sums.signal += a * a;
    sums.other += b * b;
    sums.product += a * b;
    sums.noise += difference * difference;
    const error = Math.abs(difference);
    if (error > sums.maxAbsError) sums.maxAbsError = error;
  }
}

function agreement(sums: Sums, x: ArrayLike<number>, y: ArrayLike<number>, width: number) {
  let before = 0;
  let after = 0;
  for (let row = 0; row < x.length; row += width) {
    before = largestIn(x, row, width);
    after = largestIn(y, row, width);
    sums.rows++;
    if (before === after) sums.agreeing++;
  }
  return { before, after };
}

/** The first of equals; −1 when all are NaN, so that a broken row agrees only with a broken row. */
function largestIn(values: ArrayLike<number>, start: number, length: number): number {
  let place = -1;
  for (let i = 0; i < length; i++) {
    const value = values[start + i]!;
    if (!Number.isNaN(value) && (place < 0 || value > values[start + place]!)) place = i;
  }
  return place;
}

function summary(name: string, sums: Sums): OutputComparison {
  const { signal, noise, other, product, nonFinite } = sums;
  const whole = nonFinite === 0 && Number.isFinite(signal + noise + other);
  return {
    name,
    sqnrDb: whole && signal > 0 && noise > 0 ? 10 * Math.log10(signal / noise) : null,
    cosine: whole && signal > 0 && other > 0 ? cosineOf(product, signal, other) : null,
    maxAbsError: sums.maxAbsError,
    top1Agreement: sums.rows > 0 ? sums.agreeing / sums.rows : null,
    nonFinite,
  };
}

const cosineOf = (product: number, signal: number, other: number) =>
  Math.max(-1, Math.min(1, product / (Math.sqrt(signal) * Math.sqrt(other))));
