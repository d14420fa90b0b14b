import { expect, it } from 'vitest';
import { readDuration } from '../../src/support/duration.ts';

it('reads seconds, minutes and hours, and nothing else', () => {
  expect(['90s', '10m', '1.5h', '2 min'].map(readDuration)).toEqual([90_000, 600_000, 5_400_000, 120_000]);
  for (const text of ['', '10', 'm', '0s', '-5s', '10 parsecs', '1e3s'])
    expect(readDuration(text)).toBeUndefined();
});
