import { describe, expect, it } from 'vitest';
import { createComparer } from '../../../src/judge/analyze/compare.ts';
import type { DType } from '../../../src/model/ir/dtype.ts';
import type { Port } from '../../../src/model/ir/port.ts';
import { tensorOf } from '../../../src/model/ir/tensor.ts';

const port = (shape: Port['shape'], dtype: DType = 'float32'): Port => ({ name: 'y', dtype, shape });
const y = (dims: number[], values: number[], dtype: DType = 'float32') => ({
  y: tensorOf(dtype, dims, values),
});

function compare(dims: number[], pairs: [number[], number[]][], output = port(dims)) {
  const comparer = createComparer([output]);
  const tops = pairs.map(([a, b]) => comparer.add(y(dims, a, output.dtype), y(dims, b, output.dtype)));
  const { samples, outputs } = comparer.result();
  return { samples, tops, ...outputs[0]! };
}

describe('numbers', () => {
  // Expected: numpy, 10·log10(Σx²/Σ(x−y)²) and x·y/(|x||y|).
  it('gives SQNR, cosine and the largest error', () => {
    const result = compare(
      [1, 4],
      [
        [
          [1, -2, 3, 0.5],
          [1.1, -2.2, 2.7, 0.5],
        ],
      ],
    );
    // float32 holds 1.1, 2.2 and 2.7 to 1e-7; that moves the noise in its sixth digit.
    expect(result.sqnrDb).toBeCloseTo(20.07686828666291, 4);
    expect(result.cosine).toBeCloseTo(0.9952509776307752, 6);
    expect(result.maxAbsError).toBeCloseTo(0.3, 6);
  });

  it('does not depend on how samples are divided', () => {
    const whole = compare(
      [1, 4],
      [
        [
          [1, 2, 3, 4],
          [1, 2, 3, 5],
        ],
      ],
    );
    const parts = compare(
      [1, 2],
      [
        [
          [1, 2],
          [1, 2],
        ],
        [
          [3, 4],
          [3, 5],
        ],
      ],
    );
    expect(parts.sqnrDb).toBe(whole.sqnrDb);
    expect(parts.cosine).toBe(whole.cosine);
    expect(parts.samples).toBe(2);
  });

  it('has no SQNR where nothing differs, and no cosine where there is no signal', () => {
    expect(
      compare(
        [1, 2],
        [
          [
            [1, 2],
            [1, 2],
          ],
        ],
      ),
    ).toMatchObject({ sqnrDb: null, maxAbsError: 0, nonFinite: 0 });
    expect(
      compare(
        [1, 2],
        [
          [
            [1, 2],
            [1, 2],
          ],
        ],
      ).cosine,
    ).toBeCloseTo(1, 12);
    expect(
      compare(
        [1, 2],
        [
          [
            [0, 0],
            [0, 1],
          ],
        ],
      ),
    ).toMatchObject({ sqnrDb: null, cosine: null, maxAbsError: 1 });
  });

  it('takes NaN or infinity on one side for a broken model, on both sides for agreement', () => {
    const { NaN: nan, NEGATIVE_INFINITY: low } = Number;
    expect(
      compare(
        [1, 3],
        [
          [
            [1, 2, 3],
            [1, nan, 4],
          ],
        ],
      ),
    ).toMatchObject({
      sqnrDb: null,
      cosine: null,
      maxAbsError: 1,
      nonFinite: 1,
    });
    const masked = compare(
      [1, 3],
      [
        [
          [1, 2, low],
          [1, 3, low],
        ],
      ],
    );
    expect(masked.nonFinite).toBe(0);
    expect(masked.sqnrDb).toBeCloseTo(10 * Math.log10(5), 12);
  });
});

describe('top-1 agreement', () => {
  it('counts rows whose largest element is at the same place, and reports the decision of a sample', () => {
    const result = compare(
      [1, 3],
      [
        [
          [1, 2, 0],
          [0, 3, 1],
        ],
        [
          [1, 2, 0],
          [3, 1, 0],
        ],
      ],
    );
    expect(result.top1Agreement).toBe(0.5);
    expect(result.tops[1]).toEqual({ output: 'y', before: 1, after: 0 });
  });

  it('takes each position of a sequence for a row, without a decision for the sample', () => {
    const first = [5, 0, 0, 0, 0, 0, 5, 0, 0, 0];
    const second = [5, 0, 0, 0, 0, 0, 0, 5, 0, 0];
    const result = compare([1, 2, 5], [[first, second]]);
    expect(result.top1Agreement).toBe(0.5);
    expect(result.tops).toEqual([null]);
  });

  it('never agrees about a row that is NaN after', () => {
    expect(
      compare(
        [1, 2],
        [
          [
            [1, 2],
            [Number.NaN, Number.NaN],
          ],
        ],
      ).top1Agreement,
    ).toBe(0);
  });

  it.each([
    ['one number', [1, 1], 'float32'],
    ['boxes', [1, 6, 4], 'float32'],
    ['pictures', [1, 1, 2, 8], 'float32'],
    ['integers', [1, 4], 'int64'],
  ] as const)('is null for %s', (_, dims, dtype) => {
    const zeros = new Array<number>(dims.reduce<number>((a, b) => a * b, 1)).fill(0);
    expect(compare([...dims], [[zeros, zeros]], port(dims, dtype)).top1Agreement).toBeNull();
  });

  it('takes three places for scores where the model reads tokens', () => {
    const tokens = { name: 'idx', dtype: 'int64', shape: ['b', 's'] } as const;
    const comparer = createComparer([port(['b', 's', 3])], [tokens]);
    comparer.add(y([1, 2, 3], [1, 0, 0, 0, 1, 0]), y([1, 2, 3], [1, 0, 0, 0, 0, 1]));
    expect(comparer.result().outputs[0]!.top1Agreement).toBe(0.5);
  });

  it('is null for an output that is the image of an input: a state, a reconstruction', () => {
    const state = { name: 'h0', dtype: 'float32', shape: [1, 'b', 8] } as const;
    const comparer = createComparer([{ ...state, name: 'y' }], [state]);
    comparer.add(y([1, 1, 8], [1, 2, 3, 4, 5, 6, 7, 8]), y([1, 1, 8], [1, 2, 3, 4, 5, 6, 7, 8]));
    expect(comparer.result().outputs[0]!.top1Agreement).toBeNull();
  });
});

describe('models that do not match', () => {
  it('refuses other names and other shapes', () => {
    const comparer = createComparer([port([1, 2])]);
    const one = y([1, 2], [1, 2]);
    expect(() => comparer.add(one, { z: one.y })).toThrow(
      expect.objectContaining({ code: 'COMPARE_OUTPUTS' }),
    );
    expect(() => comparer.add(one, y([2], [1, 2]))).toThrow(
      expect.objectContaining({ code: 'COMPARE_SHAPE' }),
    );
  });

  it('leaves strings out', () => {
    const comparer = createComparer([port([1], 'string')]);
    comparer.add({}, {});
    expect(comparer.result().outputs).toEqual([]);
  });
});
