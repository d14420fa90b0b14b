/** Weights fitted to sums of products: checked against the weights that the data were made from. */
import { describe, expect, it } from 'vitest';
import {
  choleskyInverse,
  dampingFor,
  fitWeights,
  type ProductSums,
} from '../../../src/compress/prune/least-squares.ts';
import { createRandom, type Random } from '../../../src/support/random.ts';

const [rows, columns] = [3, 5];

const normals = (random: Random, n: number, mean = 0) =>
  Float64Array.from({ length: n }, () => mean + random.normal());

/** Sums over points x of [x], [y(x)]. */
function sumsOf(points: readonly Float64Array[], answer: (x: Float64Array) => Float64Array) {
  const [n, m] = [points[0]!.length, answer(points[0]!).length];
  const sums = {
    places: points.length,
    xx: new Float64Array(n * n),
    yx: new Float64Array(m * n),
    x: new Float64Array(n),
    y: new Float64Array(m),
  };
  for (const x of points) {
    const y = answer(x);
    for (let j = 0; j < n; j++) {
      sums.x[j]! += x[j]!;
      for (let i = 0; i < n; i++) sums.xx[i * n + j]! += x[i]! * x[j]!;
      for (let r = 0; r < m; r++) sums.yx[r * n + j]! += y[r]! * x[j]!;
    }
    for (let r = 0; r < m; r++) sums.y[r]! += y[r]!;
  }
  return sums satisfies ProductSums;
}

const affine = (w: Float64Array, b: Float64Array) => (x: Float64Array) =>
  Float64Array.from(b, (shift, r) => x.reduce((sum, v, c) => sum + w[r * x.length + c]! * v, shift));

/** So little that the prior is lost in the digits that are compared. */
const hardly = 1e-13;

function example(seed: number, mean = 0) {
  const random = createRandom(seed);
  return {
    w: normals(random, rows * columns),
    b: normals(random, rows),
    points: Array.from({ length: 40 }, () => normals(random, columns, mean)),
    prior: normals(random, rows * columns),
  };
}

const expectClose = (found: Float64Array, expected: ArrayLike<number>, digits: number) => {
  expect(found).toHaveLength(expected.length);
  for (const [i, v] of found.entries()) expect(v).toBeCloseTo(expected[i]!, digits);
};

