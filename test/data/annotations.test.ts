/** Boxes and masks as labels of pictures. The oracle of where they are is the picture itself: a white rectangle on black, found again in
 *  what the model is fed with. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeMask } from '../../src/data/annotations/png-mask.ts';
import { parseYolo } from '../../src/data/annotations/yolo.ts';
import type { BoxLabels, MaskLabels } from '../../src/data/label.ts';
import { openData } from '../../src/data/open.ts';
import type { Port } from '../../src/model/ir/port.ts';
import { numbers } from '../../src/model/ir/tensor.ts';

const root = mkdtempSync(join(tmpdir(), 'edgepress-annotations-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function folder(name: string, files: Readonly<Record<string, string | Uint8Array>>): string {
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name, file)), { recursive: true });
    writeFileSync(join(root, name, file), content);
  }
  return join(root, name);
}

const square: Port = { name: 'x', dtype: 'float32', shape: [1, 3, 64, 64] };
const wide: Port = { name: 'x', dtype: 'float32', shape: [1, 3, 48, 96] };

/** 120 × 80, white in columns 30 to 89 and rows 20 to 59. */
const area = { x: 30, y: 20, width: 60, height: 40 };
const pixels = (channels: 1 | 3, white: number) => {
  const data = new Uint8Array(120 * 80 * channels);
  for (let y = area.y; y < area.y + area.height; y++)
    data.fill(white, (y * 120 + area.x) * channels, (y * 120 + area.x + area.width) * channels);
  return sharp(data, { raw: { width: 120, height: 80, channels } });
};
const picture = () => pixels(3, 255).png().toBuffer();
const greyMask = (value: number) => pixels(1, value).toColourspace('b-w').png().toBuffer();

const coco = (more: object = {}, annotation: object = {}) =>
  JSON.stringify({
    images: [{ id: 4, file_name: '1.png', width: 120, height: 80 }],
    annotations: [{ id: 1, image_id: 4, category_id: 7, bbox: [30, 20, 60, 40], iscrowd: 0, ...annotation }],
    categories: [
      { id: 3, name: 'dog' },
      { id: 7, name: 'cat' },
    ],
    ...more,
  });
const yolo = '1 0.5 0.5 0.5 0.5\n';

const open = (path: string, port: Port, options: object = {}) =>
  openData(path, [port], { seed: 1, preprocess: '0-1', ...options });
const failure = (path: string, options: object = {}) =>
  open(path, square, options)
    .then((source) => source.read(0))
    .then(
      () => 'none',
      (error: { code: string }) => error.code,
    );

/** Of what is fed, the box of the white pixels. */
function whiteIn(values: readonly number[], [height, width]: readonly [number, number]) {
  const white = Array.from({ length: height * width }, (_, i) => i).filter((i) => values[i]! > 0.5);
  const [xs, ys] = [white.map((i) => i % width), white.map((i) => Math.floor(i / width))];
  return {
    ...{ left: Math.min(...xs), top: Math.min(...ys) },
    ...{ right: Math.max(...xs) + 1, bottom: Math.max(...ys) + 1 },
  };
}

describe('boxes go where the picture goes', () => {
  it.each([
    ['cut to a square', square, { mode: 'shorter-side', size: 64 }, { width: 64, height: 64 }],
    ['stretched', wide, { mode: 'exact', size: { width: 96, height: 48 } }, null],
    ['with bars above and below', square, { mode: 'contain', size: { width: 64, height: 64 } }, null],
    ['covering', wide, { mode: 'cover', size: { width: 96, height: 48 } }, null],
  ])('%s', async (name, port, resize, crop) => {
    const path = folder(name, { '1.png': await picture(), 'annotations.json': coco() });
    const spec = join(
      folder(`${name} spec`, { 'p.json': JSON.stringify({ resize, crop, scale: 1 / 255 }) }),
      'p.json',
    );
    const source = await open(path, port, { preprocess: spec });
    expect(source).toMatchObject({ annotated: 'boxes', labelled: false, classes: ['dog', 'cat'], length: 1 });
    const { inputs, label } = await source.read(0);
    const [box] = (label as BoxLabels).boxes;
    expect(box).toMatchObject({ label: 1, id: 7, isIgnored: false });
    const white = whiteIn(numbers(inputs['x']!), port.shape!.slice(2) as [number, number]);
    // Half a pixel is lost to smooth edges.
    for (const side of ['left', 'top', 'right', 'bottom'] as const)
      expect(Math.abs(box![side] - white[side])).toBeLessThanOrEqual(1);
  });
});

