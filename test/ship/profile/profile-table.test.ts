import { describe, expect, it } from 'vitest';
import { listing, overview } from '../../../src/cli/show-profile.ts';
import { mergeRows } from '../../../src/jobs/profile.ts';
import type { Against, BundleMeasurement, Manifest } from '../../../src/ship/emit/manifest.ts';
import type { Profile, ProfileRow } from '../../../src/ship/profile/device.ts';

const measurement = (medianMs: number, change: Partial<BundleMeasurement> = {}): BundleMeasurement => ({
  device: 'a machine',
  host: 'Chromium 140.0',
  provider: 'wasm',
  threads: 1,
  runtime: 'onnxruntime-web 1.30.0',
  adapter: null,
  emulated: false,
  ...{ downloadMs: 10, compileMs: 20, createMs: 30, firstRunMs: 5, warmup: 3, repetitions: 10 },
  ...{ medianMs, p90Ms: medianMs * 1.5, peakBytes: null, measuredAt: '2026-01-01T00:00:00.000Z' },
  ...change,
});

const row = (
  subject: string,
  device: string,
  medianMs: number | null,
  reason = 'made for webgpu',
): ProfileRow => ({
  ...{ subject, device, provider: 'wasm', threads: 1 },
  measured:
    medianMs === null
      ? null
      : { result: measurement(medianMs), samplesMs: [medianMs], intervalMs: [medianMs, medianMs], notes: [] },
  reason: medianMs === null ? reason : null,
});

/** By turns with the float variant. */
const timed = (row: ProfileRow, ratio: number, change: Against['change'] = 'faster'): ProfileRow => {
  const against: Against = { variant: 'float', ratio, interval: [ratio * 0.98, ratio * 1.02], change };
  const { measured } = row;
  return { ...row, measured: measured && { ...measured, result: { ...measured.result, against } } };
};

const sample: Profile = {
  target: 'bundle',
  devices: [
    { name: 'chromium', title: 'Chromium 140.0', emulated: false },
    { name: 'chromium:phone', title: 'Chromium 140.0, phone emulated: CPU 4 times slower', emulated: true },
  ],
  rows: [
    row('float', 'chromium', 40),
    timed(row('wasm-int8', 'chromium', 20), 2.04),
    row('webgpu-fp16', 'chromium', null),
    row('float', 'chromium:phone', 160),
    timed(row('wasm-int8', 'chromium:phone', 200), 0.8, 'slower'),
    row('webgpu-fp16', 'chromium:phone', null),
  ],
  written: null,
};

describe('the table of a profile', () => {
  it('marks the fastest of each device and says of the rest why it was not measured', () => {
    const text = listing(sample);
    const marked = text.split('\n').filter((line) => line.includes('◀') && !line.includes('fastest'));
    expect(marked).toHaveLength(2);
    expect(marked[0]).toMatch(/wasm-int8 .* 20\.0 ms ◀ +2\.0×/);
    expect(marked[1]).toMatch(/float .* 160\.0 ms ◀/);
    expect(text).toMatch(/webgpu-fp16 on chromium wasm: not measured: made for webgpu/);
    // Memory that nobody told is a dash, never zero.
    expect(text).toMatch(/60\.0 ms\s+–$/m);
    expect(text).toMatch(/phone emulated/);
  });

  it('marks both where one is as fast as the other within noise', () => {
    const [float, int8] = sample.rows;
    const same = { ...sample, rows: [float!, timed(int8!, 1.01, 'same')] };
    expect(listing(same)).toMatch(/float .* 40\.0 ms ◀.*\n.*wasm-int8 .* 20\.0 ms ◀ +≈/);
    expect(listing(same)).toContain('wasm-int8 on chromium wasm: as fast as float, within noise');
    expect(overview(same)).toContain('20.0 ms (as fast, within noise) ◀');
  });

  it('shows a GPU that the CPU stands in for as such, and does not rank it', () => {
    const float = sample.rows[0]!;
    const { result } = float.measured!;
    const software = { ...result, medianMs: 1, provider: 'webgpu', adapter: 'unknown (software)' };
    const gpu: ProfileRow = {
      ...{ ...float, provider: 'webgpu' },
      measured: { ...float.measured!, result: software },
    };
    const profile = { ...sample, rows: [...sample.rows.slice(0, 2), gpu] };
    expect(listing(profile)).toMatch(/float +webgpu \(CPU\) .* 1\.00 ms +\d/);
    expect(overview(profile)).toMatch(/chromium webgpu \(CPU\)/);
    for (const show of [listing, overview])
      expect(show(profile).match(/ms(?: \(2\.0×\))? ◀/g)).toHaveLength(1);
  });

  it('fits 80 columns with names of usual length', () => {
    const tables = listing(sample)
      .split('\n')
      .filter((line) => / ms /.test(line));
    for (const line of tables) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  it('shows bytes and first result of a first visit, the soonest marked, where a network is emulated', () => {
    const visit = (row: ProfileRow, modelBytes: number, firstResultMs: number | null): ProfileRow => ({
      ...row,
      visit: { modelBytes, runtimeBytes: 2_060_000, firstResultMs },
    });
    const rows = sample.rows.slice(3, 5);
    const phone = [visit(rows[0]!, 9_670_000, 17_100), visit(rows[1]!, 3_370_000, 10_400)];
    const here = sample.rows.slice(0, 2).map((row) => visit(row, 9_670_000, null));
    for (const show of [listing, overview]) {
      const text = show({ ...sample, rows: [...here, ...phone] });
      expect(text).toMatch(/first visit +on +model +runtime +bytes +first result$/m);
      expect(text).toMatch(/float +wasm +9\.67 MB +2\.06 MB +11\.7 MB +17\.1 s *$/m);
      expect(text).toMatch(/wasm-int8 +wasm +3\.37 MB +2\.06 MB +5\.43 MB +10\.4 s ◀$/m);
      expect(text).toContain('first result = those bytes over the network emulated');
    }
    const own = listing({ ...sample, rows: here });
    expect(own).toMatch(/first visit +on +model +runtime +bytes$/m);
    expect(own).not.toContain('first result');
  });

  it('compares variants down and devices across, against the first variant there', () => {
    const lines = overview(sample).split('\n');
    expect(lines[0]).toMatch(/median +chromium wasm +chromium:phone wasm/);
    expect(lines[1]).toMatch(/float +40\.0 ms +160\.0 ms ◀/);
    expect(lines[2]).toMatch(/wasm-int8 +20\.0 ms \(2\.0×\) ◀ +200\.0 ms \(0\.80×\)/);
    expect(lines[3]).toMatch(/webgpu-fp16 +– +–/);
    expect(lines.join('\n')).toMatch(/phone emulated/);
  });
});

it('replaces what was measured at the same place before and keeps the rest', () => {
  const elsewhere = measurement(7, { device: 'a phone' });
  const variant = { name: 'float', measured: [measurement(99), elsewhere] };
  const manifest = { variants: [variant, { name: 'other', measured: [] }] } as unknown as Manifest;
  const merged = mergeRows(manifest, sample.rows.slice(0, 3));
  expect(merged.variants[0]!.measured).toEqual([elsewhere, measurement(40)]);
  expect(merged.variants[1]!.measured).toEqual([]);
});