describe('fitWeights', () => {
  it.each([1, 2, 3])('finds the weights and the intercept that made the data (seed %i)', (seed) => {
    const { w, b, points, prior } = example(seed, 2);
    const fit = fitWeights(sumsOf(points, affine(w, b)), prior, hardly, true);
    expectClose(fit.weights, w, 6);
    expectClose(fit.intercept, b, 6);
  });

  it('finds the weights alone where nothing is to be added', () => {
    const { w, points, prior } = example(4, 2);
    const fit = fitWeights(sumsOf(points, affine(w, new Float64Array(rows))), prior, hardly, false);
    expectClose(fit.weights, w, 6);
    expect([...fit.intercept]).toEqual([0, 0, 0]);
  });

  it('stays with the prior when damping is without bounds, and still meets the mean', () => {
    const { w, b, points, prior } = example(5, 2);
    const sums = sumsOf(points, affine(w, b));
    const fit = fitWeights(sums, prior, 1e12, true);
    expectClose(fit.weights, prior, 9);
    const mean = sums.x.map((v) => v / sums.places);
    const answers = affine(prior, fit.intercept)(mean);
    expectClose(
      answers,
      sums.y.map((v) => v / sums.places),
      6,
    );
  });

  it('minimises the damped error: its gradient is zero there', () => {
    const { w, b, points, prior } = example(6, 1);
    const damping = 0.3;
    const { weights: v } = fitWeights(sumsOf(points, affine(w, b)), prior, damping, true);
    const n = points.length;
    const mean = Float64Array.from({ length: columns }, (_, j) => points.reduce((s, x) => s + x[j]! / n, 0));
    const centred = points.map((x) => x.map((value, j) => value - mean[j]!));
    const spread =
      centred.reduce((s, x) => s + x.reduce((t, value) => t + value * value, 0), 0) / n / columns;
    for (let r = 0; r < rows; r++)
      for (let j = 0; j < columns; j++) {
        const error = (x: Float64Array) =>
          x.reduce((s, value, c) => s + (v[r * columns + c]! - w[r * columns + c]!) * value, 0);
        const fromData = centred.reduce((s, x) => s + error(x) * x[j]!, 0) / n;
        const fromPrior = damping * spread * (v[r * columns + j]! - prior[r * columns + j]!);
        expect(fromData + fromPrior).toBeCloseTo(0, 6);
      }
  });

  it('leaves the prior in directions that the data say nothing about', () => {
    const { w, b, prior } = example(7);
    const random = createRandom(8);
    // Only the first two columns ever move; the third and fourth always together.
    const points = Array.from({ length: 40 }, () => {
      const [p, q, t] = normals(random, 3);
      return Float64Array.from([p!, q!, t!, t!, 0]);
    });
    const { weights } = fitWeights(sumsOf(points, affine(w, b)), prior, hardly, true);
    for (let r = 0; r < rows; r++) {
      const at = (from: Float64Array, c: number) => from[r * columns + c]!;
      for (const c of [0, 1]) expect(at(weights, c)).toBeCloseTo(at(w, c), 5);
      expect(at(weights, 2) + at(weights, 3)).toBeCloseTo(at(w, 2) + at(w, 3), 5);
      // The difference of the two is as it was; rounding of 10⁻¹⁶ is divided by a λ of 10⁻¹³.
      expect(at(weights, 2) - at(weights, 3)).toBeCloseTo(at(prior, 2) - at(prior, 3), 1);
      expect(at(weights, 4)).toBe(at(prior, 4));
    }
  });

  it('leans on the prior where there are hardly more places than columns', () => {
    const { w, b, points, prior } = example(9);
    const far = (fit: Float64Array) => Math.hypot(...fit.map((v, i) => v - prior[i]!));
    const six = points.slice(0, 6);
    const fitTo = (places: number) =>
      fitWeights(sumsOf(six, affine(w, b)), prior, dampingFor(0.01, columns, places), true);
    const [few, many] = [fitTo(6), fitTo(6000)];
    expect(far(few.weights)).toBeLessThan(0.9 * far(many.weights));
  });

  it('changes nothing where all columns are always zero', () => {
    const { w, b, prior } = example(10);
    const sums = sumsOf([new Float64Array(columns), new Float64Array(columns)], affine(w, b));
    const fit = fitWeights(sums, prior, 0.01, true);
    expect([...fit.weights]).toEqual([...prior]);
    expectClose(fit.intercept, b, 12);
  });

  it('leaves the prior that it was given as it was', () => {
    const { w, b, points, prior } = example(11);
    const before = prior.slice();
    fitWeights(sumsOf(points, affine(w, b)), prior, 0.01, true);
    expect([...prior]).toEqual([...before]);
  });
});

describe('choleskyInverse', () => {
  it.each([1, 2, 3, 7, 20, 40])('of a positive definite matrix of %i columns is its inverse', (n) => {
    const random = createRandom(n);
    const factors = Array.from({ length: n + 3 }, () => normals(random, n));
    const a = Float64Array.from({ length: n * n }, (_, k) =>
      factors.reduce((s, x) => s + x[Math.floor(k / n)]! * x[k % n]!, 0),
    );
    const inverse = a.slice();
    choleskyInverse(inverse, n);
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) {
        let product = 0;
        for (let k = 0; k < n; k++) product += a[i * n + k]! * inverse[k * n + j]!;
        // Condition numbers up to 10⁵.
        expect(product).toBeCloseTo(i === j ? 1 : 0, 8);
        expect(inverse[i * n + j]).toBe(inverse[j * n + i]);
      }
  });
});
