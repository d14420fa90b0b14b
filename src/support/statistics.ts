/** Quantile of unsorted numbers by linear interpolation (type 7, as numpy's default). */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const low = Math.floor(at);
  const a = sorted[low]!;
  const b = sorted[Math.min(low + 1, sorted.length - 1)]!;
  return a + (b - a) * (at - low);
}

export const median = (values: readonly number[]) => quantile(values, 0.5);

/** 95 % interval of the median: the order statistics at n/2 ± 0.98·√n (binomial, normal approximation; for small n
 *  it is the range of the samples). @see Conover, Practical Nonparametric Statistics, §3.2 */
export function medianInterval(samples: readonly number[]): [number, number] {
  const sorted = [...samples].sort((x, y) => x - y);
  const n = sorted.length;
  const half = 0.98 * Math.sqrt(n);
  const low = Math.max(0, Math.floor(n / 2 - half));
  const high = Math.min(n - 1, Math.ceil(n / 2 + half));
  return [sorted[low] ?? Number.NaN, sorted[high] ?? Number.NaN];
}

export const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

/** Wilson score interval for k successes of n, at 95 %. Stays inside [0, 1] and is honest for small n. */
export function wilsonInterval(k: number, n: number): [number, number] {
  if (n === 0) return [0, 1];
  const z = 1.96;
  const p = k / n;
  const d = 1 + (z * z) / n;
  const centre = (p + (z * z) / (2 * n)) / d;
  const half = (z / d) * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

/** Probability of k successes or more of n, each with probability p. */
export function binomialTail(k: number, n: number, p: number): number {
  let log = 0;
  let sum = 0;
  for (let i = 0; i <= n; i++) {
    if (i >= k) sum += Math.exp(log + i * Math.log(p) + (n - i) * Math.log1p(-p));
    // log of n over i + 1 from that of n over i.
    log += Math.log((n - i) / (i + 1));
  }
  return Math.min(1, sum);
}

/** How often two things that were tried on the same samples succeed. */
export interface PairedCounts {
  readonly both: number;
  readonly onlyBefore: number;
  readonly onlyAfter: number;
  readonly neither: number;
}

/** 95 % interval of the share of successes after minus that before, on the same samples: Wilson intervals of both shares, joined
 *  with their correlation φ, corrected for continuity. null without samples.
 *  @see Newcombe 1998, Statistics in Medicine 17, 2635–2650, method 10 */
export function pairedInterval(counts: PairedCounts): [number, number] | null {
  const { both, onlyBefore, onlyAfter, neither } = counts;
  const n = both + onlyBefore + onlyAfter + neither;
  if (n === 0) return null;
  const [before, after] = [both + onlyBefore, both + onlyAfter];
  const [p1, p2] = [before / n, after / n];
  const [[l1, u1], [l2, u2]] = [wilsonInterval(before, n), wilsonInterval(after, n)];
  const spread = Math.sqrt(before * (n - before) * after * (n - after));
  const product = both * neither - onlyBefore * onlyAfter;
  const phi = spread === 0 ? 0 : (product > 0 ? Math.max(product - n / 2, 0) : product) / spread;
  const joined = (a: number, b: number) => Math.sqrt(Math.max(0, a * a - 2 * phi * a * b + b * b));
  return [p2 - p1 - joined(u1 - p1, p2 - l2), p2 - p1 + joined(p1 - l1, u2 - p2)];
}
