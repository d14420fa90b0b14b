import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/support/random.ts';
import { medianInterval } from '../../src/support/statistics.ts';

describe('medianInterval', () => {
  it('is the whole range for few samples', () => {
    expect(medianInterval([3, 1, 2])).toEqual([1, 3]);
    expect(medianInterval([5])).toEqual([5, 5]);
  });

  it('contains the true median of a skewed distribution about 95 times in 100', () => {
    // Exponential with mean 1: median ln 2. 2000 trials of 41 samples; 3 standard errors of a 95 % rate are 1.5 %.
    const random = createRandom(7);
    let hits = 0;
    for (let i = 0; i < 2000; i++) {
      const samples = Array.from({ length: 41 }, () => -Math.log(1 - random.next()));
      const [low, high] = medianInterval(samples);
      if (low <= Math.LN2 && Math.LN2 <= high) hits++;
    }
    expect(hits / 2000).toBeGreaterThan(0.935);
    expect(hits / 2000).toBeLessThan(0.99);
  });
});
