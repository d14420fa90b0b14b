import { expect, it } from 'vitest';
import { createExactMatchMeter } from '../../../src/judge/evaluate/exact-match.ts';

it('counts texts that are right to the last character, with a Wilson interval', () => {
  const meter = createExactMatchMeter();
  expect(meter.add('2024-05-01', '2024-05-01')).toBe(true);
  expect(meter.add('2024-05-1', '2024-05-01')).toBe(false);
  expect(meter.add(' yes\n', ['no', 'yes'])).toBe(true);
  const { count, matches, value, interval } = meter.result();
  expect([count, matches, value]).toEqual([3, 2, 2 / 3]);
  // By hand, z = 1.96: (0.6667 + 0.6403)/2.2805 ± 1.96·√(0.07407 + 0.10671)/2.2805.
  expect(interval![0]).toBeCloseTo(0.2077, 3);
  expect(interval![1]).toBeCloseTo(0.9385, 3);
});

it('has nothing to say before the first text', () => {
  expect(createExactMatchMeter().result()).toEqual({ count: 0, matches: 0, value: null, interval: null });
});
