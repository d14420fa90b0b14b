/** Shapes to paint: each says how deep inside it a point is. */
import type { Random } from '../../support/random.ts';
import { mean } from '../../support/statistics.ts';

export interface Shape {
  /** Of a point of the unit square: the distance to the edge, more than 0 inside. */
  readonly depth: (x: number, y: number) => number;
  /** Where it can be at all. */
  readonly reach: { readonly x: number; readonly y: number; readonly radius: number };
}

export const shapesOf = (random: Random, count: number): Shape[] =>
  Array.from({ length: count }, () => makers[random.integer(makers.length)]!(random));

const makers: readonly ((random: Random) => Shape)[] = [ellipse, ellipse, box, ring, stripes, blob];

/** A point, turned around a place of its own. */
function placed(random: Random, size: number, depth: (x: number, y: number) => number): Shape {
  const [cx, cy] = [0.1 + 0.8 * random.next(), 0.1 + 0.8 * random.next()];
  const angle = random.integer(2) === 0 ? 0 : 2 * Math.PI * random.next();
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  return {
    depth: (x, y) => depth((x - cx) * cos + (y - cy) * sin, (y - cy) * cos - (x - cx) * sin),
    reach: { x: cx, y: cy, radius: size },
  };
}

const radius = (random: Random) => 0.04 + 0.3 * random.next() ** 1.5;

function ellipse(random: Random): Shape {
  const [a, b] = [radius(random), radius(random)];
  const least = Math.min(a, b);
  return placed(random, Math.max(a, b), (x, y) => least * (1 - Math.hypot(x / a, y / b)));
}

function box(random: Random): Shape {
  const [a, b] = [radius(random), radius(random)];
  return placed(random, Math.hypot(a, b), (x, y) => Math.min(a - Math.abs(x), b - Math.abs(y)));
}

function ring(random: Random): Shape {
  const r = radius(random);
  const thick = r * (0.1 + 0.4 * random.next());
  return placed(random, r + thick, (x, y) => thick - Math.abs(Math.hypot(x, y) - r));
}

/** Bars that repeat, in a box. */
function stripes(random: Random): Shape {
  const [a, b] = [radius(random), radius(random)];
  const period = a / (1 + random.integer(6));
  return placed(random, Math.hypot(a, b), (x, y) => {
    const bar = period / 4 - Math.abs((((x % period) + period) % period) - period / 2);
    return Math.min(bar, a - Math.abs(x), b - Math.abs(y));
  });
}

/** Round, with an outline that waves. */
function blob(random: Random): Shape {
  const r = radius(random);
  const waves = [2, 3, 5].map((n) => ({ n, size: 0.3 * random.next(), at: 2 * Math.PI * random.next() }));
  return placed(random, 1.9 * r, (x, y) => {
    const angle = Math.atan2(y, x);
    const edge = waves.reduce((sum, { n, size, at }) => sum + size * Math.sin(n * angle + at), 1);
    return r * edge - Math.hypot(x, y);
  });
}

/** Curved lines of a pen, each through a few points. */
export function strokesOf(random: Random, count: number): Shape[] {
  const thick = 0.035 + 0.05 * random.next();
  return Array.from({ length: count }, () => stroke(random, thick));
}

function stroke(random: Random, thick: number): Shape {
  const point = (): [number, number] => [0.2 + 0.6 * random.next(), 0.15 + 0.7 * random.next()];
  const [[ax, ay], [bx, by], [cx, cy]] = [point(), point(), point()];
  const pieces = 8;
  const curve = Array.from({ length: pieces + 1 }, (_, i) => {
    const t = i / pieces;
    const s = 1 - t;
    return [s * s * ax + 2 * s * t * bx + t * t * cx, s * s * ay + 2 * s * t * by + t * t * cy] as const;
  });
  const [x, y] = [mean(curve.map(([at]) => at)), mean(curve.map(([, at]) => at))];
  const radius = thick + Math.max(...curve.map(([px, py]) => Math.hypot(px - x, py - y)));
  return { depth: (px, py) => thick - Math.sqrt(nearest(px, py, curve)), reach: { x, y, radius } };
}

type Point = readonly [number, number];

/** Squared distance to a line through points. */
function nearest(x: number, y: number, curve: readonly Point[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 1; i < curve.length; i++) {
    const [ax, ay] = curve[i - 1]!;
    const [dx, dy] = [curve[i]![0] - ax, curve[i]![1] - ay];
    const along = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    const [ox, oy] = [x - ax - along * dx, y - ay - along * dy];
    least = Math.min(least, ox * ox + oy * oy);
  }
  return least;
}
