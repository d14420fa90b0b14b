import { describe, expect, it } from 'vitest';
import type { DataSource } from '../../src/calibrate/source.ts';
import { qatSettings, trainingIndices } from '../../src/jobs/train-int8.ts';
import { metricNoise } from '../../src/jobs/training-run.ts';

const source = (prints: string | null) =>
  ({
    length: 6,
    ...(prints ? { fingerprint: async (i: number) => prints[i]! } : {}),
  }) as DataSource;

describe('samples that quantisation-aware training may see', () => {
  it('are all but those that the result is compared on', async () => {
    const found = await trainingIndices(source(null), { calibration: [0, 1], evaluation: [4, 5] });
    expect(found).toEqual([0, 1, 2, 3]);
  });

  it('leave out copies of those too', async () => {
    const found = await trainingIndices(source('abcabd'), { calibration: [2], evaluation: [3] });
    expect(found).toEqual([1, 2, 4, 5]);
  });
});

describe('settings of quantisation-aware training', () => {
  it('go through few samples more often', () => {
    expect(qatSettings({}, 320).epochs).toBe(20);
    expect(qatSettings({}, 50_000).epochs).toBe(5);
    expect(qatSettings({ epochs: 2 }, 320).epochs).toBe(2);
    expect(qatSettings({}, 10).batch).toBe(10);
  });

  it('take a difference of one or two in thirty held-out samples for noise, not one of a tenth in thousand', () => {
    expect(metricNoise('accuracy', 30)).toBeGreaterThan(1 / 30);
    expect(metricNoise('accuracy', 1000)).toBeLessThan(0.01);
    expect(metricNoise('SQNR', 30)).toBe(0);
  });
});
