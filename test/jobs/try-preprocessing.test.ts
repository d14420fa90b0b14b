import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openEngine } from '../../src/compute/engine/open.ts';
import { prepareDataFor } from '../../src/jobs/try-preprocessing.ts';
import { parseModel } from '../../src/model/formats/onnx-text/index.ts';
import { openedFromModel } from '../../src/model/formats/opened.ts';
import { portsOf } from '../../src/model/ir/port.ts';
import { createRandom } from '../../src/support/random.ts';

/** Four classes, told apart by the mean brightness of a picture from 0 to 1. */
const model = openedFromModel(
  parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float["N",8,8,3] picture) => (float["N",4] scores)
<float[4] level = {0.1, 0.35, 0.6, 0.85}>
{
  m = ReduceMean <axes = [1, 2, 3], keepdims = 1> (picture)
  mean = Flatten (m)
  d = Sub (mean, level)
  square = Mul (d, d)
  scores = Neg (square)
}`),
  'brightness.onnx',
);

const folder = mkdtempSync(join(tmpdir(), 'edgepress-try-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const count = 48;
beforeAll(async () => {
  for (let i = 0; i < count; i++) {
    const level = Math.round(255 * [0.1, 0.35, 0.6, 0.85][i % 4]!) + (i % 7);
    const background = { r: level, g: level, b: level };
    const picture = sharp({ create: { width: 8, height: 8, channels: 3, background } }).png();
    await picture.toFile(join(folder, `${String(i).padStart(2, '0')}.png`));
  }
});

const csv = async (name: string, label: (i: number) => number) => {
  const { writeFile } = await import('node:fs/promises');
  const rows = Array.from({ length: count }, (_, i) => `${String(i).padStart(2, '0')}.png,${label(i)}`);
  const path = join(tmpdir(), `edgepress-try-${process.pid}-${name}.csv`);
  await writeFile(path, `file,label\n${rows.join('\n')}\n`);
  return path;
};

const prepare = (given: { labels?: string; preprocess?: string }) =>
  prepareDataFor(
    model,
    portsOf(model.model),
    { path: folder, ...given },
    {
      ...{ seed: 1, calibration: 0, evaluation: 16, synthetic: 0 },
      engine: () => openEngine(),
    },
  );

it('takes the preset that labels fit best, and says so', async () => {
  const labels = await csv('own', (i) => i % 4);
  const { source, held } = await prepare({ labels });
  expect(source.preprocessing).toMatchObject({ name: '0-1', layout: 'NHWC' });
  expect(source.preprocessingTriedOn).toBe(count - held.indices.length);
  expect(source.guessed[0]).toBe('preprocessing "0-1", best of 5 presets on 32 labelled samples');
  expect(held.source).toBe(source);
  const { inputs } = await held.source.read(held.indices[0]!);
  expect(Math.min(...new Float32Array(inputs['picture']!.bytes().slice().buffer))).toBeGreaterThan(0);
  rmSync(labels);
});

it('leaves the guess where labels are of other classes than the model’s, which fit by chance', async () => {
  const random = createRandom(3);
  const labels = await csv('others', () => random.integer(4));
  const { source } = await prepare({ labels });
  expect(source.preprocessing).toMatchObject({ name: 'tf' });
  expect(source.preprocessingTriedOn).toBeUndefined();
  rmSync(labels);
});

it('tries nothing without labels, or where a preset is named', async () => {
  expect((await prepare({})).source).toMatchObject({
    preprocessingGuessed: true,
    preprocessing: { name: 'tf' },
  });
  const labels = await csv('named', (i) => i % 4);
  const named = await prepare({ labels, preprocess: 'imagenet' });
  expect(named.source).toMatchObject({ preprocessingGuessed: false, preprocessing: { name: 'imagenet' } });
  rmSync(labels);
});
