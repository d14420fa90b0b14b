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
    fillChannel(values, start, step, pixels, box, reader(spec, c, pixels.data), table, spec.pad);
  }
  const dims = planar ? [1, channels, height, width] : [1, height, width, channels];
  return spec.dtype === 'float32' || spec.dtype.startsWith('float')
    ? tensorOf(spec.dtype, dims, values)
    : tensorOf(spec.dtype, dims, wholeNumbers(values, spec.dtype));
}

function fillChannel(
  out: Float32Array,
  start: number,
  step: number,
  pixels: Pixels,
  box: Geometry['box'],
  read: (offset: number) => number,
  table: (level: number) => number,
  pad: number,
) {
  const padding = table(pad);
  let at = start;
  for (let y = box.top; y < box.top + box.height; y++) {
    const inside = y >= 0 && y < pixels.height;
    const row = y * pixels.width;
    for (let x = box.left; x < box.left + box.width; x++, at += step)
      out[at] = inside && x >= 0 && x < pixels.width ? table(read((row + x) * 3)) : padding;
  }
}

/** The number for a pixel level; the 256 possible ones are computed once, in double precision. */
function normalisation(spec: Preprocessing, channel: number) {
  const mean = spec.mean[channel] ?? spec.mean[0]!;
  const std = spec.std[channel] ?? spec.std[0]!;
  const table = Float32Array.from({ length: 256 }, (_, level) => (level * spec.scale - mean) / std);
  return (level: number) => table[level]!;
}

function reader(spec: Preprocessing, channel: number, data: Uint8Array): (offset: number) => number {
  // ITU-R 601 luma in 16-bit fixed point, the integers that PIL's "L" uses; grey pixels keep their level
  // exactly.
  if (spec.channels === 'L')
    return (o) => (data[o]! * 19595 + data[o + 1]! * 38470 + data[o + 2]! * 7471 + 32768) >> 16;
  const offset = spec.channels === 'BGR' ? 2 - channel : channel;
  return (o) => data[o + offset]!;
}

const limits = { uint8: [0, 255], int8: [-128, 127], int32: [-2147483648, 2147483647] } as const;

function wholeNumbers(values: Float32Array, dtype: Preprocessing['dtype']): number[] {
  const [min, max] =
    dtype in limits ? limits[dtype as keyof typeof limits] : ([-(2 ** 53), 2 ** 53] as const);
  return Array.from(values, (v) => Math.min(max, Math.max(min, Math.round(v))));
}
