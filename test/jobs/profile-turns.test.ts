/** Which variants share a page, and what is said of them; the device is one that answers with given samples. */
import { expect, it } from 'vitest';
import { takeTurns } from '../../src/jobs/profile-rows.ts';
import type { BundleMeasurement } from '../../src/ship/emit/manifest.ts';
import type { Device, ProfileRow, Subject } from '../../src/ship/profile/device.ts';
import { engineRun } from '../../src/support/diagnostics/engines.ts';
import { median } from '../../src/support/statistics.ts';

/** Milliseconds of each run in a shared page: all are slowed down alike in the middle. */
const load = [1, 1, 5, 5, 5, 1, 1, 1, 1];
const paceMs = (name: string, i: number) =>
  name === 'tfjs' ? 2 : name === 'float' ? 4 : i % 2 === 0 ? 3.6 : 4.4;

function deviceFor(atMost: number, pages: string[][] = []): Device {
  return {
    ...{ name: 'chromium', title: 'Chromium', emulated: false, providers: ['wasm'] },
    refuses: () => null,
    measure: () => Promise.reject(new Error('not asked for here')),
    async measureByTurns(subjects) {
      pages.push(subjects.map((s) => s.name));
      if (subjects.length > atMost) throw engineRun('onnxruntime-web', 'out of memory', 'unsupported');
      return subjects.map(({ name }) => {
        const samplesMs = load.map((slow, i) => paceMs(name, i) * slow);
        const times = { medianMs: median(samplesMs), p90Ms: 9, minMs: 1, intervalMs: [1, 9] as const };
        return { createMs: 99, firstRunMs: 99, warmup: 3, samplesMs, ...times };
      });
    },
    close: async () => {},
  };
}

const names = ['tfjs', 'float', 'same'];
const subjects = names.map((name) => ({ name }) as unknown as Subject);
const alone = names.map((subject): ProfileRow => {
  const result = { createMs: 7, firstRunMs: 8, medianMs: 100, p90Ms: 100 } as BundleMeasurement;
  const measured = { result, samplesMs: [100], intervalMs: [100, 100] as const, notes: [] };
  return { subject, device: 'chromium', provider: 'wasm', threads: 1, measured, reason: null };
});
const against = (row: ProfileRow) => row.measured!.result.against;
const turns = (device: Device, rows = alone) => takeTurns(device, subjects, rows, { events: {} });

it('puts all in one page, compares each with the float variant, and leaves what a first visit costs', async () => {
  const pages: string[][] = [];
  const rows = await turns(deviceFor(3, pages));
  expect(pages).toEqual([['float', 'tfjs', 'same']]);
  expect(rows.map((row) => row.subject)).toEqual(names);
  expect(against(rows[0]!)).toMatchObject({ variant: 'float', ratio: 2, change: 'faster' });
  expect(against(rows[1]!)).toBeUndefined();
  expect(against(rows[2]!)).toMatchObject({ change: 'same' });
  expect(rows[0]!.measured!.result).toMatchObject({
    createMs: 7,
    firstRunMs: 8,
    medianMs: 2,
    repetitions: 9,
  });
});

it('goes by pairs where a page does not hold all, and says who was timed alone where it holds but one', async () => {
  const pages: string[][] = [];
  const rows = await turns(deviceFor(2, pages));
  expect(pages.slice(1)).toEqual([
    ['float', 'tfjs'],
    ['float', 'same'],
  ]);
  expect(rows.map((row) => against(row)?.change)).toEqual(['faster', undefined, 'same']);
  const none = await turns(deviceFor(1));
  expect(none.map((row) => row.measured!.result.medianMs)).toEqual([100, 100, 100]);
  expect(none[0]!.measured!.notes).toEqual(['timed alone, not by turns with float']);
});

it('leaves a place with one variant, and what was not measured, as they are', async () => {
  const pages: string[][] = [];
  const rows = [alone[0]!, { ...alone[1]!, measured: null, reason: 'no' }, { ...alone[2]!, threads: 2 }];
  expect(await turns(deviceFor(3, pages), rows)).toEqual(rows);
  expect(pages).toEqual([]);
});
