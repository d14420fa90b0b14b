import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { openData } from '../../../src/data/open.ts';
import { openMeter } from '../../../src/judge/task/measures-of.ts';
import type { Role } from '../../../src/judge/task/task.ts';
import type { Port } from '../../../src/model/ir/port.ts';
import { type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import type { TaskName } from '../../../src/support/task.ts';

const floats = (dims: readonly number[], values: ArrayLike<number>) => tensorOf('float32', dims, values);
const image: Port = { name: 'image', dtype: 'float32', shape: [1, 3, 100, 100] };

/** What a meter says of one sample. */
function difference(name: TaskName, role: Role, before: Tensor, after: Tensor) {
  const outputs = [{ name: 'y', role }];
  const task = { name, by: 'outputs' as const, evidence: '', outputs };
  const meter = openMeter({ task, inputs: [image], outputs: [] })!;
  const zeros = floats([1, 3, 100, 100], new Float32Array(30_000));
  return meter.add({ y: before }, { y: after }, { inputs: { image: zeros } });
}

/** RGBA at a place of a picture that is 100 wide. */
const at = (data: Uint8Array, x: number, y: number) => [
  ...data.slice(4 * (100 * y + x), 4 * (100 * y + x) + 4),
];
const [original, result, clear] = [
  [255, 160, 0, 255],
  [0, 180, 255, 255],
  [0, 0, 0, 0],
];

/** Rows of x, y, x, y, score, class. */
const rows = (...boxes: number[][]) => floats([1, boxes.length, 6], boxes.flat());
const [first, second] = [
  [10, 20, 40, 60, 0.9, 0],
  [60, 20, 90, 80, 0.8, 0],
];

describe('boxes on the picture', () => {
  it('are those of both models: thick where one has it alone', () => {
    const weak = [...second.slice(0, 4), 0.1, 0];
    const { drawing, ...words } = difference(
      'detection',
      'detections',
      rows(first, second),
      rows(first, weak),
    )!;
    expect(words).toEqual({ before: '2 boxes', after: '1 box, 1 where they were' });
    const data = drawing!.paint(100, 100);
    // Both have the first: a line of the original, the result's inside it.
    expect([10, 11, 12].map((x) => at(data, x, 40))).toEqual([original, result, clear]);
    expect([60, 61, 62].map((x) => at(data, x, 40))).toEqual([original, original, clear]);
    expect(at(data, 25, 20)).toEqual(original);
    expect(at(data, 25, 40)).toEqual(clear);
  });

  it('lie where they are in a picture of another size, and may end outside of it', () => {
    const wide = [-50, 20, 40, 60, 0.9, 0];
    const { drawing } = difference('detection', 'detections', rows(wide, second), rows(wide, first))!;
    const data = drawing!.paint(100, 50);
    expect(at(data, 25, 10)).toEqual(original);
    expect(data).toHaveLength(4 * 100 * 50);
  });

  it('in shares of the picture are told from pixels', () => {
    const shares = (box: number[]) => [...box.slice(0, 4).map((v) => v / 100), ...box.slice(4)];
    const none = [...shares(second).slice(0, 4), 0.1, 0];
    const { drawing } = difference(
      'detection',
      'detections',
      rows(shares(first), shares(second)),
      rows(shares(first), none),
    )!;
    expect(at(drawing!.paint(100, 100), 61, 40)).toEqual(original);
  });

  it('are drawn only where the models differ', () => {
    expect(difference('detection', 'detections', rows(first, second), rows(first, second))).toBeNull();
  });
});

describe('masks on the picture', () => {
  const mask = (...values: number[]) => floats([1, 1, 2, 2], values);

  it('show what one model has alone, and what both have', () => {
    const { drawing, ...words } = difference('segmentation', 'mask', mask(1, 1, 0, 0), mask(1, 0, 1, 0))!;
    expect(words).toEqual({
      before: '50.0 % of the picture',
      after: '50.0 % of the picture, 50.0 % of places as they were',
    });
    const data = drawing!.paint(100, 100);
    const colours = [at(data, 75, 25), at(data, 25, 75)].map((rgba) => rgba.slice(0, 3));
    expect(colours).toEqual([original.slice(0, 3), result.slice(0, 3)]);
    expect(at(data, 25, 25).slice(0, 3)).toEqual([255, 255, 255]);
    expect(at(data, 75, 75)).toEqual(clear);
  });

  it('are not drawn where nearly all is as it was', () => {
    expect(difference('segmentation', 'mask', mask(1, 1, 0, 0), mask(1, 1, 0, 0))).toBeNull();
  });
});

describe('the picture under a drawing', () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-drawing-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('is what the model sees: resized and cut, and small', async () => {
    // Red at the left, green in the middle, blue at the right; a square is cut from the middle.
    const colours = [0, 1, 2].map((c) => [0, 1, 2].map((i) => (i === c ? 255 : 0)));
    const data = Uint8Array.from({ length: 600 * 200 * 3 }, (_, i) => {
      return colours[Math.floor((Math.floor(i / 3) % 600) / 200)]![i % 3]!;
    });
    await sharp(data, { raw: { width: 600, height: 200, channels: 3 } }).toFile(join(folder, 'a.png'));
    const source = await openData(folder, [{ name: 'x', dtype: 'float32', shape: [1, 3, 224, 224] }], {
      seed: 1,
    });
    const paint = (width: number, height: number) => {
      const overlay = new Uint8Array(4 * width * height);
      for (let i = 0; i < 4 * width * 20; i += 4) overlay.set([255, 255, 255, 255], i);
      return overlay;
    };
    const url = (await source.picture!(0, { kind: 'boxes', paint }))!;
    expect(url).toMatch(/^data:image\/jpeg;base64,/);
    expect(url.length).toBeLessThan(40_000);
    const picture = sharp(Buffer.from(url.slice(url.indexOf(',') + 1), 'base64'));
    const { data: pixels, info } = await picture.raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([224, 224]);
    const pixel = (x: number, y: number) => [...pixels.subarray(3 * (224 * y + x), 3 * (224 * y + x) + 3)];
    // Of JPEG's rounding.
    expect(pixel(112, 120).map((v) => Math.round(v / 16))).toEqual([0, 16, 0]);
    expect(pixel(112, 8).map((v) => Math.round(v / 16))).toEqual([16, 16, 16]);
  });
});
