import fc from 'fast-check';
import { expect, it } from 'vitest';
import { withFront } from '../../../src/judge/report/sweep-front.ts';
import type { SweepRow } from '../../../src/judge/report/sweep-report.ts';

function row(
  key: string,
  sizeBytes: number,
  pointsLost: number,
  more: { ms?: number; model?: string } = {},
): SweepRow {
  const measured = {
    device: 'wasm',
    medianMs: more.ms ?? 0,
    interval: [0, 0] as [number, number],
    originalMs: null,
    share: null,
    on: '',
  };
  const quality = {
    name: 'accuracy',
    value: 1,
    original: 1,
    unit: 'fraction',
    higherIsBetter: true,
    interval: null,
  };
  return {
    ...{
      key,
      status: 'done',
      found: false,
      model: more.model ?? 'm',
      target: 'wasm',
      seed: 0,
      recipe: {},
      front: false,
    },
    metrics: {
      ...{
        sizeBytes,
        brotliBytes: null,
        originalBytes: 1,
        quality,
        pointsLost,
        agreement: null,
        sqnrDb: null,
      },
      ...{ on: 'held-back', samples: 1, verdict: { level: 'good', headline: '' } },
    },
    latency:
      more.ms === undefined ? [] : [{ key: '', device: 'wasm', status: 'done', measured, error: null }],
    ...{ error: null, files: [], ms: 0, machine: null },
  };
}

const front = (rows: SweepRow[]) => withFront(rows).flatMap((one) => (one.front ? [one.key] : []));

it('marks what no other is better than in size and loss at once', () => {
  expect(
    front([row('a', 100, 0), row('b', 50, 1), row('c', 60, 1), row('d', 40, 3), row('e', 100, 2)]),
  ).toEqual(['a', 'b', 'd']);
});

it('keeps equals', () => {
  expect(front([row('a', 50, 1), row('b', 50, 1)])).toEqual(['a', 'b']);
});

it('counts time where all have it, and not where one has none', () => {
  const timed = [row('a', 50, 1, { ms: 5 }), row('b', 60, 1, { ms: 4 }), row('c', 60, 1, { ms: 6 })];
  expect(front(timed)).toEqual(['a', 'b']);
  expect(front([...timed, row('d', 70, 1)])).toEqual(['a']);
});

it('compares times of one device only', () => {
  const on = (device: string, one: SweepRow): SweepRow => ({
    ...one,
    latency: one.latency.map((time) => ({ ...time, device })),
  });
  // By time alone the second would be beaten, were node's time one of wasm.
  const [a, b] = [row('a', 50, 1, { ms: 9 }), on('node', row('b', 60, 1, { ms: 4 }))];
  expect(front([a, b])).toEqual(['a']);
  const both = (one: SweepRow, ms: number): SweepRow => ({
    ...one,
    latency: [...one.latency, ...on('node', row(one.key, 1, 1, { ms })).latency],
  });
  // The order in which they were timed says nothing.
  const c = both(row('c', 50, 1, { ms: 9 }), 2);
  const d = {
    ...both(row('d', 60, 1, { ms: 9 }), 3),
    latency: both(row('d', 60, 1, { ms: 9 }), 3).latency.reverse(),
  };
  expect(front([c, d])).toEqual(['c']);
});

it('compares rows of one model only, and none that failed', () => {
  const failed: SweepRow = { ...row('f', 1, 0), status: 'failed', metrics: null };
  expect(front([row('a', 50, 1), row('b', 60, 2, { model: 'n' }), failed])).toEqual(['a', 'b']);
});

it('takes times that differ by noise for equal', () => {
  expect(front([row('a', 50, 1, { ms: 5 }), row('b', 60, 1, { ms: 4.95 })])).toEqual(['a']);
});

it('is the same as comparing each with each', () => {
  const rows = fc.array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 30 });
  fc.assert(
    fc.property(rows, (points) => {
      const beaten = ([a, b]: readonly [number, number]) =>
        points.some(([c, d]) => c <= a && d <= b && (c < a || d < b));
      const expected = points.flatMap((point, i) => (beaten(point) ? [] : [String(i)]));
      expect(front(points.map(([size, loss], i) => row(String(i), size, loss)))).toEqual(expected);
    }),
  );
});
