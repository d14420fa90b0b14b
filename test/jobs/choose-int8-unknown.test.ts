/** A trial for a budget that can't be run has kept nothing. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it, vi } from 'vitest';
import { compress } from '../../src/jobs/compress.ts';
import { encodeNpy } from '../../src/model/formats/npy.ts';
import { Diagnostic } from '../../src/support/diagnostics.ts';
import { normal, outlier, width } from './outlier-model.ts';

const runs = vi.hoisted(() => ({ count: 0 }));

// The first comparison is of all layers in int8, the second of the most damaging one in float.
vi.mock('../../src/jobs/run-pair.ts', async (original) => {
  const actual = await original<typeof import('../../src/jobs/run-pair.ts')>();
  return {
    ...actual,
    runPair: async (...given: Parameters<typeof actual.runPair>) => {
      runs.count++;
      if (runs.count === 2) throw new Diagnostic('NO_MEMORY', 'environment', 'There is no memory for that.');
      return actual.runPair(...given);
    },
  };
});

const folder = mkdtempSync(join(tmpdir(), 'edgepress-choose-unknown-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('layers of which nobody knows whether they keep a budget are not taken to keep it', async () => {
  const data = join(folder, 'x.npy');
  writeFileSync(data, encodeNpy(normal([60, 16, width], 3)));
  const options = { int8: true, maxDrop: 5, data, calibrate: 20, measure: false, cache: false } as const;
  const { report } = await compress(outlier, options);
  expect(runs.count).toBeGreaterThan(2);
  expect(report.precision).toMatchObject({ mode: 'weight-only', instead: { mode: 'static' } });
  expect(report.precision.restored).toBeUndefined();
});
