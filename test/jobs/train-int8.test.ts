import { describe, expect, it } from 'vitest';
import { qatSettings } from '../../src/jobs/train-int8.ts';
import { metricNoise } from '../../src/jobs/training-run.ts';

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
