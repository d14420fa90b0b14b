import { describe, expect, it } from 'vitest';
import { formatDuration, liveText, stepLines } from '../../src/cli/step-line.ts';

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

const text = 'upgraded to opset 17 · 9 BatchNormalizations folded · 35 Clips folded into ranges';

describe('stepLines', () => {
  it('is as wide as told, with the time at its end', () => {
    const [line = ''] = stepLines('compare', '200 samples on wasm', '2.8 s', { columns: 76, wraps: true });
    expect(line).toHaveLength(76);
    expect(line).toMatch(/^compare {5}200 samples on wasm +2\.8 s$/);
  });

  it('has the whole of a long text, in lines under each other no wider than told', () => {
    const [first = '', ...rest] = stepLines('clean up', text, '0.2 s', { columns: 60, wraps: true });
    expect(first).toHaveLength(60);
    expect(first).toMatch(/ 0\.2 s$/);
    for (const line of rest) expect(line.length).toBeLessThanOrEqual(60);
    const said = [first.slice(0, -5), ...rest].join(' ').replace(/\s+/g, ' ').trim();
    expect(said).toBe(`clean up ${text}`);
  });

  it('is one line with all of it where lines may be longer', () => {
    const lines = stepLines('clean up', text, '0.2 s', { columns: 60, wraps: false });
    expect(lines).toEqual([`clean up    ${text}   0.2 s`]);
  });

  it('has no space at its end where there is no time', () => {
    expect(stepLines('train', 'epoch 1', '', { columns: 60, wraps: true })).toEqual(['train       epoch 1']);
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
