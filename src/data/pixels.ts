/** From decoded pixels to a model input: geometry (what to resize to, what to cut) and normalisation. Pure,
 *  no decoder. */
import { type Tensor, tensorOf } from '../model/ir/tensor.ts';
import type { Preprocessing } from './preprocess.ts';

/** 8-bit RGB, row by row. */
export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export interface Geometry {
  /** Resize to exactly this first; null: leave the picture as it is. */
  readonly resizeTo: { readonly width: number; readonly height: number } | null;
  /** Then take this box; parts outside the picture are padding. */
  readonly box: {
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly height: number;
  };
}

/** Where a picture of width × height goes under a spec. Sizes follow torchvision: the longer side is
 *  truncated, a centre crop starts at ⌊(size − crop) / 2⌋. A picture that is the crop's size already is
 *  used as it is. */
export function geometry(spec: Preprocessing, width: number, height: number): Geometry {
  const whole = { left: 0, top: 0, width, height };
  if (spec.crop?.width === width && spec.crop.height === height) return { resizeTo: null, box: whole };
  const { size, box } = resized(spec.resize, width, height);
  const resizeTo = size.width === width && size.height === height ? null : size;
  return { resizeTo, box: spec.crop ? centre(box, spec.crop) : box };
}

function resized(resize: Preprocessing['resize'], width: number, height: number) {
  if (resize.mode === 'none') return uncut({ width, height });
  if (resize.mode === 'shorter-side') {
    const side = resize.size;
    const long = (a: number, b: number) => Math.max(1, Math.trunc((side * a) / b));
    return uncut(
      width <= height
        ? { width: side, height: long(height, width) }
        : { width: long(width, height), height: side },
    );
  }
  if (resize.mode === 'exact') return uncut(resize.size);
  const pick = resize.mode === 'contain' ? Math.min : Math.max;
  const factor = pick(resize.size.width / width, resize.size.height / height);
  const size = {
    width: Math.max(1, Math.round(width * factor)),
    height: Math.max(1, Math.round(height * factor)),
  };
  return { size, box: centre({ left: 0, top: 0, ...size }, resize.size) };
}

const uncut = (size: { width: number; height: number }) => ({ size, box: { left: 0, top: 0, ...size } });

const centre = (outer: Geometry['box'], inner: { width: number; height: number }): Geometry['box'] => ({
  left: outer.left + ((outer.width - inner.width) >> 1),
  top: outer.top + ((outer.height - inner.height) >> 1),
  width: inner.width,
  height: inner.height,
});

/** Cuts `box` out of the pixels and turns them into numbers.
 *  @returns [1,C,H,W] or [1,H,W,C] of the spec's dtype; integer types are rounded and clamped */
export function pixelsToTensor(pixels: Pixels, box: Geometry['box'], spec: Preprocessing): Tensor {
  const { width, height } = box;
  const channels = spec.channels === 'L' ? 1 : 3;
  const values = new Float32Array(channels * width * height);
  const planar = spec.layout === 'NCHW';
  for (let c = 0; c < channels; c++) {
    const table = normalisation(spec, c);
    const start = planar ? c * width * height : c;
    const step = planar ? 1 : channels;
    fillChannel({ values, start, step }, levelsOf(pixels, spec, c), box, table, spec.pad);
  }
  const dims = planar ? [1, channels, height, width] : [1, height, width, channels];
  return spec.dtype === 'float32' || spec.dtype.startsWith('float')
    ? tensorOf(spec.dtype, dims, values)
    : tensorOf(spec.dtype, dims, wholeNumbers(values, spec.dtype));
}

/** One channel of a picture: levels 0 … 255, `stride` apart, row by row. */
interface Levels {
  readonly data: Uint8Array;
  readonly offset: number;
  readonly stride: number;
  readonly width: number;
  readonly height: number;
}

/** The loop over all pixels that are fed: nothing in it is called. */
function fillChannel(
  { values, start, step }: { values: Float32Array; start: number; step: number },
  { data, offset, stride, width, height }: Levels,
  box: Geometry['box'],
  table: Float32Array,
  pad: number,
) {
  const [left, right] = [Math.max(0, box.left), Math.min(width, box.left + box.width)];
  if (left > box.left || right < box.left + box.width || box.top < 0 || box.top + box.height > height) {
    const padding = table[pad]!;
    for (let i = 0, at = start; i < box.width * box.height; i++, at += step) values[at] = padding;
  }
  for (let y = Math.max(0, box.top); y < Math.min(height, box.top + box.height); y++) {
    let at = start + ((y - box.top) * box.width + left - box.left) * step;
    let from = (y * width + left) * stride + offset;
    for (let x = left; x < right; x++, at += step, from += stride) values[at] = table[data[from]!]!;
  }
}

/** The numbers for the 256 levels that a pixel may have, computed in double precision. */
function normalisation(spec: Preprocessing, channel: number): Float32Array {
  const mean = spec.mean[channel] ?? spec.mean[0]!;
  const std = spec.std[channel] ?? spec.std[0]!;
  return Float32Array.from({ length: 256 }, (_, level) => (level * spec.scale - mean) / std);
}

function levelsOf({ data, width, height }: Pixels, spec: Preprocessing, channel: number): Levels {
  if (spec.channels === 'L') return { data: lumaOf(data), offset: 0, stride: 1, width, height };
  return { data, offset: spec.channels === 'BGR' ? 2 - channel : channel, stride: 3, width, height };
}

/** ITU-R 601 luma in 16-bit fixed point, the integers that PIL's "L" uses; grey pixels keep their level exactly. */
function lumaOf(data: Uint8Array): Uint8Array {
  const luma = new Uint8Array(data.length / 3);
  for (let i = 0, o = 0; i < luma.length; i++, o += 3)
    luma[i] = (data[o]! * 19595 + data[o + 1]! * 38470 + data[o + 2]! * 7471 + 32768) >> 16;
  return luma;
}

const limits = { uint8: [0, 255], int8: [-128, 127], int32: [-2147483648, 2147483647] } as const;

function wholeNumbers(values: Float32Array, dtype: Preprocessing['dtype']): number[] {
  const [min, max] =
    dtype in limits ? limits[dtype as keyof typeof limits] : ([-(2 ** 53), 2 ** 53] as const);
  return Array.from(values, (v) => Math.min(max, Math.max(min, Math.round(v))));
}
