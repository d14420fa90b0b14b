/** The order in which units go, against refitting what is left by brute force. */
import { describe, expect, it } from 'vitest';
import { eliminate, type Reading } from '../../../src/compress/prune/elimination.ts';
import { createRandom } from '../../../src/support/random.ts';

interface Layer {
  /** [rows][columns] */
  readonly w: number[][];
  /** [points][columns] */
  readonly points: number[][];
  readonly units: number[][];
}

/** Columns of unit u: u, u + units, … so that those of one unit don't lie side by side. */
function layer(seed: number, units: number, width: number, rows: number): Layer {
  const random = createRandom(seed);
  const table = (height: number) =>
    Array.from({ length: height }, () => Array.from({ length: units * width }, () => random.normal()));
  return {
    w: table(rows),
    points: table(60),
    units: Array.from({ length: units }, (_, u) => Array.from({ length: width }, (_, k) => u + k * units)),
  };
}

const meansOf = ({ points }: Layer): number[][] =>
  points[0]!.map((_, i) =>
    points[0]!.map((_, j) => points.reduce((s, x) => s + (x[i]! * x[j]!) / points.length, 0)),
  );

/** Too small to show in six digits. */
const least = 1e-10;

const readingOf = (l: Layer, damping = least): Reading => ({
  weights: Float64Array.from(l.w.flat()),
  moments: Float64Array.from(meansOf(l).flat()),
  rows: l.w.length,
  columns: l.w[0]!.length,
  damping,
  units: l.units,
});

/** Mean squared error of the best fit to y = w·x from the columns that are left, relative to the mean square of y. */
function residual(l: Layer, gone: readonly number[]): number {
  const away = new Set(gone.flatMap((u) => l.units[u]!));
  const stay = l.points[0]!.map((_, c) => c).filter((c) => !away.has(c));
  const h = meansOf(l);
  let [error, energy] = [0, 0];
  for (const w of l.w) {
    const answers = l.points.map((x) => x.reduce((s, v, c) => s + v * w[c]!, 0));
    const right = stay.map((c) =>
      l.points.reduce((s, x, p) => s + (x[c]! * answers[p]!) / l.points.length, 0),
    );
    const fit = solved(
      stay.map((i) => stay.map((j) => h[i]![j]!)),
      right,
    );
    l.points.forEach((x, p) => {
      const found = stay.reduce((s, c, k) => s + fit[k]! * x[c]!, 0);
      error += (answers[p]! - found) ** 2;
      energy += answers[p]! ** 2;
    });
  }
  return error / energy;
}

/** Gauss with pivots. */
function solved(matrix: number[][], right: number[]): number[] {
  const a = matrix.map((row, i) => [...row, right[i]!]);
  const n = a.length;
  for (let i = 0; i < n; i++) {
    const pivot = a
      .map((row, k) => (k < i ? -1 : Math.abs(row[i]!)))
      .reduce((best, v, k, all) => (v > all[best]! ? k : best), i);
    [a[i], a[pivot]] = [a[pivot]!, a[i]!];
    for (let k = 0; k < n; k++) {
      if (k === i) continue;
      const factor = a[k]![i]! / a[i]![i]!;
      for (let j = i; j <= n; j++) a[k]![j]! -= factor * a[i]![j]!;
    }
  }
  return a.map((row, i) => row[n]! / row[i]!);
}

const total = (layers: readonly Layer[], gone: readonly number[]) =>
  layers.reduce((s, l) => s + residual(l, gone), 0);

describe('eliminate', () => {
  it.each([
    ['one layer', [layer(1, 6, 1, 3)]],
    ['units of several columns', [layer(2, 5, 3, 4)]],
    ['several layers', [layer(3, 6, 1, 2), layer(4, 6, 1, 5)]],
    [
      'several layers in which units have unequal widths',
      [layer(5, 5, 2, 3), layer(6, 5, 3, 2), layer(7, 5, 1, 4)],
    ],
  ])('of %s reports the error of the best fit, and takes the unit that costs least', (_, layers) => {
    const units = layers[0]!.units.length;
    const { order, errors } = eliminate(
      layers.map((l) => readingOf(l)),
      units,
      units - 1,
    );
    expect(order).toHaveLength(units - 1);
    expect(new Set(order).size).toBe(units - 1);
    order.forEach((_, k) => {
      const gone = order.slice(0, k);
      const left = Array.from({ length: units }, (_, u) => u).filter((u) => !gone.includes(u));
      const costs = left.map((u) => total(layers, [...gone, u]));
      expect(errors[k]).toBeCloseTo(Math.min(...costs), 6);
      expect(errors[k]).toBeCloseTo(total(layers, order.slice(0, k + 1)), 6);
    });
  });

  it('lets a unit go first that others make up, and at no cost', () => {
    const l = layer(8, 6, 1, 3);
    // Unit 4 reads the sum of two others and is weighted more than any.
    for (const x of l.points) x[4] = 2 * x[1]! - x[3]!;
    for (const w of l.w) w[4] = 5;
    const { order, errors } = eliminate([readingOf(l, 1e-8)], 6, 3);
    // Any of the three makes up for itself by the other two.
    expect([1, 3, 4]).toContain(order[0]);
    expect(errors[0]).toBeLessThan(1e-6);
    expect(errors[1]).toBeGreaterThan(1e-3);
  });

  it('lets only one of two equal units go for nothing', () => {
    const l = layer(9, 4, 2, 3);
    for (const x of l.points) for (const k of [0, 4]) x[2 + k] = x[0 + k]!;
    const { order, errors } = eliminate([readingOf(l, 1e-8)], 4, 4);
    expect([0, 2]).toContain(order[0]);
    expect(errors[0]).toBeLessThan(1e-6);
    expect(errors[1]).toBeGreaterThan(1e-3);
    // Nothing is left.
    expect(errors[3]).toBeCloseTo(1, 6);
  });

  it('counts a unit as free that nothing reads', () => {
    const l = layer(10, 5, 1, 3);
    for (const w of l.w) w[3] = 0;
    const { order, errors } = eliminate([readingOf(l)], 5, 2);
    expect([order[0], errors[0]]).toEqual([3, 0]);
  });

  it('stops where it is told to', () => {
    const reading = () => readingOf(layer(11, 5, 1, 3));
    expect(eliminate([reading()], 5, 0)).toEqual({ order: [], errors: [] });
    expect(eliminate([reading()], 5, 9).order).toHaveLength(5);
  });

  it('takes damping as relative to the mean of the diagonal', () => {
    const l = layer(12, 5, 1, 3);
    const large: Layer = { ...l, points: l.points.map((x) => x.map((v) => 100 * v)) };
    const [a, b] = [l, large].map((some) => eliminate([readingOf(some, 0.1)], 5, 4));
    expect(b!.order).toEqual(a!.order);
    b!.errors.forEach((e, k) => {
      expect(e).toBeCloseTo(a!.errors[k]!, 9);
    });
  });
});
