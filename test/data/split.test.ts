import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitData } from '../../src/data/split.ts';
import { wholeNumberOrAll } from '../../src/support/field.ts';

interface Item {
  readonly label?: number;
  readonly content?: string;
}

const source = (items: readonly Item[]) => ({
  length: items.length,
  labelled: items.some((i) => i.label !== undefined),
  label: (i: number) => items[i]!.label,
  fingerprint: async (i: number) => items[i]!.content ?? `#${i}`,
});
const plain = (count: number) => source(Array.from({ length: count }, () => ({})));
const sizes = async (count: number, calibration: number, evaluation?: number) => {
  const split = await splitData(plain(count), {
    calibration,
    seed: 1,
    ...(evaluation === undefined ? {} : { evaluation }),
  });
  return [split.calibration.length, split.evaluation.length];
};

describe('sizes', () => {
  it.each([
    [500, 100, undefined, [100, 400]],
    [500, 100, 200, [100, 200]],
    [500, 100, Number.POSITIVE_INFINITY, [100, 400]],
    [500, 100, wholeNumberOrAll.parse('all'), [100, 400]],
    [150, 100, undefined, [75, 75]],
    [10, 100, undefined, [5, 5]],
    [10, 100, 400, [3, 7]],
    [9, 3, 200, [3, 6]],
    [2, 100, 400, [1, 1]],
    [1, 100, undefined, [1, 0]],
    [10, 0, undefined, [0, 10]],
    [10, 4, 0, [4, 0]],
    [0, 100, undefined, [0, 0]],
  ])('%i samples, %i and %s wanted: %j', async (count, calibration, evaluation, expected) => {
    expect(await sizes(count, calibration, evaluation)).toEqual(expected);
  });
});

it('keeps every class in proportion', async () => {
  const items = Array.from({ length: 400 }, (_, i) => ({
    label: i < 200 ? 0 : i < 300 ? 1 : i < 380 ? 2 : 3,
  }));
  const split = await splitData(source(items), { calibration: 40, evaluation: 100, seed: 7 });
  const shares = (indices: readonly number[]) =>
    [0, 1, 2, 3].map((label) => indices.filter((i) => items[i]!.label === label).length);
  // A random offset within each class moves a share by at most one or two.
  for (const [got, wanted] of [
    [shares(split.calibration), [20, 10, 8, 2]],
    [shares(split.evaluation), [50, 25, 20, 5]],
  ] as const)
    for (const [k, n] of wanted.entries()) expect(Math.abs(got[k]! - n)).toBeLessThanOrEqual(2);
});

it('takes one from each stretch of an unlabelled folder', async () => {
  const { calibration } = await splitData(plain(1000), { calibration: 10, seed: 5 });
  expect(calibration.map((i) => Math.floor(i / 100))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

it('is the same for the same seed and another for another', async () => {
  const of = (seed: number) => splitData(plain(200), { calibration: 50, seed });
  expect(await of(1)).toEqual(await of(1));
  expect(await of(1)).not.toEqual(await of(2));
});

it('gives calibration something where everything is a copy of two pictures', async () => {
  const items = Array.from({ length: 20 }, (_, i) => ({ content: String(i % 2) }));
  const { calibration, evaluation } = await splitData(source(items), { calibration: 4, seed: 1 });
  expect(calibration).toHaveLength(4);
  expect(new Set(calibration.map((i) => i % 2)).size).toBe(1);
  expect(evaluation.every((i) => i % 2 !== calibration[0]! % 2)).toBe(true);
});

it('never lets a sample or a copy of it stand on both sides', async () => {
  const item = fc.record({ label: fc.nat(4), content: fc.nat(30).map(String) });
  await fc.assert(
    fc.asyncProperty(
      fc.array(item, { maxLength: 80 }),
      fc.nat(60),
      fc.option(fc.nat(60), { nil: undefined }),
      fc.nat(),
      async (items, calibration, evaluation, seed) => {
        const split = await splitData(source(items), {
          calibration,
          seed,
          ...(evaluation === undefined ? {} : { evaluation }),
        });
        const seen = new Set(split.calibration.map((i) => items[i]!.content));
        expect(split.evaluation.some((i) => seen.has(items[i]!.content))).toBe(false);
        expect(split.calibration.length).toBeLessThanOrEqual(calibration);
        expect(split.evaluation.length).toBeLessThanOrEqual(evaluation ?? items.length);
        if (items.length > 0 && calibration > 0) expect(split.calibration.length).toBeGreaterThan(0);
        for (const indices of [split.calibration, split.evaluation])
          expect([...new Set(indices)].sort((a, b) => a - b)).toEqual(indices);
      },
    ),
    { seed: 20240, numRuns: 300 },
  );
});
