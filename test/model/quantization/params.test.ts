import { describe, expect, it } from 'vitest';
import { quantParams, representableRange } from '../../../src/model/quantization/params.ts';
import { gridLimits, type QuantSpec } from '../../../src/model/quantization/spec.ts';
import { createRandom } from '../../../src/support/random.ts';

const specs: QuantSpec[] = [
  { dtype: 'uint8', symmetric: false },
  { dtype: 'int8', symmetric: false },
  { dtype: 'uint8', symmetric: true },
  { dtype: 'int8', symmetric: true },
];
const label = (s: QuantSpec) => `${s.symmetric ? 'symmetric' : 'asymmetric'} ${s.dtype}`;

describe('the grid', () => {
  it.each([
    ['uint8', false, 0, 255],
    ['int8', false, -128, 127],
    ['uint8', true, 1, 255],
    ['int8', true, -127, 127],
  ] as const)('of %s, symmetric %s, goes from %i to %i', (dtype, symmetric, low, high) => {
    expect(gridLimits({ dtype, symmetric })).toEqual({ low, high });
  });
});

describe.each(specs)('scale and zero point, $dtype, symmetric $symmetric', (spec) => {
  const { low, high } = gridLimits(spec);

  it.each([
    ['on both sides', -1, 3],
    ['all positive', 2, 3],
    ['all negative', -3, -2],
    ['nothing but zero', 0, 0],
    ['tiny', -1e-42, 1e-42],
    ['as wide as float32', -3.4028234663852886e38, 3.4028234663852886e38],
    ['one-sided and huge', 0, 3.4028234663852886e38],
  ])('for a range that is %s: zero is a step, and the step survives float32', (_, min, max) => {
    const { scale, zeroPoint } = quantParams(min, max, spec);
    expect(Number.isInteger(zeroPoint)).toBe(true);
    expect(zeroPoint).toBeGreaterThanOrEqual(low);
    expect(zeroPoint).toBeLessThanOrEqual(high);
    expect(scale).toBeGreaterThan(0);
    expect(Math.fround(scale)).toBe(scale);
    expect(Number.isFinite(Math.fround(1 / scale))).toBe(true);
  });

  it('covers what was seen to within half a step', () => {
    const random = createRandom(5);
    for (let i = 0; i < 200; i++) {
      const [a, b] = [random.normal() * 10, random.normal() * 10];
      const [min, max] = [Math.min(a, b), Math.max(a, b)];
      const params = quantParams(min, max, spec);
      const [least, most] = representableRange(params, spec);
      // Half a step for the rounded zero point, and float32's last place for the rounded scale.
      const slack = params.scale * 0.501;
      expect(least, label(spec)).toBeLessThanOrEqual(min + slack);
      expect(most, label(spec)).toBeGreaterThanOrEqual(max - slack);
    }
  });

  it.each([
    [Number.NaN, 1],
    [0, Number.NaN],
    [Number.NEGATIVE_INFINITY, 1],
    [0, Number.POSITIVE_INFINITY],
  ])('refuses the range from %d to %d', (min, max) => {
    expect(() => quantParams(min, max, spec, '"conv1"')).toThrow(
      expect.objectContaining({ code: 'EMPTY_RANGE', message: expect.stringContaining('conv1') }),
    );
  });
});

describe('zero points', () => {
  // By hand from Jacob et al., eq. 1: z = low − min/s.
  it.each([
    ['uint8', false, 0, 255, 1, 0],
    ['uint8', false, -128, 127, 1, 128],
    ['uint8', false, -510, 0, 2, 255],
    ['int8', false, 0, 255, 1, -128],
    ['int8', false, -64, 63.5, 0.5, 0],
    ['uint8', true, -127, 10, 1, 128],
    ['int8', true, 0, 254, 2, 0],
    ['uint8', false, 0, 0, 1, 0],
  ] as const)(
    '%s, symmetric %s, [%d, %d] has step %d and zero at %i',
    (dtype, symmetric, min, max, scale, zero) => {
      expect(quantParams(min, max, { dtype, symmetric })).toEqual({ scale, zeroPoint: zero });
    },
  );
});
