/** Pictures of nothing in particular that have what photographs have: large areas and fine texture, edges, light that falls off, colours that
 *  belong together; and some drawings, since many models read those. */
import type { Random } from '../../support/random.ts';
import type { Pixels } from '../pixels.ts';
import { noiseField, type Size } from './field.ts';
import { type Shape, shapesOf, strokesOf } from './shapes.ts';

type Colour = readonly [number, number, number];

/** Larger pictures are drawn with so many pixels a side and stretched, since most of what takes time here grows with them. */
const largestSide = 128;

/** @returns 8-bit RGB */
export const drawScene = (random: Random, size: Size): Pixels => drawn(scene, random, size);

/** A few strokes on plain ground, bright on dark mostly, as digits are stored. @returns 8-bit RGB */
export const drawStrokes = (random: Random, size: Size): Pixels => drawn(strokes, random, size);

function drawn(draw: (random: Random, size: Size) => Pixels, random: Random, size: Size): Pixels {
  const shrink = Math.min(1, largestSide / Math.max(size.width, size.height));
  const [width, height] = [size.width, size.height].map((side) => Math.max(1, Math.round(side * shrink)));
  const small = draw(random, { width: width!, height: height! });
  return shrink < 1 ? stretched(small, size) : small;
}

/** Between neighbours, linearly. */
function stretched({ data, width, height }: Pixels, to: Size): Pixels {
  const out = new Uint8Array(3 * to.width * to.height);
  const [down, across] = [places(height, to.height), places(width, to.width)];
  let at = 0;
  for (const y of down) {
    const [above, below] = [3 * y.from * width, 3 * y.to * width];
    for (const x of across)
      for (let k = 0; k < 3; k++) {
        const [left, right] = [3 * x.from + k, 3 * x.to + k];
        const top = data[above + left]! + x.share * (data[above + right]! - data[above + left]!);
        const bottom = data[below + left]! + x.share * (data[below + right]! - data[below + left]!);
        out[at++] = Math.round(top + y.share * (bottom - top));
      }
  }
  return { data: out, width: to.width, height: to.height };
}

function places(from: number, to: number): { from: number; to: number; share: number }[] {
  return Array.from({ length: to }, (_, i) => {
    const place = Math.min(from - 1, Math.max(0, ((i + 0.5) * from) / to - 0.5));
    const first = Math.floor(place);
    return { from: first, to: Math.min(from - 1, first + 1), share: place - first };
  });
}

function scene(random: Random, size: Size): Pixels {
  const base = colourOf(random);
  const canvas = canvasOf(size, base);
  shade(canvas, random, base);
  const texture = noiseField(random, size, 0.35 + 0.4 * random.next());
  addTexture(canvas, texture, 0.03 + 0.25 * random.next());
  const many = random.integer(3) === 0 ? 12 : 4;
  for (const shape of shapesOf(random, 1 + random.integer(many))) {
    const [from, to] = [colourOf(random), colourOf(random)];
    const rough = 0.3 * random.next() ** 2;
    paint(canvas, shape, (inside, at, colour) => {
      const light = 0.5 * (1 - inside + rough * texture[at]!);
      for (let k = 0; k < 3; k++) colour[k] = from[k]! + light * (to[k]! - from[k]!);
    });
  }
  const exposed = { gain: 0.6 + 0.7 * random.next(), offset: 0.25 * (random.next() - 0.5), grain: 0.06 };
  return pixelsOf(canvas, random, exposed);
}

function strokes(random: Random, size: Size): Pixels {
  const isDark = random.integer(4) !== 0;
  const canvas = canvasOf(size, isDark ? [0, 0, 0] : [1, 1, 1]);
  const far = isDark ? 1 : 0;
  const share = random.integer(2) === 0 ? 0 : 0.5;
  const ink = colourOf(random).map((c) => far + share * (c - far)) as unknown as Colour;
  for (const stroke of strokesOf(random, 1 + random.integer(3)))
    paint(canvas, stroke, (_, __, colour) => {
      for (let k = 0; k < 3; k++) colour[k] = ink[k]!;
    });
  return pixelsOf(canvas, random, { gain: 1, offset: 0, grain: 0 });
}

interface Canvas extends Size {
  /** Red, green, blue by turns, 0 … 1. */
  readonly values: Float32Array;
}

function canvasOf({ width, height }: Size, colour: Colour): Canvas {
  const values = new Float32Array(3 * width * height);
  for (let i = 0; i < values.length; i++) values[i] = colour[i % 3]!;
  return { width, height, values };
}

/** Mostly dull, sometimes strong. */
function colourOf(random: Random): Colour {
  const light = 0.1 + 0.8 * random.next();
  const strength = 0.6 * random.next() ** 2 + 0.08;
  return [0, 1, 2].map(() => light + strength * (random.next() - 0.5) * 2) as unknown as Colour;
}

/** A colour that turns into another across the picture. */
function shade({ width, height, values }: Canvas, random: Random, from: Colour): void {
  const to = colourOf(random);
  const angle = 2 * Math.PI * random.next();
  const [dx, dy] = [Math.cos(angle) / width, Math.sin(angle) / height];
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at += 3) {
      const share = Math.min(1, Math.max(0, 0.5 + (x - width / 2) * dx + (y - height / 2) * dy));
      for (let k = 0; k < 3; k++) values[at + k] = from[k]! + share * (to[k]! - from[k]!);
    }
}

function addTexture({ values }: Canvas, texture: Float32Array, strength: number): void {
  for (let i = 0; i < texture.length; i++)
    for (let k = 0; k < 3; k++) values[3 * i + k]! += strength * texture[i]! * (1 - 0.2 * k);
}

/** @param colourAt  of a pixel, by how deep inside the shape it is (0 at the edge, 1 in the middle), written into its last argument */
function paint(
  { width, height, values }: Canvas,
  { depth, reach }: Shape,
  colourAt: (inside: number, pixel: number, colour: number[]) => void,
): void {
  const side = Math.max(width, height);
  // About a pixel of soft edge.
  const soft = 1 / side;
  const colour = [0, 0, 0];
  const [left, right] = span(reach.x, reach.radius, side, width);
  const [top, bottom] = span(reach.y, reach.radius, side, height);
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) {
      const deep = depth((x + 0.5) / side, (y + 0.5) / side);
      if (deep <= 0) continue;
      const at = y * width + x;
      const cover = Math.min(1, deep / soft);
      colourAt(Math.min(1, 4 * deep), at, colour);
      for (let k = 0; k < 3; k++) values[3 * at + k]! += cover * (colour[k]! - values[3 * at + k]!);
    }
}

const span = (centre: number, radius: number, side: number, most: number): [number, number] => [
  Math.max(0, Math.floor((centre - radius) * side)),
  Math.min(most, Math.ceil((centre + radius) * side)),
];

interface Exposure {
  readonly gain: number;
  readonly offset: number;
  readonly grain: number;
}

function pixelsOf(
  { width, height, values }: Canvas,
  random: Random,
  { gain, offset, grain }: Exposure,
): Pixels {
  const data = new Uint8ClampedArray(values.length);
  for (let i = 0; i < values.length; i++) {
    const noise = grain > 0 ? grain * (random.next() - 0.5) : 0;
    // A clamped array rounds and clamps.
    data[i] = 255 * (0.5 + gain * (values[i]! - 0.5) + offset + noise);
  }
  return { data: new Uint8Array(data.buffer), width, height };
}
