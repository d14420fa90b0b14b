import { describe, expect, it } from 'vitest';
import {
  formatBytes,
  formatCount,
  formatDecimal,
  formatInteger,
  formatMs,
  formatSigned,
  formatTimes,
} from '../../src/support/units.ts';

describe('numbers for people', () => {
  it('keeps three digits and moves to the next unit before it shows a thousand', () => {
    expect([0, 999, 1000, 999_499, 999_600, 13_970_412, 2.5e9].map(formatBytes)).toEqual([
      '0 B',
      '999 B',
      '1.00 kB',
      '999 kB',
      '1.00 MB',
      '14.0 MB',
      '2.50 GB',
    ]);
    expect([812, 3_504_872, 999_999_999].map(formatCount)).toEqual(['812', '3.50 M', '1.00 G']);
    expect([0.25, 0.9999, 9.999, 40.12, 999.97, 17_041].map(formatMs)).toEqual([
      '250 µs',
      '1.00 ms',
      '10.0 ms',
      '40.1 ms',
      '1.0 s',
      '17.0 s',
    ]);
  });

  it('sets thousands apart and uses a true minus sign', () => {
    expect([0, 999, 1000, 13_970_412, -1234].map(formatInteger)).toEqual([
      '0',
      '999',
      '1 000',
      '13 970 412',
      '−1 234',
    ]);
    expect(formatDecimal(-1234.56, 1)).toBe('−1 234.6');
    expect(formatDecimal(-0.04, 1)).toBe('0.0');
  });

  it('shows the sign of a difference, and none that rounds away', () => {
    expect([0.3, -0.3, 0.01, -0.01].map((x) => formatSigned(x, 1))).toEqual(['+0.3', '−0.3', '±0.0', '±0.0']);
  });

  it('says how many times with as many digits as matter', () => {
    expect([1.043, 3.84, 12.7, 1234].map(formatTimes)).toEqual(['1.04', '3.8', '13', '1 234']);
  });
});
