/** A sweep in a terminal: the front, and what nothing was compared of. */
import { expect, it } from 'vitest';
import { describeSweep } from '../../src/cli/show-sweep.ts';
import type { SweepReport, SweepRow } from '../../src/judge/report/sweep-report.ts';

const row = (key: string, sizeBytes: number, isJudged: boolean): SweepRow => ({
  ...{
    key,
    status: 'done',
    found: false,
    model: 'net',
    target: 'wasm',
    seed: 0,
    recipe: { prune: sizeBytes },
  },
  ...{ front: false, latency: [], error: null, files: [], ms: 1, machine: null },
  metrics: {
    ...{ sizeBytes, brotliBytes: null, originalBytes: 9e6, pointsLost: isJudged ? 1 : null, agreement: null },
    ...{ sqnrDb: null, on: isJudged ? 'held-back' : null, samples: isJudged ? 9 : null },
    quality: isJudged
      ? { name: 'accuracy', value: 0.9, original: 1, unit: 'fraction', higherIsBetter: true, interval: null }
      : null,
    verdict: { level: 'good', headline: '' },
  },
});

const reportOf = (jobs: SweepRow[]): SweepReport => ({
  ...{
    schema: 'edgepress/sweep-report@1',
    tool: { name: 'edgepress', version: '0' },
    createdAt: '',
    sweep: 's',
  },
  ...{ where: 'here', complete: true, counts: { jobs: jobs.length, done: jobs.length, found: 0, failed: 0 } },
  ...{ time: { estimatedMs: null, from: '', tookMs: 1 }, jobs },
});

it('shows results that nothing was compared of, and calls none of them beaten', () => {
  const text = describeSweep(reportOf([row('a', 2e6, false), row('b', 1e6, false)]), 'out');
  expect(text).toContain('2 compared with nothing');
  expect(text).not.toContain('on the front');
  expect(text).not.toContain('beat');
  expect(text.indexOf('1.00 MB')).toBeGreaterThan(0);
  expect(text.indexOf('1.00 MB')).toBeLessThan(text.indexOf('2.00 MB'));
});

it('counts those that the front beats apart from those', () => {
  const jobs = [{ ...row('a', 1e6, true), front: true }, row('b', 2e6, true), row('c', 3e6, false)];
  const text = describeSweep(reportOf(jobs), 'out');
  expect(text).toContain('1 on the front of size and quality; 1 compared with nothing');
  expect(text).toContain('and 1 that these beat');
});
