import { expect, it } from 'vitest';
import { createPerplexityMeter } from '../../../src/judge/evaluate/perplexity.ts';

const logits = [1, 2, 3, 0, 0, 0, 1000, 998, 0];

// Expected numbers: numpy in float64, log-sum-exp with the largest taken out.
it('agrees with numpy, without overflow at large logits', () => {
  const meter = createPerplexityMeter();
  meter.add(logits, 3, [2, 0, 1]);
  const { tokens, nll, perplexity, bitsPerToken, bitsPerCharacter } = meter.result();
  expect(tokens).toBe(3);
  expect(nll).toBeCloseTo(1.211048754718494, 12);
  expect(perplexity).toBeCloseTo(3.3570034802728452, 12);
  expect(bitsPerToken).toBeCloseTo(1.211048754718494 / Math.log(2), 12);
  expect(bitsPerCharacter).toBeNull();
});

it('is the size of the vocabulary for a model that knows nothing', () => {
  const meter = createPerplexityMeter();
  meter.add(new Float32Array(4 * 512), 512, [0, 5, 100, 511], 8);
  const { perplexity, bitsPerToken, bitsPerCharacter } = meter.result();
  expect(perplexity).toBeCloseTo(512, 9);
  expect(bitsPerToken).toBeCloseTo(9, 12);
  expect(bitsPerCharacter).toBeCloseTo(4.5, 12);
});

it('passes over negative targets', () => {
  const meter = createPerplexityMeter();
  meter.add(logits, 3, [-100, 0, -100]);
  expect(meter.result()).toMatchObject({ tokens: 1, nll: Math.log(3) });
});

it('refuses a token outside the vocabulary', () => {
  expect(() => createPerplexityMeter().add([0, 0], 2, [2])).toThrow(
    expect.objectContaining({ code: 'LABEL_RANGE' }),
  );
});

it('has nothing to say before the first token', () => {
  expect(createPerplexityMeter().result()).toMatchObject({ tokens: 0, nll: null, perplexity: null });
});
