import { mkdirSync, mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodePicture } from '../../src/data/decode-picture.ts';
import { openData } from '../../src/data/open.ts';
import { describeData, leftOutOf, prepareData } from '../../src/data/prepare-data.ts';
import { type Preprocessing, preprocessingSchema } from '../../src/data/preprocess.ts';
import { readAll } from '../../src/data/read-all.ts';

const asStored: Preprocessing = preprocessingSchema.parse({ layout: 'NHWC', dtype: 'uint8' });
const bytesOf = async (data: Uint8Array, spec: object = {}) =>
  Array.from((await decodePicture({ data }, { ...asStored, ...spec })).bytes());

const flat = (width: number, height: number, rgb: readonly number[]) =>
  sharp(
    Uint8Array.from({ length: width * height * 3 }, (_, i) => rgb[i % 3]!),
    {
      raw: { width, height, channels: 3 },
    },
  );

describe('decoding', () => {
  it('turns a picture as its EXIF orientation says', async () => {
    // Left pixel red, right pixel blue; orientation 6: to be turned a quarter clockwise, red comes on top.
    const wide = sharp(Uint8Array.of(255, 0, 0, 0, 0, 255), { raw: { width: 2, height: 1, channels: 3 } });
    const data = await wide.withMetadata({ orientation: 6 }).png().toBuffer();
    const tensor = await decodePicture({ data }, asStored);
    expect(tensor.dims).toEqual([1, 2, 1, 3]);
    expect(Array.from(tensor.bytes())).toEqual([255, 0, 0, 0, 0, 255]);
  });

  it('drops alpha and keeps the colour under it, resized or not', async () => {
    const raw = { width: 2, height: 2, channels: 4 } as const;
    const clear = Uint8Array.from({ length: 16 }, (_, i) => [10, 20, 30, 0][i % 4]!);
    const data = await sharp(clear, { raw }).png().toBuffer();
    expect(await bytesOf(data)).toEqual([10, 20, 30, 10, 20, 30, 10, 20, 30, 10, 20, 30]);
    const one = { mode: 'exact', size: { width: 1, height: 1 }, kernel: 'linear' };
    expect(await bytesOf(data, { resize: one })).toEqual([10, 20, 30]);
  });

  it('makes three equal channels of grey, and 8 bits of 16', async () => {
    const grey = sharp(Uint8Array.of(7, 200), { raw: { width: 2, height: 1, channels: 1 } });
    expect(await bytesOf(await grey.toColourspace('b-w').png().toBuffer())).toEqual([7, 7, 7, 200, 200, 200]);
    const deep = await flat(1, 1, [0, 128, 255]).toColourspace('rgb16').png().toBuffer();
    expect((await sharp(deep).metadata()).depth).toBe('ushort');
    expect(await bytesOf(deep)).toEqual([0, 128, 255]);
  });

  it('turns CMYK into sRGB', async () => {
    const data = await flat(8, 8, [200, 40, 40]).toColourspace('cmyk').jpeg({ quality: 100 }).toBuffer();
    expect((await sharp(data).metadata()).space).toBe('cmyk');
    const [r, g, b] = await bytesOf(data);
    // Through a press profile and back colours move; red stays far from green and blue.
    expect(r! - g!).toBeGreaterThan(100);
    expect(r! - b!).toBeGreaterThan(100);
  });

  it('takes the first frame of an animation', async () => {
    const frames = await sharp(
      [await flat(4, 4, [255, 255, 255]).png().toBuffer(), await flat(4, 4, [0, 0, 0]).png().toBuffer()],
      { join: { animated: true } },
    )
      .gif()
      .toBuffer();
    expect((await bytesOf(frames)).slice(0, 3)).toEqual([255, 255, 255]);
  });

  // Expected: PIL 13.0, Image.resize((4, 3), BILINEAR | BICUBIC). Both antialias; libvips halves with a box
  // first, which moves these pixels by up to 3 of 255.
  it.each([
    [
      'linear',
      [
        30, 38, 231, 88, 38, 202, 152, 38, 170, 210, 38, 141, 30, 110, 213, 88, 110, 184, 152, 110, 152, 210,
        110,
      ],
    ],
    [
      'cubic',
      [
        25, 32, 234, 87, 32, 204, 153, 32, 170, 215, 32, 140, 25, 110, 215, 87, 110, 185, 153, 110, 151, 215,
        110,
      ],
    ],
  ])('shrinks like PIL (%s)', async (kernel, expected) => {
    const data = Uint8Array.from({ length: 12 * 16 * 3 }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % 16, Math.floor(i / 48)];
      return [x * 16, y * 20, 255 - x * 8 - y * 5][i % 3]!;
    });
    const png = await sharp(data, { raw: { width: 16, height: 12, channels: 3 } })
      .png()
      .toBuffer();
    const got = await bytesOf(png, { resize: { mode: 'exact', size: { width: 4, height: 3 }, kernel } });
    const worst = Math.max(...expected.map((value, i) => Math.abs(value - got[i]!)));
    expect(worst).toBeLessThanOrEqual(3);
  });
});

