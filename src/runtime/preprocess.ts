/** From pixels to the model's image input, by the manifest's preprocessing: the same geometry and the same
 *  numbers as the CLI's (src/data/pixels.ts). Equal where nothing is resized. Resized pixels differ from
 *  sharp's by at most 2 of 255 levels, 4 when enlarging with cubic, and by less than 0.5 on average. */
import type { Preprocessing } from '../data/preprocess.ts';
import { EdgepressError } from './errors.ts';
import { type Box, type Rgba, resample } from './resample.ts';

export type { Preprocessing };

export interface Geometry {
  /** null: leave the picture as it is. */
  readonly resizeTo: { readonly width: number; readonly height: number } | null;
  /** What to cut out then; parts outside the picture are padding. */
  readonly box: Box;
}

/** The preprocessing of a manifest, which may carry notes as well.
 *  @throws MANIFEST_INVALID for what this runtime doesn't know, rather than feeding the model something else */
export function readPreprocessing(spec: Readonly<Record<string, unknown>>): Preprocessing {
  const known = { resize: { mode: 'none' }, crop: null, pad: 0, scale: 1, mean: [0], std: [1] };
  const s = { ...known, layout: 'NCHW', channels: 'RGB', dtype: 'float32', ...spec } as Preprocessing;
  const modes = ['none', 'shorter-side', 'exact', 'contain', 'cover'];
  const bad =
    (!modes.includes(s.resize.mode) && `resize mode "${s.resize.mode}"`) ||
    (!['NCHW', 'NHWC'].includes(s.layout) && `layout "${s.layout}"`) ||
    (!['RGB', 'BGR', 'L'].includes(s.channels) && `channels "${s.channels}"`);
  if (bad) throw new EdgepressError('MANIFEST_INVALID', `This runtime knows no preprocessing with ${bad}.`);
  return s;
}

/** Sizes follow torchvision: the longer side is truncated, a centre crop starts at ⌊(size − crop) / 2⌋. A picture
 *  that is the crop's size already is used as it is. */
export function geometry(spec: Preprocessing, width: number, height: number): Geometry {
  const { resize, crop } = spec;
  if (crop?.width === width && crop.height === height)
    return { resizeTo: null, box: { left: 0, top: 0, width, height } };
  let size = { width, height };
  if (resize.mode === 'shorter-side') {
    const long = (a: number, b: number) => Math.max(1, Math.trunc((resize.size * a) / b));
    size =
      width <= height
        ? { width: resize.size, height: long(height, width) }
        : { width: long(width, height), height: resize.size };
  } else if (resize.mode === 'exact') size = resize.size;
  let box: Box = { left: 0, top: 0, ...size };
  if (resize.mode === 'contain' || resize.mode === 'cover') {
    const pick = resize.mode === 'contain' ? Math.min : Math.max;
    const factor = pick(resize.size.width / width, resize.size.height / height);
    const side = (n: number) => Math.max(1, Math.round(n * factor));
    size = { width: side(width), height: side(height) };
    box = centre({ left: 0, top: 0, ...size }, resize.size);
  }
  const same = size.width === width && size.height === height;
  return { resizeTo: same ? null : size, box: crop ? centre(box, crop) : box };
}

const centre = (outer: Box, { width, height }: { width: number; height: number }): Box => ({
  left: outer.left + ((outer.width - width) >> 1),
  top: outer.top + ((outer.height - height) >> 1),
  width,
  height,
});

/** Values before the tensor's type: integers are rounded and clamped for integer types.
 *  @returns dims [1,C,H,W] or [1,H,W,C] */
export function preprocess(picture: Rgba, spec: Preprocessing): { data: Float32Array; dims: number[] } {
  const { resizeTo, box } = geometry(spec, picture.width, picture.height);
  const size = resizeTo ?? picture;
  // Of a resized picture only what the box shows is computed.
  const left = Math.max(0, box.left);
  const top = Math.max(0, box.top);
  const seen = {
    left,
    top,
    width: Math.min(size.width, box.left + box.width) - left,
    height: Math.min(size.height, box.top + box.height) - top,
  };
  const kernel = spec.resize.mode === 'none' ? 'linear' : (spec.resize.kernel ?? 'linear');
  const pixels = resizeTo ? resample(picture, resizeTo, kernel, seen) : picture;
  const [x0, y0] = resizeTo ? [box.left - left, box.top - top] : [box.left, box.top];
  return toValues(pixels, { ...box, left: x0, top: y0 }, spec);
}

function toValues({ data, width, height }: Rgba, box: Box, spec: Preprocessing) {
  const channels = spec.channels === 'L' ? 1 : 3;
  const planar = spec.layout === 'NCHW';
  const area = box.width * box.height;
  const values = new Float32Array(channels * area);
  for (let c = 0; c < channels; c++) {
    const table = levels(spec, c);
    const offset = spec.channels === 'BGR' ? 2 - c : c;
    const step = planar ? 1 : channels;
    let at = planar ? c * area : c;
    for (let y = box.top; y < box.top + box.height; y++)
      for (let x = box.left; x < box.left + box.width; x++, at += step) {
        let level = spec.pad ?? 0;
        if (x >= 0 && y >= 0 && x < width && y < height) {
          const o = (y * width + x) * 4;
          // ITU-R 601 luma in 16-bit fixed point, PIL's integers.
          level =
            channels === 1
              ? (data[o]! * 19595 + data[o + 1]! * 38470 + data[o + 2]! * 7471 + 32768) >> 16
              : data[o + offset]!;
        }
        values[at] = table[level]!;
      }
  }
  const { width: w, height: h } = box;
  return { data: values, dims: planar ? [1, channels, h, w] : [1, h, w, channels] };
}

/** The number for each of the 256 pixel levels, in double precision. */
function levels({ mean, std, scale, dtype }: Preprocessing, channel: number): Float32Array {
  const m = mean[channel] ?? mean[0]!;
  const s = std[channel] ?? std[0]!;
  const table = Float32Array.from({ length: 256 }, (_, level) => (level * scale - m) / s);
  if (dtype.startsWith('float')) return table;
  const [min, max] =
    dtype === 'uint8' ? [0, 255] : dtype === 'int8' ? [-128, 127] : [-(2 ** 31), 2 ** 31 - 1];
  return table.map((v) => Math.min(max!, Math.max(min!, Math.round(v))));
}
