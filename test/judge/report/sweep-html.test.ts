/** The page of a sweep. */

import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, it } from 'vitest';
import { sweepReportJsonSchema } from '../../../src/judge/report/json-schema.ts';
import { renderSweepHtml } from '../../../src/judge/report/sweep-html.ts';
import type { SweepReport, SweepRow } from '../../../src/judge/report/sweep-report.ts';

const base = {
  found: false,
  target: 'wasm' as const,
  seed: 0,
  front: false,
  latency: [],
  ms: 1,
  machine: 'here',
};

const done = (key: string, sizeBytes: number, pointsLost: number, prune: number): SweepRow => ({
  ...base,
  ...{
    key,
    status: 'done',
    model: 'net',
    recipe: { prune },
    error: null,
    files: [`jobs/${key}/m.report.html`],
  },
  front: sizeBytes < 100,
  metrics: {
    ...{
      sizeBytes,
      brotliBytes: null,
      originalBytes: 400,
      pointsLost,
      agreement: 1,
      sqnrDb: null,
      on: 'held-back',
      samples: 9,
    },
    quality: {
      name: 'accuracy',
      value: 0.9,
      original: 0.91,
      unit: 'fraction',
      higherIsBetter: true,
      interval: null,
    },
    verdict: { level: 'good', headline: '' },
  },
});

const failed: SweepRow = {
  ...base,
  ...{
    key: 'f',
    status: 'failed',
    model: '<script>alert(1)</script>',
    recipe: { fp16: true },
    metrics: null,
    files: [],
  },
  error: { code: 'JOB_CRASHED', kind: 'unsupported', message: 'It <b>died</b>.', hint: null },
};

const reportOf = (jobs: SweepRow[], complete: boolean): SweepReport => ({
  ...{
    schema: 'edgepress/sweep-report@1',
    tool: { name: 'edgepress', version: '1' },
    createdAt: '2026-01-02T00:00:00Z',
  },
  ...{ sweep: 'sweep.json', where: 'here', complete, jobs },
  counts: { jobs: jobs.length, done: jobs.length - 1, found: 0, failed: 1 },
  time: { estimatedMs: 1000, from: 'a guess', tookMs: 2000 },
});

const jobs = [done('a', 50, 2, 10), done('b', 80, 1, 20), done('c', 200, 1.5, 30), failed];

it('shows each job with its numbers, the front, and what failed with its code', async () => {
  const page = await renderSweepHtml(reportOf(jobs, true));
  for (const text of ['prune 10', 'jobs/a/m.report.html', 'JOB_CRASHED', '50 % too short', '<svg'])
    expect(page).toContain(text);
  expect(page.match(/<span class="badge good">front<\/span>/g)).toHaveLength(2);
  expect(page).not.toContain('<script>alert');
  expect(page).not.toContain('<b>died');
});

it('loads itself again until the sweep is done, and not after', async () => {
  expect(await renderSweepHtml(reportOf(jobs, false))).toContain('http-equiv="refresh"');
  expect(await renderSweepHtml(reportOf(jobs, true))).not.toContain('http-equiv="refresh"');
});

it('is of a report that its JSON Schema describes', () => {
  const validate = new Ajv2020({ strict: false }).compile(sweepReportJsonSchema());
  expect(validate(reportOf(jobs, true))).toBe(true);
  expect(validate({ ...reportOf(jobs, true), jobs: [{}] })).toBe(false);
});
