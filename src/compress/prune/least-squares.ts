/** Weights by least squares from summed products, with what they are now as the prior:
 *    W = argmin mean ‖y − W·x − b‖² + λ‖W − W₀‖²  =  W₀ + (C_yx − W₀·C_xx)·(C_xx + λI)⁻¹,   b = ȳ − W·x̄
 *  where C are covariances: the prior keeps what the samples say nothing about. */

/** Sums over places: [columns, columns], [rows, columns], [columns], [rows]. */
export interface ProductSums {
  readonly places: number;
  readonly xx: Float64Array;
  readonly yx: Float64Array;
  readonly x: Float64Array;
  readonly y: Float64Array;
}

export interface Fit {
  /** [rows, columns] */
  readonly weights: Float64Array;
  /** [rows]; all zero unless an intercept was asked for. */
  readonly intercept: Float64Array;
}

/** λ for a fit or a compensation, as a share of the mean variance of a column. Where places hardly outnumber columns, what
 *  they say is mostly chance, and weights that follow it would answer worse on everything else. @param least  with many places */
export const dampingFor = (least: number, columns: number, places: number): number =>
  Math.max(least, columns / places);

/** @param prior  W₀, [rows, columns]
 *  @param damping  λ as a share of the mean variance of a column: see dampingFor
 *  @param intercept  false: b = 0, and moments take the place of covariances */
export function fitWeights(sums: ProductSums, prior: Float64Array, damping: number, intercept: boolean): Fit {
  const { places, x, y } = sums;
  const [rows, columns] = [y.length, x.length];
  const h = new Float64Array(columns * columns);
  for (let i = 0; i < columns; i++)
    for (let j = 0; j < columns; j++)
      h[i * columns + j] =
        sums.xx[i * columns + j]! / places - (intercept ? (x[i]! / places) * (x[j]! / places) : 0);
  const right = new Float64Array(rows * columns);
  for (let r = 0; r < rows; r++) {
    const target = right.subarray(r * columns, (r + 1) * columns);
    const w = prior.subarray(r * columns, (r + 1) * columns);
    const mean = intercept ? y[r]! / places : 0;
    for (let j = 0; j < columns; j++)
      target[j] = sums.yx[r * columns + j]! / places - mean * (x[j]! / places);
    for (let i = 0; i < columns; i++)
      if (w[i] !== 0) for (let j = 0; j < columns; j++) target[j]! -= w[i]! * h[i * columns + j]!;
  }
  let trace = 0;
  for (let i = 0; i < columns; i++) trace += h[i * columns + i]!;
  const lambda = (damping * trace) / columns;
  for (let i = 0; i < columns; i++) h[i * columns + i]! += trace > 0 ? lambda : 1;
  factorise(h, columns);
  const weights = prior.slice();
  const shift = new Float64Array(rows);
  for (let r = 0; r < rows; r++) {
    const change = solve(h, columns, right.subarray(r * columns, (r + 1) * columns));
    let rest = y[r]! / places;
    for (let j = 0; j < columns; j++) {
      weights[r * columns + j]! += change[j]!;
      rest -= weights[r * columns + j]! * (x[j]! / places);
    }
    if (intercept) shift[r] = rest;
  }
  return { weights, intercept: shift };
}

/** Cholesky, in place: the lower triangle becomes L with H = L·Lᵀ. */
function factorise(h: Float64Array, n: number): void {
  for (let i = 0; i < n; i++) {
    const own = h.subarray(i * n, (i + 1) * n);
    for (let j = 0; j <= i; j++) {
      const other = h.subarray(j * n, (j + 1) * n);
      let sum = own[j]!;
      for (let k = 0; k < j; k++) sum -= own[k]! * other[k]!;
      // Rounding can leave a hair below zero where columns are linearly dependent.
      own[j] = i === j ? Math.sqrt(Math.max(sum, 1e-30)) : sum / other[j]!;
    }
  }
}

/** L·Lᵀ·x = b, in place of b. */
function solve(l: Float64Array, n: number, b: Float64Array): Float64Array {
  for (let i = 0; i < n; i++) {
    const row = l.subarray(i * n, (i + 1) * n);
    let sum = b[i]!;
    for (let k = 0; k < i; k++) sum -= row[k]! * b[k]!;
    b[i] = sum / row[i]!;
  }
  for (let i = n - 1; i >= 0; i--) {
    const row = l.subarray(i * n, (i + 1) * n);
    b[i]! /= row[i]!;
    for (let k = 0; k < i; k++) b[k]! -= row[k]! * b[i]!;
  }
  return b;
}

/** H⁻¹ in place of a symmetric, positive definite H. */
export function choleskyInverse(h: Float64Array, n: number): void {
  factorise(h, n);
  // L⁻¹, row by row from L, then L⁻ᵀ·L⁻¹.
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const target = inverse.subarray(i * n, (i + 1) * n);
    const row = h.subarray(i * n, (i + 1) * n);
    target[i] = 1;
    for (let k = 0; k < i; k++) {
      const factor = row[k]!;
      if (factor === 0) continue;
      const other = inverse.subarray(k * n, (k + 1) * n);
      for (let j = 0; j <= k; j++) target[j]! -= factor * other[j]!;
    }
    for (let j = 0; j <= i; j++) target[j]! /= row[i]!;
  }
  h.fill(0);
  for (let k = 0; k < n; k++) {
    const line = inverse.subarray(k * n, (k + 1) * n);
    for (let i = 0; i <= k; i++) {
      const factor = line[i]!;
      if (factor === 0) continue;
      const target = h.subarray(i * n, (i + 1) * n);
      for (let j = 0; j <= i; j++) target[j]! += factor * line[j]!;
    }
  }
  for (let i = 0; i < n; i++) for (let j = i + 1; j < n; j++) h[i * n + j] = h[j * n + i]!;
}
