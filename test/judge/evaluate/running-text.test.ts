import { expect, it } from 'vitest';
import { createRunningTextMeter } from '../../../src/judge/evaluate/running-text.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';

const ids = (...values: number[]) => tensorOf('int64', [1, values.length], values);
/** Two words in the vocabulary; each row gives the second the odds e^x to 1. */
const scores = (...odds: number[]) =>
  tensorOf(
    'float32',
    [1, odds.length, 2],
    odds.flatMap((x) => [0, x]),
  );
const meter = (mask: string | null = null) => createRunningTextMeter({ tokens: 'ids', mask, logits: 'y' });

it('gives the perplexity of both models of each token from those before', () => {
  const m = meter();
  // Odds e^0.1 to 1 and 3 to 1 for what comes: 1 + e^-0.1 and 4/3. The last row predicts what isn't there.
  m.add({ y: scores(0.1, -0.1, 9) }, { y: scores(Math.log(3), -Math.log(3), 9) }, { ids: ids(0, 1, 0) });
  const found = m.result()!;
  expect(found.tokens).toBe(2);
  expect(found.before).toBeCloseTo(1 + Math.exp(-0.1), 5);
  expect(found.after).toBeCloseTo(4 / 3, 5);
});

it('counts nothing of what fills up, by the mask or by the token that is repeated to the end', () => {
  const [x, filled] = [{ y: scores(1, 1, 1, 1) }, ids(0, 1, 1, 1)];
  const masked = meter('mask');
  masked.add(x, x, { ids: ids(0, 1, 0, 0), mask: ids(1, 1, 0, 0) });
  expect(masked.result()!.tokens).toBe(1);
  const repeated = meter();
  repeated.add(x, x, { ids: filled });
  expect(repeated.result()!.tokens).toBe(1);
});

it('says nothing where there are scores of the last token alone', () => {
  const m = meter();
  m.add({ y: scores(0) }, { y: scores(0) }, { ids: ids(0, 1, 0) });
  expect(m.result()).toBeNull();
});

it('says nothing of text that the first model knows less of than nothing', () => {
  const m = meter();
  // Odds 9 to 1 for what doesn't come: perplexity 10, where a coin has 2.
  m.add({ y: scores(-Math.log(9), 0) }, { y: scores(0, 0) }, { ids: ids(0, 1) });
  expect(m.result()).toBeNull();
});
