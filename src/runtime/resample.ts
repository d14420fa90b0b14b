/** Resizes pixels as libvips (sharp) does, so that a page sees the picture that calibration and evaluation saw.
 *  Canvas scaling differs from browser to browser, and by several levels from what models were trained with.
 *  Separable: each output pixel is a weighted sum of a run of source pixels along each axis. */

export type Kernel = 'nearest' | 'linear' | 'cubic' | 'lanczos3';

/** 8-bit RGBA, row by row. */
export interface Rgba {
  readonly data: Uint8ClampedArray | Uint8Array;
  readonly width: number;
  readonly height: number;
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Source pixels from `start[i]` on, `taps` of them, that make output pixel i. */
interface Axis {
  readonly start: Int32Array;
  readonly weights: Float32Array;
  readonly taps: number;
}

const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x));

const kernels: Readonly<Record<Exclude<Kernel, 'nearest'>, { radius: number; at(x: number): number }>> = {
  linear: { radius: 1, at: (x) => Math.max(0, 1 - Math.abs(x)) },
  /** Catmull-Rom. */
  cubic: {
    radius: 2,
    at(x) {
      const a = Math.abs(x);
      if (a <= 1) return 1.5 * a ** 3 - 2.5 * a ** 2 + 1;
      return a < 2 ? -0.5 * a ** 3 + 2.5 * a ** 2 - 4 * a + 2 : 0;
    },
  },
  lanczos3: { radius: 3, at: (x) => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
};

type Mix = readonly (readonly [offset: number, weight: number])[];
const onPixel: Mix = [[0, 1]];
/** Interpolation half way between two pixels. */
const linearHalf: Mix = [
  [-1, 0.5],
  [0, 0.5],
];
const cubicHalf: Mix = [
  [-2, -0.0625],
  [-1, 0.5625],
  [0, 0.5625],
  [1, -0.0625],
];

/** Weights for output pixels from..from + count of an axis that goes from `size` to `target` pixels. Three habits
 *  of libvips: shrinking by 4 or more first averages whole blocks, then applies the kernel to the rest;
 *  enlarging with lanczos3 is cubic; and enlarging starts half a source pixel early, which moves the other axis by
 *  half an output pixel too.
 *  @param dragged  the other axis is enlarged and this one isn't */
function axis(
  size: number,
  target: number,
  kernel: Kernel,
  dragged: boolean,
  from: number,
  count: number,
): Axis {
  const factor = size / target;
  const block = Math.max(1, Math.floor(factor / 2));
  const scale = factor / block;
  if (kernel === 'nearest' || (size === target && !dragged)) {
    const cut = (size / block) % 1;
    const near = (i: number) =>
      factor <= 1 ? Math.floor(i * factor) : Math.floor((i + 0.5) * scale - cut / 2) * block;
    const start = Int32Array.from({ length: count }, (_, i) => Math.min(size - 1, near(from + i)));
    return { start, weights: new Float32Array(count).fill(1), taps: 1 };
  }
  const { radius, at } = kernels[kernel === 'lanczos3' && factor < 1 ? 'cubic' : kernel];
  const width = Math.max(1, scale);
  const points = 2 * Math.ceil(radius * width) + 1;
  const mix = !dragged ? onPixel : kernel === 'linear' ? linearHalf : cubicHalf;
  const taps = Math.min(size, points * block + Math.ceil((mix.length - 1) * factor));
  const start = new Int32Array(count);
  const weights = new Float32Array(count * taps);
  const last = Math.ceil(size / block) - 1;
  for (let i = 0; i < count; i++)
    for (const [m, [shift, share]] of mix.entries()) {
      const o = Math.max(0, Math.min(target - 1, from + i + shift));
      const centre = (o + (factor < 1 ? 0 : 0.5)) * scale - 0.5;
      const first = Math.ceil(centre - radius * width);
      if (m === 0) start[i] = Math.max(0, Math.min(first * block, size - taps));
      let sum = 0;
      for (let p = 0; p < points; p++) sum += at((first + p - centre) / width);
      for (let p = 0; p < points; p++) {
        const weight = (share * at((first + p - centre) / width)) / sum / block;
        const box = Math.max(0, Math.min(last, first + p)) * block;
        // Edges repeat, which adds up on the outermost pixel.
        if (weight !== 0)
          for (let b = 0; b < block; b++)
            weights[i * taps + Math.min(size - 1, box + b) - start[i]!]! += weight;
      }
    }
  return { start, weights, taps };
}

/** The part `window` of the picture resized to width × height; RGBA again, alpha along.
 *  @param window  inside the resized picture */
export function resample(
  source: Rgba,
  size: { readonly width: number; readonly height: number },
  kernel: Kernel,
  window: Box,
): Rgba {
  const wider = size.width > source.width;
  const taller = size.height > source.height;
  const rows = axis(source.height, size.height, kernel, wider && !taller, window.top, window.height);
  const columns = axis(source.width, size.width, kernel, taller && !wider, window.left, window.width);
  const between = resizeRows(source, rows, window.height, wider || taller);
  const data = new Uint8ClampedArray(window.width * window.height * 4);
  const { start, weights, taps } = columns;
  for (let y = 0, out = 0; y < window.height; y++)
    for (let x = 0; x < window.width; x++, out += 4) {
      let at = (y * source.width + start[x]!) * 4;
      let r = 0;
      let g = 0;
      let b = 0;
      for (let t = x * taps; t < (x + 1) * taps; t++, at += 4) {
        const weight = weights[t]!;
        r += weight * between[at]!;
        g += weight * between[at + 1]!;
        b += weight * between[at + 2]!;
      }
      data[out] = r;
      data[out + 1] = g;
      data[out + 2] = b;
      data[out + 3] = 255;
    }
  return { data, width: window.width, height: window.height };
}

/** @param exact  libvips shrinks one axis after the other, rounding between; it enlarges both at once */
function resizeRows(
  { data, width }: Rgba,
  { start, weights, taps }: Axis,
  height: number,
  exact: boolean,
): Float32Array | Uint8ClampedArray {
  const out = new (exact ? Float32Array : Uint8ClampedArray)(width * height * 4);
  const sums = new Float32Array(width * 4);
  for (let y = 0; y < height; y++) {
    sums.fill(0);
    for (let t = 0; t < taps; t++) {
      const weight = weights[y * taps + t]!;
      if (weight === 0) continue;
      const row = (start[y]! + t) * width * 4;
      for (let i = 0; i < sums.length; i++) sums[i]! += weight * data[row + i]!;
    }
    out.set(sums, y * width * 4);
  }
  return out;
}
