/** Errors of predicted numbers, one sample at a time. */

export interface RegressionMeter {
  /** Element by element; lengths must agree. */
  add(predicted: ArrayLike<number>, target: ArrayLike<number>): void;
  result(): RegressionResult;
}

export interface RegressionResult {
  /** Numbers compared. */
  readonly count: number;
  /** Mean absolute error; null before the first number. */
  readonly mae: number | null;
  /** Mean squared error. */
  readonly mse: number | null;
  /** 1 − Σ(y − ŷ)² / Σ(y − ȳ)², over all numbers together; null for fewer than two or for constant
   *  targets. */
  readonly r2: number | null;
}

/** Constant memory: the variance of the targets is updated as they come (Welford 1962), which stays exact
 *  for targets far from zero. */
export function createRegressionMeter(): RegressionMeter {
  let count = 0;
  let absolute = 0;
  let squared = 0;
  let centre = 0;
  let spread = 0;
  return {
    add(predicted, target) {
      if (predicted.length !== target.length)
        throw new RangeError(`${predicted.length} predictions for ${target.length} targets`);
      for (let i = 0; i < target.length; i++) {
        const y = target[i]!;
        const error = predicted[i]! - y;
        absolute += Math.abs(error);
        squared += error * error;
        count++;
        const step = y - centre;
        centre += step / count;
        spread += step * (y - centre);
      }
    },
    result: () => ({
      count,
      mae: count > 0 ? absolute / count : null,
      mse: count > 0 ? squared / count : null,
      r2: count > 1 && spread > 0 ? 1 - squared / spread : null,
    }),
  };
}
