import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/compute/engine/open.ts';
import type { DataOptions } from '../../src/data/prepare-data.ts';
import { prepareDataFor } from '../../src/jobs/try-preprocessing.ts';
import { parseModel } from '../../src/model/formats/onnx-text/index.ts';
import { openedFromModel } from '../../src/model/formats/opened.ts';
import { portsOf } from '../../src/model/ir/port.ts';
import { createRandom } from '../../src/support/random.ts';

/** Four classes, told apart by the mean brightness of a picture of pixels from 0 to `range`. */
const brightness = (sharpness: number, range = 1) =>
  openedFromModel(
    parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float["N",8,8,3] picture) => (float["N",4] scores)
<float[4] level = {0.1, 0.35, 0.6, 0.85}, float sharpness = {${sharpness}}, float range = {${range}}>
{
  share = Div (picture, range)
  m = ReduceMean <axes = [1, 2, 3], keepdims = 1> (share)
  mean = Flatten (m)
  d = Sub (mean, level)
  square = Mul (d, d)
  scores = Mul (square, sharpness)
}`),
    'brightness.onnx',
  );
const model = brightness(-1);

const folder = mkdtempSync(join(tmpdir(), 'edgepress-try-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const count = 96;
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

const prepare = (given: DataOptions, of = model, more: { needsLabels?: boolean } = {}) =>
  prepareDataFor(of, portsOf(of.model), given, {
    ...{ seed: 1, calibration: 0, evaluation: 16, synthetic: 0, ...more },
    engine: () => openEngine(),
  });

it('takes the preset that labels fit best, and says so', async () => {
  const labels = await csv('own', (i) => i % 4);
  const { source, held } = await prepare({ path: folder, labels });
  expect(source.preprocessing).toMatchObject({ name: '0-1', layout: 'NHWC' });
  expect(source.preprocessingTrial).toMatchObject({ by: 'labels', samples: 64 });
  const scores = source.preprocessingTrial!.scores;
  expect(scores.map((s) => s.preprocessing)).toEqual(['tf', '0-1', 'imagenet', '0-255', 'caffe']);
  expect(scores[1]!.score).toBeGreaterThan(0.9);
  expect(source.guessed[0]).toBe('preprocessing "0-1", best of 5 presets on 64 labelled samples');
  expect(held.source).toBe(source);
  const { inputs } = await held.source.read(held.indices[0]!);
  expect(Math.min(...new Float32Array(inputs['picture']!.bytes().slice().buffer))).toBeGreaterThan(0);
  rmSync(labels);
});

describe('labels of other classes than the model’s, which fit by chance', () => {
  let labels: string;
  beforeAll(async () => {
    const random = createRandom(3);
    labels = await csv('others', () => random.integer(4));
  });
  afterAll(() => rmSync(labels));

  it.each([undefined, 'tf'])(
    'are refused where there are many, with what was tried (%s)',
    async (preprocess) => {
      const refused = prepare({ path: folder, labels, preprocess });
      await expect(refused).rejects.toMatchObject({ code: 'CHANCE_LEVEL' });
      const tried = preprocess ? ['tf'] : ['tf', '0-1', 'imagenet', '0-255', 'caffe'];
      for (const name of tried) await expect(refused).rejects.toThrow(`with preprocessing ${name}`);
      await expect(refused).rejects.toThrow('25.0 % with 4 classes');
    },
  );

  it('are left alone by --labels none, and taught by what trains on them', async () => {
    expect((await prepare({ path: folder, labels: 'none' })).source.labelled).toBe(false);
    expect((await prepare({ path: folder, labels }, model, { needsLabels: true })).source.labelled).toBe(
      true,
    );
  });

  it('are not judged on few samples', async () => {
    const few = { seed: 1, calibration: 0, evaluation: 66, synthetic: 0, engine: () => openEngine() };
    const sharp = brightness(-1000);
    const { source } = await prepareDataFor(sharp, portsOf(sharp.model), { path: folder, labels }, few);
    expect(source).toMatchObject({ labelled: true, preprocessingTrial: { by: 'outputs' } });
  });
});

it('takes, without labels, the preset with which the model tells pictures apart', async () => {
  const { source } = await prepare({ path: folder }, brightness(-1000));
  expect(source.preprocessing).toMatchObject({ name: '0-1' });
  expect(source.preprocessingTrial).toMatchObject({ by: 'outputs', samples: 32 });
  const [usual, chosen] = source.preprocessingTrial!.scores;
  expect(chosen!.score).toBeGreaterThan(1.1 * usual!.score);
  // Four classes in equal shares: at most ln 4 nats.
  expect(chosen!.score).toBeLessThanOrEqual(Math.log(4));
});

it('takes pixels of 0 to 255 where smaller numbers tell the model nothing', async () => {
  const { source } = await prepare({ path: folder }, brightness(-1000, 255));
  expect(source.preprocessing).toMatchObject({ name: '0-255' });
  expect(source.preprocessingTrial).toMatchObject({ by: 'outputs' });
});

it('leaves the usual one where a model is never sure, and tries none where one is named', async () => {
  const unsure = await prepare({ path: folder }, brightness(0));
  expect(unsure.source).toMatchObject({ preprocessingGuessed: true, preprocessing: { name: 'tf' } });
  expect(unsure.source.preprocessingTrial).toBeUndefined();
  const labels = await csv('named', (i) => i % 4);
  const named = await prepare({ path: folder, labels, preprocess: '0-1' });
  expect(named.source).toMatchObject({ preprocessingGuessed: false, preprocessing: { name: '0-1' } });
  expect(named.source.preprocessingTrial).toBeUndefined();
  rmSync(labels);
});
