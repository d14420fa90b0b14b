/** Augmentation of pictures held as 8-bit levels, before normalisation. What a sample becomes follows from seed, epoch and
 *  its place in the data, so a resumed run draws the same. */
import { z } from 'zod';
import type { Random } from '../../support/random.ts';

export const augmentationSchema = z.strictObject({
  /** Mirror left–right half of the time. */
  flip: z.boolean().default(false),
  /** Shift by up to this many pixels each way; what comes in is black (zero padding, then a random crop). */
  crop: z.number().int().min(0).max(64).default(0),
  /** Largest relative change of brightness, contrast and saturation. */
  colour: z.number().min(0).max(1).default(0),
  /** α of the Beta distribution that pictures are mixed by in pairs (Zhang et al. 2018); 0: none. */
  mixup: z.number().min(0).max(2).default(0),
});

/** "flip,crop=4,mixup=0.2" */
export const readAugmentation = (text: string) =>
  Object.fromEntries(
    text.split(',').map((item) => {
      const [name = '', size] = item.trim().split('=');
      return [name, size === undefined ? true : Number(size)];
    }),
  );

export type Augmentation = z.infer<typeof augmentationSchema>;

export interface PictureLayout {
  readonly layout: 'NCHW' | 'NHWC';
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

export const changesPictures = (a: Augmentation) => a.flip || a.crop > 0 || a.colour > 0 || a.mixup > 0;

/** A changed copy of one picture's levels. */
export function augmentPicture(
  levels: Uint8Array,
  layout: PictureLayout,
  a: Augmentation,
  random: Random,
): Uint8Array {
  const mirrored = a.flip && random.next() < 0.5;
  const [dx, dy] = a.crop > 0 ? [shift(a.crop, random), shift(a.crop, random)] : [0, 0];
  const moved = mirrored || dx !== 0 || dy !== 0 ? move(levels, layout, mirrored, dx, dy) : levels;
  return a.colour > 0 ? recolour(moved, layout, a.colour, random) : moved;
}

const shift = (most: number, random: Random) => random.integer(2 * most + 1) - most;

function move(
  from: Uint8Array,
  { layout, channels, height, width }: PictureLayout,
  mirrored: boolean,
  dx: number,
  dy: number,
): Uint8Array {
  const to = new Uint8Array(from.length);
  const [pixel, row, plane] =
    layout === 'NCHW' ? [1, width, width * height] : [channels, width * channels, 1];
  for (let c = 0; c < channels; c++)
    for (let y = Math.max(0, -dy); y < Math.min(height, height - dy); y++)
      for (let x = Math.max(0, -dx); x < Math.min(width, width - dx); x++) {
        const source = mirrored ? width - 1 - (x + dx) : x + dx;
        to[c * plane + y * row + x * pixel] = from[c * plane + (y + dy) * row + source * pixel] as number;
      }
  return to;
}

/** Brightness and contrast about the picture's mean, saturation about each pixel's grey: v' = b·(m + c·(g + s·(v − g) − m)). */
function recolour(
  from: Uint8Array,
  { layout, channels, height, width }: PictureLayout,
  most: number,
  random: Random,
): Uint8Array {
  const [brightness, contrast, saturation] = [0, 1, 2].map(() => 1 + most * (2 * random.next() - 1)) as [
    number,
    number,
    number,
  ];
  const places = height * width;
  const [pixel, plane] = layout === 'NCHW' ? [1, places] : [channels, 1];
  const mean = from.reduce((sum, v) => sum + v, 0) / from.length;
  const to = new Uint8Array(from.length);
  for (let p = 0; p < places; p++) {
    let grey = 0;
    for (let c = 0; c < channels; c++) grey += from[c * plane + p * pixel] as number;
    grey /= channels;
    for (let c = 0; c < channels; c++) {
      const at = c * plane + p * pixel;
      const v = grey + saturation * ((from[at] as number) - grey);
      to[at] = Math.min(255, Math.max(0, Math.round(brightness * (mean + contrast * (v - mean)))));
    }
  }
  return to;
}

/** A draw from Beta(α, α) by Jöhnk's method, in logarithms: U^(1/α) is zero in floating point when α is small. α ≤ 2 keeps
 *  rejections few. */
export function betaDraw(alpha: number, random: Random): number {
  for (let tries = 0; tries < 1000; tries++) {
    const [x, y] = [Math.log(1 - random.next()) / alpha, Math.log(1 - random.next()) / alpha];
    const most = Math.max(x, y);
    const sum = most + Math.log(Math.exp(x - most) + Math.exp(y - most));
    if (sum <= 0) return Math.exp(x - sum);
  }
  return 0.5;
}
