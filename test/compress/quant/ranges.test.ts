import { describe, expect, it } from 'vitest';
import { quantizeStatic } from '../../../passes/quantize-static.ts';
import { noStatistics } from '../../../src/compute/calibrate/statistics.ts';

const waysOf = (options: object, samples: number) =>
  Object.entries(
    quantizeStatic.ways!(quantizeStatic.options.parse(options), { ...noStatistics, samples }),
  ).map(([name, o]) => [name, o.ranges]);

describe('ways to find ranges', () => {
  it('are all tried where nothing was said', () => {
    const names = ['mse', 'absolute', 'average', 'minmax'];
    expect(waysOf({}, 16)).toEqual(names.map((name) => [name, name]));
  });

  it('leave out the average of few samples, which fits those and no others', () => {
    expect(waysOf({}, 15).map(([name]) => name)).toEqual(['mse', 'absolute', 'minmax']);
  });

  it('are the one that was asked for, whatever it is taken from', () => {
    expect(waysOf({ ranges: 'average' }, 3)).toEqual([['average', 'average']]);
  });
});
