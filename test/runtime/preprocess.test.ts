import fc from 'fast-check';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { geometry as ours, pixelsToTensor } from '../../src/data/pixels.ts';
import { type Preprocessing, preprocessingSchema } from '../../src/data/preprocess.ts';
import { numbers } from '../../src/model/ir/tensor.ts';
import { geometry, preprocess, readPreprocessing } from '../../src/runtime/preprocess.ts';
import { type Kernel, resample } from '../../src/runtime/resample.ts';

const side = fc.integer({ min: 1, max: 40 });
const box = fc.record({ width: side, height: side });
const resize = fc.oneof(
  fc.constant({ mode: 'none' as const }),
  fc.record({ mode: fc.constant('shorter-side' as const), size: side }),
  fc.record({ mode: fc.constantFrom('exact' as const, 'contain' as const, 'cover' as const), size: box }),
);
const spec: fc.Arbitrary<Preprocessing> = fc
  .record({
    resize,
    crop: fc.option(box),
    pad: fc.integer({ min: 0, max: 255 }),
    channels: fc.constantFrom('RGB', 'BGR', 'L'),
    layout: fc.constantFrom('NCHW', 'NHWC'),
    dtype: fc.constantFrom('float32', 'uint8', 'int8'),
    scale: fc.constantFrom(1, 1 / 255),
    mean: fc.constant([3]),
  })
  .map((s) => preprocessingSchema.parse(s));

/** Smooth shapes with noise on top. */
function picture(width: number, height: number) {
  const rgba = new Uint8ClampedArray(width * height * 4);
  let state = 1;
  for (let i = 0; i < rgba.length; i++) {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    const [x, y, c] = [(i >> 2) % width, Math.floor((i >> 2) / width), i & 3];
    rgba[i] =
      c === 3 ? 255 : 127 + 90 * Math.sin(x / 9 + c) * Math.cos(y / 7) + (state / 2 ** 31 - 0.5) * 100;
  }
  const rgb = Uint8Array.from(
    { length: width * height * 3 },
    (_, i) => rgba[Math.floor(i / 3) * 4 + (i % 3)]!,
  );
  return { rgba: { data: rgba, width, height }, rgb: { data: rgb, width, height } };
}

describe("the runtime's preprocessing", () => {
  it('cuts what the CLI cuts', () => {
    fc.assert(
      fc.property(spec, side, side, (s, width, height) => {
        expect(geometry(s, width, height)).toEqual(ours(s, width, height));
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  it('computes the numbers of the CLI where nothing is resized', () => {
    const s = fc.tuple(spec, side, side);
    fc.assert(
      fc.property(s, ([any, width, height]) => {
        const fixed: Preprocessing = { ...any, resize: { mode: 'none' } };
        const { rgb, rgba } = picture(width, height);
        const expected = pixelsToTensor(rgb, ours(fixed, width, height).box, fixed);
        const { data, dims } = preprocess(rgba, fixed);
        expect(dims).toEqual(expected.dims);
        expect([...data]).toEqual(numbers(expected));
      }),
      { seed: 2, numRuns: 100 },
    );
  });

  it('resizes as sharp does: within two levels; four when enlarging with cubic', async () => {
    const sizes = [
      [500, 375, 224, 224],
      [500, 375, 32, 32],
      [64, 48, 224, 224],
      [37, 53, 90, 30],
      [1000, 700, 90, 30],
      [64, 48, 64, 100],
    ] as const;
    for (const [width, height, w, h] of sizes)
      for (const kernel of ['linear', 'cubic', 'lanczos3'] as const)
        expect(
          await distance(width, height, w, h, kernel),
          `${width}×${height} to ${w}×${h} ${kernel}`,
        ).toEqual({
          within: true,
          mean: expect.toSatisfy((m: number) => m < 0.5),
        });
    expect(await distance(500, 375, 200, 150, 'nearest')).toEqual({ within: true, mean: 0 });
  });

  it('computes only what the crop shows, to the same numbers', () => {
    const { rgba } = picture(100, 80);
    const size = { width: 50, height: 40 };
    const whole = resample(rgba, size, 'linear', { left: 0, top: 0, ...size });
    const part = resample(rgba, size, 'linear', { left: 10, top: 5, width: 20, height: 30 });
    for (const [x, y] of [
      [0, 0],
      [19, 29],
      [7, 11],
    ] as const)
      for (let c = 0; c < 3; c++)
        expect(part.data[(y * 20 + x) * 4 + c]).toBe(whole.data[((y + 5) * 50 + x + 10) * 4 + c]);
  });

  it('refuses a preprocessing that it does not know', () => {
    expect(readPreprocessing({ name: 'x', orientation: 'exif' })).toMatchObject({ layout: 'NCHW', pad: 0 });
    for (const bad of [{ layout: 'CHWN' }, { channels: 'YUV' }, { resize: { mode: 'fill' } }])
      expect(() => readPreprocessing(bad)).toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID' }));
  });
});

/** Against sharp, in levels of 255. The rim is apart: enlarging with cubic, libvips treats it its own way. */
async function distance(width: number, height: number, w: number, h: number, kernel: Kernel) {
  const { rgb, rgba } = picture(width, height);
  const raw = { width, height, channels: 3 as const };
  const reference = await sharp(rgb.data, { raw })
    .resize({ width: w, height: h, fit: 'fill', kernel, fastShrinkOnLoad: false })
    .raw()
    .toBuffer();
  const { data } = resample(rgba, { width: w, height: h }, kernel, { left: 0, top: 0, width: w, height: h });
  const rim = { x: Math.ceil((3 * w) / width), y: Math.ceil((3 * h) / height) };
  // libvips places enlarged pixels on a grid of 1/32 of a source pixel, which shows most with the steepest kernel.
  const bound = kernel !== 'linear' && (w > width || h > height) ? 4 : 2;
  let sum = 0;
  let within = true;
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++)
      for (let c = 0; c < 3; c++) {
        const off = Math.abs(data[(y * w + x) * 4 + c]! - reference[(y * w + x) * 3 + c]!);
        sum += off;
        const inner = x >= rim.x && y >= rim.y && x < w - rim.x && y < h - rim.y;
        if (inner && off > bound) console.log(width, w, height, h, kernel, x, y, off);
        if (inner && off > bound) within = false;
      }
  return { within, mean: sum / (w * h * 3) };
}
