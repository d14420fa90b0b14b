import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/support/random.ts';
import { binomialTail, medianInterval, pairedInterval } from '../../src/support/statistics.ts';

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

describe('pairedInterval', () => {
  it('is that of the literature', () => {
    // Airway hyper-responsiveness (Bentur et al. 2009) in Fagerland, Lydersen and Laake 2014: −0.507 to −0.026 for before − after.
    const [low, high] = pairedInterval({ both: 1, onlyBefore: 1, onlyAfter: 7, neither: 12 })!;
    expect([-high, -low].map((x) => x.toFixed(3))).toEqual(['-0.507', '-0.026']);
  });

  it('turns round with the two, and is none without samples', () => {
    const [low, high] = pairedInterval({ both: 80, onlyBefore: 5, onlyAfter: 2, neither: 13 })!;
    const [turned, round] = pairedInterval({ both: 80, onlyBefore: 2, onlyAfter: 5, neither: 13 })!;
    expect([turned, round]).toEqual([expect.closeTo(-high, 12), expect.closeTo(-low, 12)]);
    expect(pairedInterval({ both: 0, onlyBefore: 0, onlyAfter: 0, neither: 0 })).toBeNull();
  });

  it('contains the true difference at least about 95 times in 100', () => {
    // 82 % right before, 80 % after, 1 in 20 samples apart; 3 standard errors of a 95 % rate over 2000 trials are 1.5 %.
    const random = createRandom(11);
    let hits = 0;
    for (let i = 0; i < 2000; i++) {
      const counts = { both: 0, onlyBefore: 0, onlyAfter: 0, neither: 0 };
      for (let k = 0; k < 200; k++) {
        const x = random.next();
        counts[x < 0.785 ? 'both' : x < 0.82 ? 'onlyBefore' : x < 0.835 ? 'onlyAfter' : 'neither']++;
      }
      const [low, high] = pairedInterval(counts)!;
      if (low <= -0.02 && -0.02 <= high) hits++;
    }
    expect(hits / 2000).toBeGreaterThan(0.935);
  });
});

describe('binomialTail', () => {
  // Sums of exact binomial coefficients, in Python.
  it.each([
    [4, 16, 0.25, 0.5950128899421543],
    [130, 1000, 0.1, 0.0013413983708734673],
    [0, 8, 0.5, 1],
  ])('is the probability of %d successes or more of %d with %d each', (k, n, p, sum) =>
    expect(binomialTail(k, n, p)).toBeCloseTo(sum, 10),
  );
});
