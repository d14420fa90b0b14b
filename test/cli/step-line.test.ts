import { describe, expect, it } from 'vitest';
import { formatDuration, liveText, shortened, stepLine } from '../../src/cli/step-line.ts';

describe('formatDuration', () => {
  it.each([
    [0, '0.0 s'],
    [1850, '1.9 s'],
    [9949, '9.9 s'],
    [9951, '10 s'],
    [119_000, '119 s'],
    [200_000, '3 min 20 s'],
  ])('says %d ms as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
});

describe('shortened', () => {
  it('keeps a text that fits', () => expect(shortened('a · b', 5)).toBe('a · b'));

  it('drops whole parts from the end', () => {
    expect(shortened('upgraded to opset 17 · 9 folded · 3 removed', 30)).toBe('upgraded to opset 17 · …');
  });

  it('cuts a first part that is too long by itself', () => expect(shortened('abcdef · g', 4)).toBe('abc…'));
});

describe('stepLine', () => {
  it('is as wide as told, with the time at its end', () => {
    const line = stepLine('compare', '200 samples on wasm', '2.8 s', 76);
    expect(line).toHaveLength(76);
    expect(line).toMatch(/^compare {5}200 samples on wasm +2\.8 s$/);
  });

  it('is as wide with a detail that does not fit', () => {
    expect(stepLine('data', 'a long name '.repeat(20), '12 s', 60)).toHaveLength(60);
  });
});

describe('liveText', () => {
  it('fills the bar by what is done, and says the time left at the pace so far', () => {
    const { bar, rest, tail } = liveText('calibrate', 25, 100, 2000);
    expect([bar.length, rest.length]).toEqual([5, 15]);
    expect(tail).toBe('  25/100  6.0 s left');
  });

  it('says no time left before it can be told', () => {
    expect(liveText('calibrate', 0, 100, 900).tail).toBe('  0/100');
    expect(liveText('calibrate', 1, 100, 20).tail).toBe('  1/100');
  });
});
