import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { numbers } from '../../../src/model/ir/tensor.ts';
import { withFixedInputs } from '../../../src/model/rewrite/fix-inputs.ts';

const model = () =>
  parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[2] x, int64 rate, bool flag, float[n] more) => (float[2] y)
{ r = Cast <to = 1> (rate) s = Add (x, r) y = Where (flag, s, x) }`);

describe('withFixedInputs', () => {
  it('makes constants of inputs, and leaves the others and the model itself', () => {
    const source = model();
    const fixed = withFixedInputs(source, { rate: 16000, flag: 1 });
    expect(fixed.graph.inputs.map((v) => v.name)).toEqual(['x', 'more']);
    const constants = Object.fromEntries([...fixed.graph.initializers].map((v) => [v.name, v.constant!]));
    expect([constants['rate']!.dtype, [...numbers(constants['rate']!)]]).toEqual(['int64', [16000]]);
    expect([constants['flag']!.dtype, [...numbers(constants['flag']!)]]).toEqual(['bool', [1]]);
    expect(source.graph.inputs).toHaveLength(4);
  });

  it('gives every element of an input of known size the number', () => {
    const [, , x] = [...withFixedInputs(model(), { rate: 1, flag: 0, x: 0.5 }).graph.initializers];
    expect([...numbers(x!.constant!)]).toEqual([0.5, 0.5]);
  });

  it.each([
    [{ rat: 1 }, 'INPUT_UNKNOWN'],
    [{ rate: 0.5 }, 'INPUT_NOT_FIXED'],
    [{ flag: 2 }, 'INPUT_NOT_FIXED'],
    [{ more: 1 }, 'INPUT_NOT_FIXED'],
  ])('refuses %o: %s', (fixed, code) => {
    expect(() => withFixedInputs(model(), fixed as Record<string, number>)).toThrow(
      expect.objectContaining({ code }),
    );
  });
});
