import { expect, it } from 'vitest';
import type { StatisticRequest } from '../../src/compute/calibrate/statistics.ts';
import { describeCalibration } from '../../src/jobs/calibrate.ts';
import { tensorOf } from '../../src/model/ir/tensor.ts';

const range: StatisticRequest = { kind: 'range', value: 'x' };
const moments = (value: string): StatisticRequest => ({
  ...{ kind: 'moments', value, patches: null, groups: 1, diagonal: false },
});
const peaks: StatisticRequest = { kind: 'peaks', value: 'x', channels: 2, axis: 1, rank: 2 };
const shift: StatisticRequest = {
  ...{ kind: 'shift', value: 'y', weight: tensorOf('float32', [1, 1], [1]), channels: 1 },
};

it('calibration is described by what it keeps, and on how many samples', () => {
  expect(describeCalibration([range, { ...range, value: 'y' }], 100, true)).toBe(
    'ranges of 2 activations on 100 samples · cached',
  );
  expect(describeCalibration([range, moments('x'), moments('y'), moments('y'), shift], 100, false)).toBe(
    'range of 1 activation on 100 samples · moments of 2 inputs on 100 samples · shifts of 1 layer on 32 samples',
  );
  expect(describeCalibration([peaks], 5, false)).toBe('channels of 1 activation on 5 samples');
});
