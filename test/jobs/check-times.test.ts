import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CheckOptions, check } from '../../src/jobs/check.ts';
import { latencyRow } from '../../src/jobs/check-times.ts';
import type { Timed } from '../../src/jobs/time-result.ts';
import type { CheckReport } from '../../src/judge/report/check-report.ts';
import { measuredText } from '../../src/judge/report/check-words.ts';
import { findBrowser } from '../../src/ship/profile/browsers.ts';
import { describeMachine, installedVersion } from '../../src/ship/profile/machine.ts';
import { runtimeBrotliBytes } from '../../src/ship/profile/runtime-sizes.ts';
import { latency, sampleReport } from '../judge/report/sample.ts';

let folder: string;
const path = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgepress-check-times-'));
  for (const name of ['original', 'result']) cpSync('fixtures/models/digits-mlp.onnx', path(`${name}.onnx`));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rowsOf = async (options: CheckOptions): Promise<CheckReport['rows']> =>
  (await check(path('result.onnx'), options)).report.rows;

describe('latency', () => {
  it('is measured on a device, alone, and by turns with the original', async () => {
    expect(await rowsOf({ maxLatency: '100s' })).toMatchObject([
      { subject: 'wasm', status: 'kept', base: null, on: expect.stringMatching(/runs on wasm, 1 thread/) },
    ]);
    const against = path('original.onnx');
    const [row] = await rowsOf({ maxLatency: '0.001µs', against, device: ['node'] });
    expect(row).toMatchObject({ subject: 'node', status: 'exceeded', measured: { unit: 'ms' } });
    expect(row!.on).toMatch(/runs by turns on cpu/);
    // A network takes as long as itself, give or take what no machine is as noisy as.
    expect(await rowsOf({ maxLatency: '100000%', against })).toMatchObject([
      { status: 'kept', measured: { unit: 'share' }, value: { unit: 'ms' }, base: { unit: 'ms' } },
    ]);
  });

  it('is compared with a report of this very machine and runtime, and of no other', async () => {
    const device = `this machine (${describeMachine().cpu})`;
    const runtime = `onnxruntime-web ${installedVersion('onnxruntime-web')}`;
    const against = path('earlier.report.json');
    const ask = async (change: object) => {
      const earlier = { ...latency('after', device, 'wasm', 1, 40), runtime, ...change };
      writeFileSync(against, JSON.stringify(sampleReport({ latency: [earlier] })));
      return rowsOf({ maxLatency: '100%', against });
    };
    expect(await ask({})).toMatchObject([
      { status: 'kept', base: { value: latency('after', device, 'wasm', 1, 40).medianMs } },
    ]);
    for (const other of [{ device: 'a phone' }, { runtime: 'onnxruntime-web 1.0.0' }, { threads: 4 }])
      expect(await ask(other)).toMatchObject([{ status: 'not-measured', measured: null }]);
  });

  it.skipIf(findBrowser('edge'))('on a device that is not there is not kept, and says why', async () => {
    const rows = await rowsOf({ maxLatency: '100s', device: ['edge'] });
    expect(rows).toMatchObject([
      { subject: 'edge', status: 'not-measured', reason: expect.stringMatching(/edge/) },
    ]);
  });

  const timed = (intervalMs: readonly [number, number]): Timed => ({
    ...{ subject: 'wasm', on: '10 runs', medianMs: 20, intervalMs, beside: null, firstResultMs: null },
  });

  it.each([
    ['far from the budget', 30, [10, 25], 'kept', '20.0 ms'],
    ['beyond it', 15, [18, 22], 'exceeded', '20.0 ms'],
    ['near it', 20.5, [18, 22], 'kept', '20.0 ms, within noise'],
    ['anywhere', 20.5, [10, 40], 'not-measured', 'not measured'],
  ] as const)('that is %s, with its noise, is judged so', (_, value, interval, status, text) => {
    const row = latencyRow({ unit: 'ms', value }, timed(interval));
    expect(row.status).toBe(status);
    expect(measuredText(row)).toBe(text);
  });
});

describe('a first visit', () => {
  it('downloads model and runtime as Brotli has them', async () => {
    const bytes = readFileSync(path('result.onnx'));
    const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length };
    const total = brotliCompressSync(bytes, { params }).length + runtimeBrotliBytes('onnxruntime-web/wasm');
    expect(await rowsOf({ maxFirstVisit: `${total}B` })).toMatchObject([
      { status: 'kept', measured: { unit: 'bytes', value: total } },
    ]);
    expect(await rowsOf({ maxFirstVisit: `${total - 1}B` })).toMatchObject([{ status: 'exceeded' }]);
  });

  it.skipIf(!findBrowser('chromium'))(
    'takes a phone at least as long as its network does (skipped: no Chromium)',
    async () => {
      const [row] = await rowsOf({ maxFirstVisit: '600s' });
      expect(row).toMatchObject({ subject: 'chromium:phone', status: 'kept', measured: { unit: 'ms' } });
      // Chrome's "Fast 4G": 9 Mbit/s less a tenth, 165 ms.
      const wireMs = 165 + runtimeBrotliBytes('onnxruntime-web/wasm') / 1012.5;
      expect(row!.measured!.value).toBeGreaterThan(wireMs);
    },
  );
});

it.each<[string, CheckOptions, string]>([
  ['an unknown device', { maxLatency: '20ms', device: ['wasn'] }, 'UNKNOWN_DEVICE'],
  ['a share of no time', { maxLatency: '110%' }, 'OPTION_WITHOUT_EFFECT'],
  ['a size for a time', { maxLatency: '4MB' }, 'INVALID_ARGUMENT'],
  ['a device that nothing is timed on', { maxSize: '4MB', device: ['wasm'] }, 'OPTION_WITHOUT_EFFECT'],
  ['a first visit without a network', { maxFirstVisit: '5s', device: ['wasm'] }, 'OPTION_WITHOUT_EFFECT'],
])('%s is refused', async (_, options, code) => {
  await expect(check(path('result.onnx'), options)).rejects.toMatchObject({ code });
});