describe('COCO annotations', () => {
  it('are read for pictures that were made smaller since', async () => {
    const images = [{ id: 4, file_name: 'a/1.png', width: 240, height: 160 }];
    const annotation = { bbox: [60, 40, 120, 80] };
    const labels = join(folder('large', { 'x.json': coco({ images }, annotation) }), 'x.json');
    const path = folder('small', { '1.png': await picture() });
    const { label } = await (await open(path, square, { labels })).read(0);
    const { left, right } = (label as BoxLabels).boxes[0]!;
    expect(right - left).toBeCloseTo(48, 6);
  });

  it('have the numbers of the model’s own classes where these have their names', async () => {
    const path = folder('named', { '1.png': await picture(), 'annotations.json': coco() });
    const { label } = await (await open(path, { ...square, classes: ['cat', 'cow', 'dog'] })).read(0);
    expect((label as BoxLabels).boxes[0]).toMatchObject({ label: 0, id: 7 });
  });

  it('leave crowds, and what is mostly cut off, to be neither right nor wrong', async () => {
    const crowd = folder('crowd', { '1.png': await picture(), 'annotations.json': coco({}, { iscrowd: 1 }) });
    const { label } = await (await open(crowd, square)).read(0);
    expect((label as BoxLabels).boxes[0]!.isIgnored).toBe(true);
    const cut = folder('cut', {
      '1.png': await picture(),
      'annotations.json': coco({}, { bbox: [0, 0, 22, 40] }),
    });
    const { label: edge } = await (await open(cut, square)).read(0);
    expect((edge as BoxLabels).boxes[0]!.isIgnored).toBe(true);
  });

  it('are refused where they are broken, of other pictures, or of pictures of another shape', async () => {
    const broken = async (name: string, content: string) => {
      const labels = join(folder(name, { 'x.json': content }), 'x.json');
      return failure(folder(`${name} of`, { '1.png': await picture() }), { labels });
    };
    expect(await broken('bbox', coco({}, { bbox: [1, 2] }))).toBe('LABELS_INVALID');
    expect(await broken('category', coco({}, { category_id: 8 }))).toBe('LABELS_INVALID');
    expect(await broken('image', coco({}, { image_id: 9 }))).toBe('LABELS_INVALID');
    expect(await broken('other', coco({ images: [{ id: 4, file_name: '2.png' }] }))).toBe('LABELS_UNMATCHED');
    const turned = [{ id: 4, file_name: '1.png', width: 80, height: 120 }];
    expect(await broken('turned', coco({ images: turned }))).toBe('LABELS_INVALID');
  });

  it('are no labels of arrays', async () => {
    const labels = join(folder('for arrays', { 'x.json': coco() }), 'x.json');
    const npz = 'fixtures/data/glyphs-grey.npz';
    const port: Port = { name: 'x', dtype: 'float32', shape: ['N', 1, 32, 32] };
    const code = await openData(npz, [port], { seed: 1, labels }).then(
      () => 'none',
      (error: { code: string }) => error.code,
    );
    expect(code).toBe('LABELS_INVALID');
  });
});