describe('folders of pictures', () => {
  const root = mkdtempSync(join(tmpdir(), 'edgepress-images-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const port = { name: 'image', dtype: 'float32', shape: ['N', 3, 8, 8] } as const;
  const at = (...parts: string[]) => join(root, ...parts);

  beforeAll(async () => {
    for (const [k, kind] of ['cat', 'dog'].entries()) {
      mkdirSync(at('classes', kind), { recursive: true });
      for (let i = 0; i < 6; i++)
        writeFileSync(
          at('classes', kind, `${i}.png`),
          await flat(8, 8, [i * 40, k * 255, 0])
            .png()
            .toBuffer(),
        );
    }
    mkdirSync(at('bad'));
    for (let i = 0; i < 3; i++)
      writeFileSync(at('bad', `good${i}.jpg`), await flat(64, 64, [i, 90, 200]).jpeg().toBuffer());
    writeFileSync(at('bad', 'cut.jpg'), await flat(64, 64, [1, 2, 3]).jpeg().toBuffer());
    truncateSync(at('bad', 'cut.jpg'), statSync(at('bad', 'cut.jpg')).size - 20);
    writeFileSync(at('bad', 'text.png'), 'not a picture');
    writeFileSync(at('bad', 'empty.webp'), '');
    writeFileSync(at('bad', 'notes.txt'), 'passed over');
  });

  it('labels by class folder, in sorted order', async () => {
    const source = await openData(at('classes'), [port], { seed: 1 });
    expect(source).toMatchObject({ kind: 'images', length: 12, labelled: true, classes: ['cat', 'dog'] });
    const sample = await source.read(6);
    expect(sample).toMatchObject({ id: 'dog/0.png', label: 1 });
    expect(sample.inputs.image!.dims).toEqual([1, 3, 8, 8]);
    expect(source.guessed.join('\n')).toContain('cat is 0');
    expect(source.preprocessing).toMatchObject({ name: 'imagenet', alpha: 'dropped', layout: 'NCHW' });
  });

  it('names every bad picture when it meets one', async () => {
    const source = await openData(at('bad'), [port], { seed: 1 });
    const error = await source.read(0).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'BAD_IMAGES' });
    for (const name of ['cut.jpg', 'text.png', 'empty.webp', '3 of 6'])
      expect((error as Error).message).toContain(name);
    expect(source.guessed).toContain('other files passed over: 1 .txt');
  });

  it('refuses bad pictures among those that will be used before any is read', async () => {
    const options = { seed: 1, calibration: 3, evaluation: 3, synthetic: 0 };
    const error = await prepareData({ path: at('bad') }, [port], options).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'BAD_IMAGES' });
    for (const name of ['cut.jpg', 'text.png', 'empty.webp'])
      expect((error as Error).message).toContain(name);
    const left = await prepareData({ path: at('bad'), skipBad: true }, [port], options);
    expect(leftOutOf(left)).toHaveLength(3);
    expect(describeData(left)).toContain('3 left out');
  });

  it('leaves bad pictures out when asked to, and says how many', async () => {
    const source = await openData(at('bad'), [port], { seed: 1, skipBad: true });
    expect(source.length).toBe(3);
    expect(source.guessed.join('\n')).toMatch(/left out 3 pictures/);
    expect([...source.leftOut!].sort()).toEqual(['cut.jpg', 'empty.webp', 'text.png']);
    expect(await source.check!([0, 1, 2])).toBeUndefined();
    const ids: string[] = [];
    for await (const sample of readAll(source, [2, 0, 1])) ids.push(sample.id);
    expect(ids).toEqual(['good2.jpg', 'good0.jpg', 'good1.jpg']);
  });

  it('hashes content and preprocessing: the same twice, another when either changes', async () => {
    const hash = async (options: object) =>
      (await openData(at('classes'), [port], { seed: 1, ...options })).hash();
    const first = await hash({});
    expect(await hash({})).toBe(first);
    expect(await hash({ preprocess: '0-1' })).not.toBe(first);
    expect(await hash({ limit: 5 })).not.toBe(first);
  });

  it('draws a limited number evenly', async () => {
    const source = await openData(at('classes'), [port], { seed: 3, limit: 4 });
    const labels = [0, 1, 2, 3].map((i) => source.label?.(i));
    expect(labels).toEqual([0, 0, 1, 1]);
  });

  it('offers a small PNG for the report', async () => {
    const source = await openData(at('classes'), [port], { seed: 1 });
    const url = await source.picture!(0);
    expect(url?.startsWith('data:image/png;base64,')).toBe(true);
  });

  it('drops the batch axis for a model without one', async () => {
    const source = await openData(at('classes'), [{ ...port, shape: [3, 8, 8] }], { seed: 1 });
    expect((await source.read(0)).inputs.image!.dims).toEqual([3, 8, 8]);
  });

  it('refuses pictures as they are when their size is not the input’s', async () => {
    const source = await openData(at('classes'), [{ ...port, shape: [1, 3, 16, 16] }], {
      seed: 1,
      preprocess: 'none',
    });
    await expect(source.read(0)).rejects.toMatchObject({ code: 'CALIBRATION_SHAPE' });
  });

  it('refuses when the model has other inputs too', async () => {
    const state = { name: 'h0', dtype: 'float32', shape: [1, 'N', 4] } as const;
    await expect(openData(at('classes'), [port, state], { seed: 1 })).rejects.toMatchObject({
      code: 'DATA_INPUTS_MISSING',
      message: expect.stringContaining('h0'),
    });
  });
});

describe('reading ahead', () => {
  it('keeps the order and never has more than asked for in flight', async () => {
    let now = 0;
    let most = 0;
    const read = async (index: number) => {
      most = Math.max(most, ++now);
      // Later ones finish first.
      for (let i = 0; i < 20 - index; i++) await Promise.resolve();
      now--;
      return { id: String(index), inputs: {} };
    };
    const ids: string[] = [];
    for await (const sample of readAll({ read }, [4, 1, 9, 0, 7], { concurrency: 2 })) ids.push(sample.id);
    expect(ids).toEqual(['4', '1', '9', '0', '7']);
    expect(most).toBe(2);
  });

  it('throws at the sample that fails, after those before it', async () => {
    const read = async (index: number) => {
      if (index === 2) throw new Error('broken');
      return { id: String(index), inputs: {} };
    };
    const ids: string[] = [];
    const run = async () => {
      for await (const sample of readAll({ read }, [0, 1, 2, 3])) ids.push(sample.id);
    };
    await expect(run()).rejects.toThrow('broken');
    expect(ids).toEqual(['0', '1']);
  });
});
