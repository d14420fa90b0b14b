import { describe, expect, it } from 'vitest';
import { readAmount } from '../../src/support/amount.ts';

describe('an amount', () => {
  it.each([
    ['4MB', 'bytes', 4_000_000],
    ['4.1 MB', 'bytes', 4_100_000],
    ['500kB', 'bytes', 500_000],
    ['500KB', 'bytes', 500_000],
    ['1 MiB', 'bytes', 1_048_576],
    ['812B', 'bytes', 812],
    ['20ms', 'ms', 20],
    ['1.5s', 'ms', 1500],
    ['700µs', 'ms', 0.7],
    ['55%', 'share', 0.55],
    ['110 %', 'share', 1.1],
  ])('is read from %s', (text, unit, value) => {
    expect(readAmount(text)).toEqual({ unit, value });
  });

  it.each(['', '4', 'MB', '-4MB', '4 mega', '4MB!', '1e3MB', 'constructor', '4constructor'])(
    'is not read from "%s"',
    (text) => expect(readAmount(text)).toBeUndefined(),
  );
});
