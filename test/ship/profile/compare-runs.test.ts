import { describe, expect, it } from 'vitest';
import { compareLatency } from '../../../src/ship/profile/compare-runs.ts';
import { median } from '../../../src/support/statistics.ts';

/** Runs by turns, all of which take so many times as long as the first's. */
const turns = (factor: number, count = 500, spread = 0.002) => {
  const before = Array.from({ length: count }, (_, i) => 10 + spread * (i % 11));
  const row = (samplesMs: number[]) => ({ samplesMs, medianMs: median(samplesMs), byTurns: true });
  return [row(before), row(before.map((ms, i) => ms * factor + spread * (i % 7)))] as const;
};
const change = (factor: number) => compareLatency(...turns(factor)).change;

describe('two models that took turns', () => {
  it('are as fast where they differ by less than two sessions of one model do, however narrow the interval', () => {
    const { interval } = compareLatency(...turns(0.98));
    expect(interval[0]).toBeGreaterThan(1);
    expect([change(0.98), change(1.03)]).toEqual(['same', 'same']);
  });

  it('are faster or slower beyond that', () =>
    expect([change(0.9), change(1.1)]).toEqual(['faster', 'slower']));

  it('leave it open where the medians lie far apart and neighbouring runs do not say so', () => {
    const row = (samplesMs: number[]) => ({ samplesMs, medianMs: median(samplesMs), byTurns: true });
    const before = row([40, 130, 42, 120, 41, 75, 39, 150]);
    const after = row([120, 41, 130, 39, 100, 40, 140, 88]);
    expect(compareLatency(before, after).change).toBe('unclear');
  });
});
