import { expect, it } from 'vitest';
import { createRegressionMeter } from '../../../src/judge/evaluate/regression.ts';

const measure = (...pairs: [number[], number[]][]) => {
  const meter = createRegressionMeter();
  for (const [predicted, target] of pairs) meter.add(predicted, target);
  return meter.result();
};

// Expected numbers: scikit-learn 1.9.1.
it('agrees with scikit-learn', () => {
  const { mae, mse, r2, count } = measure(
    [
      [2.5, 0],
      [3, -0.5],
    ],
    [
      [2, 8],
      [2, 7],
    ],
  );
  expect([count, mae]).toEqual([4, 0.5]);
  expect(mse).toBeCloseTo(0.375, 12);
  expect(r2).toBeCloseTo(0.9486081370449679, 12);
});

it('keeps its precision with targets far from zero', () => {
  const far = (values: number[]) => values.map((v) => v + 1e9);
  const { r2 } = measure([far([2.5, 0, 2, 8]), far([3, -0.5, 2, 7])]);
  // 1e9 leaves 7 digits after the point in a double; the naive Σy² − n·ȳ² would leave none.
  expect(r2).toBeCloseTo(0.9486081370449679, 6);
});

it('has no R² for constant targets and nothing for none', () => {
  expect(
    measure([
      [1, 2],
      [3, 3],
    ]).r2,
  ).toBeNull();
  expect(measure()).toEqual({ count: 0, mae: null, mse: null, r2: null });
});
