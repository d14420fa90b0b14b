import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Dim } from '../../../src/model/ir/type.ts';
import {
  add,
  broadcastDim,
  compare,
  divideCeil,
  divideFloor,
  evaluate,
  isSame,
  maximum,
  minimum,
  multiply,
  subtract,
  symbolsOf,
} from '../../../src/model/ops/dims.ts';

describe('symbolic dimensions', () => {
  it('writes sizes in one canonical form', () => {
    expect(multiply('N', 4)).toBe('4*N');
    expect(add(multiply('T', 'N'), 1)).toBe('N*T + 1');
    expect(subtract(8, 'H')).toBe('-H + 8');
    expect(subtract(add('H', 2), 'H')).toBe(2);
    expect(divideFloor(subtract(add('H', 2), 3), 2)).toBe('floor((H + 1)/2) - 1');
  });

  it('divides exactly where the divisor is a factor', () => {
    expect(divideFloor(multiply(multiply('batch', 'seq'), 64), multiply('batch', 16))).toBe('4*seq');
    expect(divideFloor(multiply(add('seq', 1), 64), add('seq', 1))).toBe(64);
    expect(divideFloor('N', 0)).toBeNull();
  });

  it('joins the floors of strided layers one after the other', () => {
    const half = (d: Dim) => add(divideFloor(subtract(add(d, 2), 3), 2), 1);
    expect(half(half('H'))).toBe('floor((H + 3)/4)');
    expect(half(half(half('H')))).toBe('floor((H + 7)/8)');
  });

  it('keeps a symbol of the file as it is, whatever its characters, and quotes it where it would not read back', () => {
    expect(multiply('batch-size', 1)).toBe('batch-size');
    expect(multiply('batch-size', 2)).toBe('2*batch-size');
    expect(add('a/b c', 1)).toBe('`a/b c` + 1');
    expect(evaluate(add(add('a/b c', 1), 'a/b c'), { 'a/b c': 3 })).toBe(7);
  });

  it('understands expressions that exporters write', () => {
    expect(isSame('past_sequence_length + 1', add(1, 'past_sequence_length'))).toBe(true);
    expect(evaluate('past + seq', { past: 3, seq: 4 })).toBe(7);
  });

  it('broadcasts two sizes that it can tell nothing about to an expression that binding resolves', () => {
    const d = broadcastDim('A', 'B');
    expect([evaluate(d, { A: 1, B: 5 }), evaluate(d, { A: 5, B: 1 }), evaluate(d, { A: 5, B: 5 })]).toEqual([
      5, 5, 5,
    ]);
    expect(broadcastDim('N', 7)).toBe(7);
    expect(broadcastDim('seq', minimum('seq', 512))).toBe('seq');
    expect(() => broadcastDim(2, 3)).toThrow(expect.objectContaining({ code: 'SHAPE_CONFLICT' }));
  });

  it('compares only what is certain for every size', () => {
    expect(compare('N', -1)).toBe(1);
    expect(compare(add('N', 2), add('N', 1))).toBe(1);
    expect(compare('N', 1)).toBeNull();
    expect(symbolsOf('floor((H + 1)/2)*N + W').sort()).toEqual(['H', 'N', 'W']);
  });

  it('evaluates to what the same arithmetic on numbers gives', () => {
    const operations: [(a: Dim, b: Dim) => Dim, (a: number, b: number) => number][] = [
      [add, (a, b) => a + b],
      [subtract, (a, b) => a - b],
      [multiply, (a, b) => a * b],
      [minimum, Math.min],
      [maximum, Math.max],
    ];
    const symbols = { H: 13, W: 7, N: 2 };
    const step = fc.record({
      op: fc.nat(operations.length + 1),
      by: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constantFrom('H', 'W', 'N')),
    });
    fc.assert(
      fc.property(fc.constantFrom('H', 'W', 'N'), fc.array(step, { maxLength: 6 }), (start, steps) => {
        let dim: Dim = start;
        let value: number = symbols[start as keyof typeof symbols];
        for (const { op, by } of steps) {
          const other = typeof by === 'number' ? by : symbols[by as keyof typeof symbols];
          const pair = operations[op];
          // min and max may rest on symbols being ≥ 0; a negative value in between is none of a size.
          if (value < 0) return;
          dim = pair ? pair[0](dim, by) : op % 2 === 0 ? divideFloor(dim, by) : divideCeil(dim, by);
          value = pair ? pair[1](value, other) : Math[op % 2 === 0 ? 'floor' : 'ceil'](value / other);
          if (dim === null) return;
        }
        expect(evaluate(dim, symbols)).toBe(value);
      }),
      { seed: 7, numRuns: 2000 },
    );
  });
});
