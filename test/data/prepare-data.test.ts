/** What is learnt from and what is compared on are never the same. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeData, prepareData } from '../../src/data/prepare-data.ts';
import { encodeNpy } from '../../src/model/formats/npy.ts';
import { type Tensor, tensorOf } from '../../src/model/ir/tensor.ts';

describe('test data', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'edgepress-data-'));
    const rows = (from: number, n: number) =>
      tensorOf(
        'float32',
        [n, 3],
        Array.from({ length: 3 * n }, (_, i) => 3 * from + i),
      );
    write('train', { x: rows(0, 20) });
    const sixTwice = [0, 1].flatMap(() => Array.from({ length: 18 }, (_, i) => i));
    write('twice', { x: tensorOf('float32', [12, 3], sixTwice) });
    write('test', { x: rows(15, 10), labels: tensorOf('int64', [10], Array(10).fill(1)) });
    function write(name: string, arrays: Record<string, Tensor>) {
      const files = Object.entries(arrays).map(([key, t]) => [`${key}.npy`, encodeNpy(t)]);
      writeFileSync(path.join(folder, `${name}.npz`), zipSync(Object.fromEntries(files)));
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const ports = [{ name: 'x', dtype: 'float32', shape: ['batch', 3] }] as const;
  const open = (test: string, evaluation: number) =>
    prepareData({ path: path.join(folder, 'train.npz'), test: { path: path.join(folder, test) } }, ports, {
      seed: 0,
      calibration: 20,
      evaluation,
      learns: true,
      synthetic: 1,
    });

  it('is all compared on, with its own labels, and its samples neither calibrate nor train', async () => {
    const prepared = await open('test.npz', Number.POSITIVE_INFINITY);
    expect(prepared.held.indices).toHaveLength(10);
    expect([prepared.source.labelled, prepared.held.source.labelled]).toEqual([false, true]);
    // Rows 15 to 19 are in both.
    const rest = Array.from({ length: 15 }, (_, i) => i);
    expect(prepared.calibration).toEqual(rest);
    expect(prepared.training).toEqual(rest);
    expect(describeData(prepared)).toContain('15 to calibrate, 15 to learn from, 10 to compare');
    expect(describeData(prepared)).toContain('test.npz');
  });

  it('is compared on in part where fewer are asked for', async () => {
    expect((await open('test.npz', 4)).held.indices).toHaveLength(4);
  });

  it.each([
    [0, 10, 0],
    [6, 10, 6],
    [30, 10, 10],
  ])('leaves half to learn from, calibrating on %i at most', async (calibration, compared, calibrated) => {
    const split = { seed: 0, calibration, evaluation: 200, learns: true, halfAtMost: true, synthetic: 1 };
    const prepared = await prepareData({ path: path.join(folder, 'train.npz') }, ports, split);
    expect([prepared.held.indices.length, prepared.calibration.length]).toEqual([compared, calibrated]);
    expect(prepared.training).toHaveLength(10);
    expect(describeData(prepared)).toContain('10 to learn from, 10 to compare');
  });

  it('gives all to learn from where nothing is compared, and copies of what is compared to nobody', async () => {
    const all = { seed: 0, calibration: 100, evaluation: 0, learns: true, synthetic: 1 };
    const alone = await prepareData({ path: path.join(folder, 'train.npz') }, ports, all);
    expect([alone.calibration, alone.training, alone.held.indices].map((i) => i.length)).toEqual([20, 20, 0]);
    const twice = await prepareData({ path: path.join(folder, 'twice.npz') }, ports, {
      ...all,
      evaluation: 6,
    });
    const held = new Set(twice.held.indices.map((i) => i % 6));
    expect(twice.training.filter((i) => held.has(i % 6))).toEqual([]);
    expect(twice.training.length).toBeGreaterThanOrEqual(6);
  });

  it('says who learns from how many samples only where something learns', async () => {
    const split = { seed: 0, calibration: 5, evaluation: 5, synthetic: 1 };
    const prepared = await prepareData({ path: path.join(folder, 'train.npz') }, ports, split);
    expect(prepared.training).toEqual([]);
    expect(describeData(prepared)).toContain('5 to calibrate, 5 to compare');
  });

  it('has others set aside to choose by, whoever is compared on: neither changes what calibrates and trains', async () => {
    const split = { seed: 0, calibration: 5, evaluation: 5, learns: true, synthetic: 1 };
    const from = { path: path.join(folder, 'train.npz') };
    const usual = await prepareData(from, ports, split);
    const judged = await prepareData(from, ports, { ...split, choice: { samples: 4, compares: false } });
    const chosen = await prepareData(from, ports, { ...split, choice: { samples: 4, compares: true } });
    expect([judged.calibration, chosen.calibration]).toEqual([usual.calibration, usual.calibration]);
    expect(judged.held.indices).toEqual(usual.held.indices);
    expect(chosen.held.indices).toHaveLength(4);
    expect([judged.setAside, chosen.setAside]).toEqual([chosen.held.indices, judged.held.indices]);
    expect(chosen.training).toEqual(judged.training);
    const parts = [judged.training, judged.held.indices, judged.setAside!].flat();
    expect(new Set(parts).size).toBe(parts.length);
    expect(parts).toHaveLength(20);
  });

  it('judges what was chosen by samples of its own data', async () => {
    const from = { path: path.join(folder, 'train.npz'), test: { path: path.join(folder, 'test.npz') } };
    const split = {
      seed: 0,
      calibration: 5,
      evaluation: Number.POSITIVE_INFINITY,
      learns: true,
      synthetic: 1,
    };
    const judged = await prepareData(from, ports, { ...split, choice: { samples: 4, compares: false } });
    const chosen = await prepareData(from, ports, { ...split, choice: { samples: 4, compares: true } });
    expect(judged.held.source.name).toContain('test.npz');
    expect(chosen.held.source).toBe(chosen.source);
    // Rows 15 to 19 are in the test data too.
    expect(chosen.held.indices.every((i) => i < 15)).toBe(true);
    expect(chosen.calibration).toEqual(judged.calibration);
    expect(chosen.training).toEqual(judged.training);
  });

  it('is refused when it is the same data', async () => {
    await expect(open('train.npz', Number.POSITIVE_INFINITY)).rejects.toMatchObject({
      code: 'TEST_DATA_SAME',
    });
  });
});
