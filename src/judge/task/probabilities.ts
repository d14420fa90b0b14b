/** Scores of classes as shares of one. */

/** Scores that are probabilities stay so; others are taken for logits. NaN counts as 0. */
export function asProbabilities(scores: ArrayLike<number>): Float64Array {
  const values = Float64Array.from(scores, (v) => (Number.isNaN(v) ? 0 : v));
  const total = sum(values);
  if (Math.abs(total - 1) < 0.01 && values.every((v) => v >= 0)) return values.map((v) => v / total);
  const largest = values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const weights = values.map((v) => Math.exp(v - largest));
  const all = sum(weights);
  return weights.map((v) => v / all);
}

const sum = (values: Float64Array) => values.reduce((a, b) => a + b, 0);
