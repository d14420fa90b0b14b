/** Which run is called the fastest. */
import { expect, it } from 'vitest';
import type { Against } from '../../../src/ship/emit/manifest.ts';
import { fastestRuns, type RunTimes } from '../../../src/ship/profile/fastest.ts';

const run = (variant: string, medianMs: number, more: Partial<RunTimes> = {}): RunTimes => ({
  ...{ variant, place: 'wasm', adapter: null, medianMs, intervalMs: [medianMs * 0.99, medianMs * 1.01] },
  ...more,
});
const against = (low: number, high: number): Against => ({
  ...{ variant: 'float', ratio: Math.sqrt(low * high), interval: [low, high] },
  change: low > 1 ? 'faster' : high < 1 ? 'slower' : 'same',
});
const fastest = (...runs: RunTimes[]) => fastestRuns(runs, (r) => r).map((r) => r.variant);

it('is one that took turns with the others and was faster, neighbour by neighbour', () => {
  expect(fastest(run('float', 10), run('int8', 8, { against: against(1.2, 1.3) }))).toEqual(['int8']);
  expect(fastest(run('int8', 12, { against: against(0.8, 0.9) }), run('float', 10))).toEqual(['float']);
});

it('are both where the interval of the ratio holds 1, however far the medians are apart', () => {
  expect(fastest(run('float', 10), run('int8', 8, { against: against(0.9, 1.4) }))).toEqual([
    'int8',
    'float',
  ]);
});

it('is found among two by their ratios with the third, where these lie apart', () => {
  const float = run('float', 10);
  const int8 = run('int8', 5, { against: against(1.9, 2.1) });
  expect(fastest(float, int8, run('tfjs', 4, { against: against(2.4, 2.6) }))).toEqual(['tfjs']);
  expect(fastest(float, int8, run('tfjs', 4.9, { against: against(1.95, 2.3) }))).toEqual(['tfjs', 'int8']);
});

it('at another place needs intervals that lie apart by more than a tenth, as the two ran at different times', () => {
  const wide = { intervalMs: [6, 11] as const };
  expect(fastest(run('float', 10), run('float', 7, { place: 'wasm × 4' }))).toHaveLength(1);
  expect(fastest(run('float', 10), run('float', 9.4, { place: 'wasm × 4' }))).toHaveLength(2);
  expect(fastest(run('float', 10), run('float', 7, { place: 'wasm × 4', ...wide }))).toHaveLength(2);
});

it('is never what the CPU computed in the place of a GPU, which does not count against others either', () => {
  const software = run('fp16', 1, { place: 'webgpu', adapter: 'unknown (software)' });
  expect(fastest(software, run('float', 10))).toEqual(['float']);
  expect(fastest(software)).toEqual([]);
  expect(fastest(run('fp16', 1, { place: 'webgpu', adapter: 'apple metal-3' }), run('float', 10))).toEqual([
    'fp16',
  ]);
});
