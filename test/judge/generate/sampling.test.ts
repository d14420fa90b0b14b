import { describe, expect, it } from 'vitest';
import { createSampler, type SamplingOptions } from '../../../src/judge/generate/sampling.ts';

const scores = Float32Array.of(1, 3, 2, 3, Number.NaN, -5);

/** Shares of `n` draws. */
function shares(options: SamplingOptions, of: Float32Array, n = 20_000): number[] {
  const sample = createSampler({ seed: 1, ...options });
  const counts = new Array<number>(of.length).fill(0);
  for (let i = 0; i < n; i++) counts[sample(of)]!++;
  return counts.map((c) => c / n);
}

// Five standard errors of a share of 20 000 draws, √(¼/20 000)·5.
const tolerance = 0.018;
const closeTo = (actual: readonly number[], expected: readonly number[]) => {
  for (const [i, p] of expected.entries())
    expect(Math.abs(actual[i]! - p)).toBeLessThan(p === 0 ? 1e-12 : tolerance);
};

it('takes the best, the first of equals, when no option asks for more', () => {
  expect(createSampler()(scores)).toBe(1);
  expect(createSampler({ temperature: 0, topP: 0.5 })(scores)).toBe(1);
});

describe('sampling', () => {
  const logs = Float32Array.from([0.1, 0.2, 0.3, 0.4].map(Math.log));

  it('draws each token with its probability', () => {
    closeTo(shares({ temperature: 1 }, logs), [0.1, 0.2, 0.3, 0.4]);
  });

  it('sharpens by a low temperature', () => {
    // At ½ probabilities are squared: 1, 4, 9, 16 of 30.
    closeTo(shares({ temperature: 0.5 }, logs), [1 / 30, 4 / 30, 9 / 30, 16 / 30]);
  });

  it('keeps the k best, and equals of the last', () => {
    closeTo(shares({ topK: 2 }, logs), [0, 0, 3 / 7, 4 / 7]);
    closeTo(shares({ topK: 1 }, scores), [0, 0.5, 0, 0.5, 0, 0]);
    closeTo(shares({ topK: 99 }, logs), [0.1, 0.2, 0.3, 0.4]);
  });

  it('keeps the fewest that reach p together', () => {
    closeTo(shares({ topP: 0.65 }, logs), [0, 0, 3 / 7, 4 / 7]);
    closeTo(shares({ topP: 0.75 }, logs), [0, 2 / 9, 3 / 9, 4 / 9]);
    closeTo(shares({ topP: 1 }, logs), [0.1, 0.2, 0.3, 0.4]);
  });

  it('applies top-p to what top-k left', () => {
    // Of 3/7 and 4/7 the larger alone reaches a half.
    closeTo(shares({ topK: 2, topP: 0.5 }, logs), [0, 0, 0, 1]);
  });

  it('gives the same draws for the same seed, others for another', () => {
    const draws = (seed: number, stream = 0) => {
      const sample = createSampler({ temperature: 1, seed }, stream);
      return Array.from({ length: 30 }, () => sample(logs)).join('');
    };
    expect(draws(7)).toBe(draws(7));
    expect(new Set([draws(7), draws(8), draws(7, 1)]).size).toBe(3);
  });

  it('never takes NaN, bears infinities, and refuses NaN alone', () => {
    expect(shares({ temperature: 1 }, scores)[4]).toBe(0);
    const one = Float32Array.of(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 0);
    expect(shares({ temperature: 1 }, one, 10)).toEqual([0, 1, 0]);
    const refused = expect.objectContaining({ code: 'LOGITS_NOT_NUMBERS' });
    expect(() => createSampler()(Float32Array.of(Number.NaN))).toThrow(refused);
  });

  it.each([
    { temperature: -1 },
    { temperature: Number.NaN },
    { topK: 0 },
    { topK: 1.5 },
    { topP: 0 },
    { topP: 1.1 },
  ])('refuses %o', (options) => {
    expect(() => createSampler(options)).toThrow(expect.objectContaining({ code: 'GENERATION_OPTION' }));
  });
});
