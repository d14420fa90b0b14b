/** Where computing in int8 loses too much, weights are stored in int8 instead. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compress } from '../../src/jobs/compress.ts';
import { encodeNpy } from '../../src/model/formats/npy.ts';
import { normal, outlier, width } from './outlier-model.ts';

const folder = mkdtempSync(join(tmpdir(), 'edgepress-choose-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const data = join(folder, 'x.npy');
writeFileSync(data, encodeNpy(normal([60, 16, width], 3)));

const run = async (options: object) =>
  (await compress(outlier, { data, calibrate: 20, measure: false, cache: false, ...options })).report;

describe('a model that calibrated int8 destroys', () => {
  it('has its weights stored in int8, and the report says what was tried', async () => {
    const report = await run({ int8: true });
    expect(report.precision).toMatchObject({
      mode: 'weight-only',
      instead: { mode: 'static', samples: 20 },
    });
    expect(report.recipe).toMatchObject({ name: 'int8-weights' });
    expect(report.verdict.level).not.toBe('bad');
  });

  it('computes in int8 where it was told to, in red', async () => {
    const report = await run({ int8: 'static' });
    expect(report.precision.mode).toBe('static');
    expect(report.precision.instead).toBeUndefined();
    expect(report.verdict.level).toBe('bad');
  });
});

describe('a budget that calibrated int8 exceeds', () => {
  const asked = { int8: true, maxDrop: 5 } as const;

  it('has the layers that damage most compute in float, and keeps the others in int8', async () => {
    const report = await run(asked);
    expect(report.precision.mode).toBe('static');
    expect(report.precision.instead).toBeUndefined();
    const { groups, points } = report.precision.restored!;
    expect(points).toBeGreaterThan(5);
    // The second product reads the outlier.
    expect(groups.map(({ restored }) => restored)).toEqual([true, false]);
    expect(groups[0]!.sqnrDb!).toBeLessThan(groups[1]!.sqnrDb!);
    const [first, second] = report.layers;
    expect([first!.precision, second!.precision]).toEqual(['int8', 'int8-weights']);
    expect(second!.reason).toBe('float-for-the-quality-budget');
    expect(groups[0]!.layers).toEqual([second!.name]);
    expect(report.budget!.lost).toBeLessThanOrEqual(5);
  });

  it('is kept by a recipe that can be run again', async () => {
    const { recipe } = await run(asked);
    const path = join(folder, 'recipe.json');
    writeFileSync(path, JSON.stringify(recipe));
    const again = (await compress(outlier, { data, measure: false, cache: false, recipe: path })).report;
    expect(again.layers.map(({ precision }) => precision)).toEqual(['int8', 'int8-weights']);
  });

  it('needs no layer in float where it is kept with all of them', async () => {
    const report = await run({ ...asked, maxDrop: 100 });
    expect(report.precision.restored).toBeUndefined();
    expect(report.layers.map(({ precision }) => precision)).toEqual(['int8', 'int8']);
  });
});
