/** What is learnt from and what is compared on are never the same. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeData, type Prepared, prepareData, trainingIndices } from '../../src/data/prepare-data.ts';
import type { DataSource } from '../../src/data/source.ts';
import { encodeNpy } from '../../src/model/formats/npy.ts';
import { type Tensor, tensorOf } from '../../src/model/ir/tensor.ts';

describe('samples that may be learnt from', () => {
  const source = (prints: string | null) =>
    ({
      length: 6,
      ...(prints ? { fingerprint: async (i: number) => prints[i]! } : {}),
    }) as DataSource;
  const held = (from: DataSource, indices: number[]): Prepared => ({
    source: from,
    calibration: [],
    held: { source: from, indices },
  });

  it('are all but those that the result is compared on', async () => {
    expect(await trainingIndices(held(source(null), [4, 5]))).toEqual([0, 1, 2, 3]);
  });

  it('leave out copies of those too', async () => {
    expect(await trainingIndices(held(source('abcabd'), [3]))).toEqual([1, 2, 4, 5]);
  });

  it('leave out what stands in the test data too', async () => {
    const test = source('xaxbxx');
    const prepared = { source: source('abcabd'), calibration: [], held: { source: test, indices: [1, 2] } };
    expect(await trainingIndices(prepared)).toEqual([1, 2, 4, 5]);
  });
});

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
      synthetic: 1,
    });

  it('is all compared on, with its own labels, and its samples neither calibrate nor train', async () => {
    const prepared = await open('test.npz', Number.POSITIVE_INFINITY);
    expect(prepared.held.indices).toHaveLength(10);
    expect([prepared.source.labelled, prepared.held.source.labelled]).toEqual([false, true]);
    // Rows 15 to 19 are in both.
    const rest = Array.from({ length: 15 }, (_, i) => i);
    expect(prepared.calibration).toEqual(rest);
    expect(await trainingIndices(prepared)).toEqual(rest);
    expect(describeData(prepared)).toContain('15 to calibrate, 10 to compare');
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
    const split = { seed: 0, calibration, evaluation: 200, learns: true, synthetic: 1 };
    const prepared = await prepareData({ path: path.join(folder, 'train.npz') }, ports, split);
    expect([prepared.held.indices.length, prepared.calibration.length]).toEqual([compared, calibrated]);
    expect(await trainingIndices(prepared)).toHaveLength(10);
  });

  it('is refused when it is the same data', async () => {
    await expect(open('train.npz', Number.POSITIVE_INFINITY)).rejects.toMatchObject({
      code: 'TEST_DATA_SAME',
    });
  });
});
