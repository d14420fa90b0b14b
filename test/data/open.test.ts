import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, describe, expect, it } from 'vitest';
import { openData } from '../../src/data/open.ts';
import { encodeNpy } from '../../src/model/formats/npy.ts';
import { numbers, tensorOf } from '../../src/model/ir/tensor.ts';

const root = mkdtempSync(join(tmpdir(), 'edgepress-open-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const image = { name: 'image', dtype: 'float32', shape: ['N', 3, 8, 8] } as const;
const png = () =>
  sharp(new Uint8Array(192), { raw: { width: 8, height: 8, channels: 3 } })
    .png()
    .toBuffer();
const npy = () => encodeNpy(tensorOf('float32', [1, 3, 8, 8], new Float32Array(192)));

/** A fresh folder holding `files`; its path. */
function folder(name: string, files: Record<string, string | Uint8Array>): string {
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(join(root, name, file, '..'), { recursive: true });
    writeFileSync(join(root, name, file), content);
  }
  mkdirSync(join(root, name), { recursive: true });
  return join(root, name);
}
const failure = (path: string, options: object = {}, ports: Parameters<typeof openData>[1] = [image]) =>
  openData(path, ports, { seed: 1, ...options }).then(
    () => ({ code: 'none', message: '', hint: '' }),
    (error: { code: string; message: string; hint: string }) => error,
  );

describe('what cannot be opened', () => {
  it('says that a path does not exist', async () => {
    expect((await failure(join(root, 'nowhere'))).code).toBe('DATA_NOT_FOUND');
  });

  it('says what an unrelated folder holds', async () => {
    expect(await failure(folder('empty', {}))).toMatchObject({
      code: 'DATA_EMPTY',
      message: expect.stringContaining('it is empty'),
    });
    const docs = folder('docs', { 'a.docx': '1', 'b.docx': '2', 'c.xls': '3', '.hidden.png': '4' });
    expect((await failure(docs)).message).toContain('found 2 .docx, 1 .xls');
  });

  it('refuses text for a model without an input of token ids', async () => {
    for (const path of [folder('text', { 'a.txt': 'x' }), join(folder('tsv', { 'a.tsv': 'x' }), 'a.tsv')])
      expect(await failure(path)).toMatchObject({
        code: 'INPUT_NOT_TEXT',
        message: expect.stringContaining('"image" float32 [N,3,8,8]'),
      });
  });

  it('names formats that must be converted or unpacked', async () => {
    expect((await failure(folder('bmp', { 'a.bmp': 'x' }))).message).toContain('1 .bmp');
    expect((await failure(join(folder('zip', { 'a.zip': 'x' }), 'a.zip'))).hint).toContain('Unpack');
  });

  it('refuses pictures and arrays in one folder', async () => {
    const path = folder('mixed', { 'a.png': await png(), 'b.npy': npy() });
    expect((await failure(path)).code).toBe('DATA_MIXED');
  });

  it('refuses pictures for a model without a picture input, or with a fixed batch', async () => {
    const path = folder('pictures', { 'a.png': await png(), 'b.png': await png() });
    const ids = { name: 'ids', dtype: 'int64', shape: ['b', 's'] } as const;
    expect((await failure(path, {}, [ids])).code).toBe('INPUT_NOT_PICTURE');
    const batch = await failure(path, {}, [{ ...image, shape: [8, 3, 8, 8] }]);
    expect(batch.code).toBe('CALIBRATION_SHAPE');
    expect(batch.hint).toContain('batch');
  });

  it('refuses unknown preprocessing and broken files of it', async () => {
    const path = folder('pre', { 'a.png': await png() });
    expect(await failure(path, { preprocess: 'imagnet' })).toMatchObject({
      code: 'UNKNOWN_PREPROCESSING',
      hint: expect.stringContaining('imagenet, tf, caffe, 0-1, 0-255, none'),
    });
    const broken = join(folder('config', { 'p.json': '{' }), 'p.json');
    expect((await failure(path, { preprocess: broken })).code).toBe('PREPROCESSING_INVALID');
  });

  it('refuses labels that were asked for and do not fit', async () => {
    const path = folder('unlabelled', { 'a.png': await png(), 'b.png': await png() });
    const labels = join(folder('labels', { 'l.csv': 'a.png,1\n' }), 'l.csv');
    expect((await failure(path, { labels })).code).toBe('LABELS_UNMATCHED');
    expect((await failure(path, { labels: join(root, 'no.csv') })).code).toBe('DATA_NOT_FOUND');
  });
});

describe('what is found beside the samples', () => {
  it('uses labels.csv in the folder', async () => {
    const path = folder('auto', {
      'a.png': await png(),
      'b.png': await png(),
      'labels.csv': 'a.png,4\nb.png,2',
    });
    const source = await openData(path, [image], { seed: 1 });
    expect([source.label?.(0), source.label?.(1)]).toEqual([4, 2]);
    expect(source.guessed).toContain('class indices from labels.csv');
  });

  it('says how many classes have a name where labels name some of them only', async () => {
    const path = folder('some', {
      'a.png': await png(),
      'b.png': await png(),
      'labels.json': '[{"file":"a.png","index":0,"name":"hen"},{"file":"b.png","index":2,"name":"owl"}]',
    });
    const source = await openData(path, [image], { seed: 1 });
    expect(source.classes).toEqual(['hen', 'class 1', 'owl']);
    expect(source.guessed).toContain('class indices from labels.json, which names 2 of 3');
  });

  it('leaves a labels file alone that does not fit, with the reason', async () => {
    const path = folder('odd', { 'a.png': await png(), 'b.png': await png(), 'labels.json': '["x"]' });
    const source = await openData(path, [image], { seed: 1 });
    expect(source.labelled).toBe(false);
    expect(source.guessed.join()).toContain(
      'labels.json not used as labels: labels.json: 1 labels for 2 samples',
    );
  });

  it('reads a preprocessor_config.json by its folder', async () => {
    const path = folder('hf-data', { 'a.png': await png() });
    const preprocess = folder('hf', {
      'preprocessor_config.json': JSON.stringify({ size: 8, image_mean: [0, 0, 0], image_std: [1, 1, 1] }),
    });
    const source = await openData(path, [image], { seed: 1, preprocess });
    expect(source.preprocessing).toMatchObject({ name: 'preprocessor_config.json', layout: 'NCHW' });
  });

  it('opens one picture', async () => {
    const path = join(folder('one', { 'a.png': await png() }), 'a.png');
    expect((await openData(path, [image], { seed: 1 })).length).toBe(1);
  });

  it('reads pictures and labels in the idx format of MNIST', async () => {
    const header = (...dims: number[]) => {
      const bytes = Buffer.alloc(4 + 4 * dims.length);
      bytes.writeUInt32BE(0x0800 + dims.length);
      for (const [i, d] of dims.entries()) bytes.writeUInt32BE(d, 4 + 4 * i);
      return bytes;
    };
    const pixels = Uint8Array.from({ length: 8 }, (_, i) => i * 30);
    const path = folder('idx', {
      'x-images-idx3-ubyte.gz': gzipSync(Buffer.concat([header(2, 2, 2), pixels])),
      'x-labels-idx1-ubyte.gz': gzipSync(Buffer.concat([header(2), Uint8Array.of(7, 3)])),
    });
    const input = { name: 'x', dtype: 'float32', shape: [1, 1, 2, 2] } as const;
    const source = await openData(join(path, 'x-images-idx3-ubyte.gz'), [input], {
      seed: 1,
      preprocess: '0-255',
    });
    const sample = await source.read(1);
    expect(sample.label).toBe(3);
    expect(sample.inputs.x!.dims).toEqual([1, 1, 2, 2]);
    expect(numbers(sample.inputs.x!)).toEqual([120, 150, 180, 210]);
    expect(await source.picture!(1)).toMatch(/^data:image\/png/);
  });
});
