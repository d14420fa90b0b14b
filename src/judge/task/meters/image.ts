/** How alike pictures are that both models make: noise in decibels of the range (PSNR), and structure (SSIM). */
import { pictureInput } from '../../../data/picture-input.ts';
import { float32Values, type Tensor } from '../../../model/ir/tensor.ts';
import { measured } from '../measure.ts';
import type { OpenMeter } from '../meter.ts';
import { outputsAs } from '../task.ts';
import { ssim } from './ssim.ts';

export const imageMeter: OpenMeter = ({ task, inputs }) => {
  const name = outputsAs(task, 'image')[0]!;
  const isLast = inputs.some((port) => pictureInput(port)?.layout === 'NHWC');
  let range: number | null = null;
  let [count, noise, structure, structured] = [0, 0, 0, 0];
  return {
    add(x, y) {
      const [a, b] = [float32Values(x[name]!), float32Values(y[name]!)];
      range ??= rangeOf(a);
      let squares = 0;
      for (let i = 0; i < a.length; i++) squares += (a[i]! - b[i]!) ** 2;
      noise += squares / a.length;
      count++;
      const planes = planesOf(x[name]!, isLast);
      const likeness = planes && meanSsim(a, b, planes, range);
      if (likeness === null) return null;
      structure += likeness;
      structured++;
      return null;
    },
    result: () => {
      if (count === 0 || range === null) return [];
      const error = noise / count;
      return [
        measured('psnr', error > 0 ? 10 * Math.log10((range * range) / error) : null),
        measured('ssim', structured > 0 ? structure / structured : null),
      ];
    },
  };
};

/** What pictures are kept in: 0…1, −1…1 or 0…255, whichever the values fit; else as far as they go. */
function rangeOf(values: ArrayLike<number>): number {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < values.length; i++) {
    low = Math.min(low, values[i]!);
    high = Math.max(high, values[i]!);
  }
  if (low >= -0.2 && high <= 1.2) return 1;
  if (low >= -1.2 && high <= 1.2) return 2;
  if (low >= -30 && high > 2 && high <= 285) return 255;
  return high - low || 1;
}

export interface Planes {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  /** Whether channels lie side by side. */
  readonly isLast: boolean;
}

function planesOf({ dims }: Tensor, isLast: boolean): Planes | null {
  if (dims.length < 3) return null;
  const [a, b, c] = dims.slice(-3) as [number, number, number];
  return isLast ? { height: a, width: b, channels: c, isLast } : { channels: a, height: b, width: c, isLast };
}

function meanSsim(a: Float32Array, b: Float32Array, planes: Planes, range: number): number | null {
  const { channels, height, width, isLast } = planes;
  const size = height * width;
  const plane = (values: Float32Array, channel: number) =>
    isLast
      ? Float32Array.from({ length: size }, (_, i) => values[i * channels + channel]!)
      : values.subarray(channel * size, (channel + 1) * size);
  let sum = 0;
  for (let channel = 0; channel < channels; channel++) {
    const value = ssim(plane(a, channel), plane(b, channel), { height, width, range });
    if (value === null) return null;
    sum += value;
  }
  return sum / channels;
}