describe('YOLO’s text files', () => {
  it.each([
    ['in a folder beside "images"', { 'images/1.png': 'p', 'labels/1.txt': yolo }, 'images'],
    [
      'in a folder beside "images", of which the parent is given',
      { 'images/1.png': 'p', 'labels/1.txt': yolo },
      '',
    ],
    ['in folders of parts', { 'images/val/1.png': 'p', 'labels/val/1.txt': yolo }, 'images/val'],
    ['beside each picture', { '1.png': 'p', '1.txt': yolo }, ''],
  ])('are found %s', async (name, files, below) => {
    const content: Record<string, string | Uint8Array> = { 'data.yaml': 'names:\n  0: dog\n  1: cat\n' };
    for (const [file, text] of Object.entries(files)) content[file] = text === 'p' ? await picture() : text;
    const source = await open(join(folder(`yolo ${name}`, content), below), square);
    expect(source).toMatchObject({ annotated: 'boxes', length: 1 });
    const { label } = await source.read(0);
    expect((label as BoxLabels).boxes[0]).toMatchObject({
      label: 1,
      left: 8,
      top: 16,
      right: 56,
      bottom: 48,
    });
  });

  it('say by their absence that nothing is there', async () => {
    const images = { 'images/1.png': await picture(), 'images/2.png': await picture() };
    const path = folder('absent', { ...images, 'labels/1.txt': yolo, 'classes.txt': 'dog\ncat\n' });
    const source = await open(join(path, 'images'), square);
    expect(source.classes).toEqual(['dog', 'cat']);
    expect(((await source.read(1)).label as BoxLabels).boxes).toEqual([]);
  });

  it('are left alone where texts beside pictures are of another kind, and refused where they were named', async () => {
    const path = folder('captions', { '1.png': await picture(), '1.txt': 'a white rectangle' });
    expect((await open(path, square)).annotated).toBeUndefined();
    expect(await failure(path, { labels: path })).toBe('LABELS_INVALID');
  });

  it('are refused with six numbers a line, which models write, and in pixels', () => {
    expect(() => parseYolo('0 0.5 0.5 0.1 0.1 0.9', 'x.txt')).toThrow(
      expect.objectContaining({ code: 'LABELS_INVALID' }),
    );
    expect(() => parseYolo('0 120 80 20 20', 'x.txt')).toThrow(
      expect.objectContaining({ code: 'LABELS_INVALID' }),
    );
  });

  it('hold an outline in its box', () => {
    expect(parseYolo('2 0.2 0.3 0.6 0.3 0.6 0.5', 'x.txt')).toMatchObject([{ label: 2, x: 0.2, y: 0.3 }]);
  });
});

describe('masks', () => {
  const maskOf = async (path: string, options: object = {}) => {
    const source = await open(path, square, options);
    expect(source.annotated).toBe('masks');
    const { inputs, label } = await source.read(0);
    return { values: numbers(inputs['x']!).slice(0, 64 * 64), mask: label as MaskLabels };
  };

  it('go where the picture goes, from a folder beside "images"', async () => {
    const path = folder('masks', { 'images/1.png': await picture(), 'masks/1.png': await greyMask(5) });
    const { values, mask } = await maskOf(path);
    expect(mask).toMatchObject({ width: 64, height: 64 });
    const differing = values.filter((v, i) => v > 0.5 !== (mask.classes[i] === 5));
    expect(differing.length).toBeLessThan(0.02 * values.length);
  });

  it('of 0 and 255 alone say where something is', async () => {
    const path = folder('binary', { '1.png': await picture() });
    const labels = folder('binary masks', { '1_mask.png': await greyMask(255) });
    const { mask } = await maskOf(path, { labels });
    expect([...new Set(mask.classes)].sort()).toEqual([0, 1]);
  });

  it('of few bits and with a palette have class indices', async () => {
    const indices = Uint8Array.from({ length: 4 * 4 }, (_, i) => i % 4);
    const colours = [
      [0, 0, 0],
      [128, 0, 0],
      [0, 128, 0],
      [128, 128, 0],
    ];
    const rgb = Uint8Array.from([...indices].flatMap((i) => colours[i]!));
    const raw = { width: 4, height: 4, channels: 3 } as const;
    const png = await sharp(rgb, { raw }).png({ palette: true, colours: 4, dither: 0 }).toBuffer();
    const { classes } = await decodeMask(png, 'x.png');
    // The encoder sorts its palette; places that were alike are alike.
    expect(new Set(classes).size).toBe(4);
    expect(classes.every((value) => value < 4)).toBe(true);
    for (let i = 0; i < 16; i++) expect(classes[i]).toBe(classes[i % 4]);
  });

  it('are refused in colours, of another shape, and where one is missing', async () => {
    const path = folder('refused', { '1.png': await picture() });
    const labels = (name: string, files: Record<string, Uint8Array>) => ({ labels: folder(name, files) });
    expect(await failure(path, labels('colours', { '1.png': await picture() }))).toBe('LABELS_INVALID');
    const tall = await sharp(new Uint8Array(64), { raw: { width: 4, height: 16, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer();
    expect(await failure(path, labels('tall', { '1.png': tall }))).toBe('LABELS_INVALID');
    expect(await failure(path, labels('others', { '2.png': await greyMask(1) }))).toBe('LABELS_UNMATCHED');
  });
});
