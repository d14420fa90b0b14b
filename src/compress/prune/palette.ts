/** k shared values a tensor: k-means of numbers on a line, where sorting makes every step a look-up. */

export interface Palette {
  /** Ascending. */
  readonly values: Float32Array;
  /** For each element, its place in `values`. */
  readonly indices: Uint8Array;
  /** Root mean square of the error relative to that of the elements. */
  readonly error: number;
}

/** Values that leave the least squared error of those that were tried: Lloyd's steps from even quantiles and from an even
 *  grid. Exact where the elements have no more than k values.
 *  @param k  2 … 256
 *  @param keepZero  zero is one of the values where it stands in the tensor at least once in k elements: zeros of pruning stay
 *  Sources: Han et al. 2016, arXiv:1510.00149; Lloyd 1982. */
export function makePalette(elements: Float32Array, k: number, keepZero = true): Palette {
  const sorted = elements.slice().sort();
  const distinct = distinctValues(sorted, k);
  const zeros = countOf(sorted, 0);
  const pinned = keepZero && zeros * k >= elements.length && zeros > 0;
  const values = distinct ?? learned(pinned ? sorted.filter((x) => x !== 0) : sorted, pinned ? k - 1 : k);
  const all = distinct || !pinned ? values : Float32Array.from([...values.filter((v) => v !== 0), 0]).sort();
  const indices = nearest(elements, all);
  let [lost, total] = [0, 0];
  for (let i = 0; i < elements.length; i++) {
    lost += (elements[i]! - all[indices[i]!]!) ** 2;
    total += elements[i]! ** 2;
  }
  return { values: all, indices, error: total > 0 ? Math.sqrt(lost / total) : 0 };
}

/** All values when there are at most k; −0 counts as 0. */
function distinctValues(sorted: Float32Array, k: number): Float32Array | null {
  const found: number[] = [];
  for (const x of sorted)
    if (found.length === 0 || x !== found.at(-1)) {
      if (found.length === k) return null;
      found.push(x + 0);
    }
  return Float32Array.from(found);
}

const countOf = (sorted: Float32Array, x: number) => lowerBound(sorted, x, true) - lowerBound(sorted, x);

/** First place of an element ≥ x, or > x. */
function lowerBound(sorted: Float32Array, x: number, after = false): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (after ? sorted[middle]! <= x : sorted[middle]! < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

function learned(sorted: Float32Array, k: number): Float32Array {
  const n = sorted.length;
  const sums = new Float64Array(n + 1);
  const squares = new Float64Array(n + 1);
  for (let i = 0; i < n; i++) {
    sums[i + 1] = sums[i]! + sorted[i]!;
    squares[i + 1] = squares[i]! + sorted[i]! ** 2;
  }
  const [low, high] = [sorted[0]!, sorted[n - 1]!];
  const starts = [
    Float64Array.from({ length: k }, (_, i) => sorted[Math.floor(((i + 0.5) * n) / k)]!),
    Float64Array.from({ length: k }, (_, i) => low + ((i + 0.5) * (high - low)) / k),
  ];
  const tried = starts.map((start) => lloyd(sorted, sums, squares, start));
  tried.sort((a, b) => a.error - b.error);
  return Float32Array.from(tried[0]!.centres);
}

const maxSteps = 200;

function lloyd(
  sorted: Float32Array,
  sums: Float64Array,
  squares: Float64Array,
  start: Float64Array,
): { centres: number[]; error: number } {
  const n = sorted.length;
  let centres = [...new Set(start)];
  let error = Number.POSITIVE_INFINITY;
  for (let step = 0; step < maxSteps; step++) {
    const cuts = [0, ...centres.slice(1).map((c, i) => lowerBound(sorted, (c + centres[i]!) / 2)), n];
    let now = 0;
    const next = centres.map((c, i) => {
      const [from, to] = [cuts[i]!, cuts[i + 1]!];
      if (to <= from) return c;
      const sum = sums[to]! - sums[from]!;
      now += squares[to]! - squares[from]! - sum ** 2 / (to - from);
      return sum / (to - from);
    });
    centres = next;
    if (now >= error * (1 - 1e-6)) return { centres, error: Math.min(now, error) };
    error = now;
  }
  return { centres, error };
}

function nearest(elements: Float32Array, values: Float32Array): Uint8Array {
  const borders = Float64Array.from(
    { length: values.length - 1 },
    (_, i) => (values[i]! + values[i + 1]!) / 2,
  );
  return Uint8Array.from(elements, (x) => {
    let [low, high] = [0, borders.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (borders[middle]! < x) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}
