/** A node that has no form in a format is named as its model names it, with a value before it that the model has too. */
import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../../src/model/formats/onnx-text/parse-model.ts';
import { tfjsFormat } from '../../../../src/model/formats/tfjs/format.ts';
import { writeTflite } from '../../../../src/model/formats/tflite/write/write.ts';
import { chooseOutputs } from '../../../../src/model/rewrite/choose-outputs.ts';

const model = (lines: string) => parseModel(`<ir_version: 8, opset_import: ["" : 17]>\n${lines}`);

const dilatedPool = () =>
  model(`g (float[1,2,9,9] x) => (float[1,2,5,5] y)
<float[2,2,1,1] w = {1, 2, 3, 4}> {
  a = Conv (x, w)
  b = Relu (a)
  c = MaxPool <kernel_shape: ints = [3, 3], dilations: ints = [2, 2]> (b)
  y = Relu (c)
}`);

const refusal = (text: ReturnType<typeof model>) => {
  try {
    writeTflite(text);
  } catch (error) {
    return error as Error & { code: string; hint: string };
  }
  throw new Error('nothing was refused');
};

describe('where to cut before a node that is refused', () => {
  it('has the names of the model, not those of its channels-last form', () => {
    const error = refusal(dilatedPool());
    expect(error).toMatchObject({ code: 'TFLITE_OPERATOR', message: expect.stringContaining('MaxPool "c"') });
    expect(error.hint).toMatch(/--outputs b$/);
  });

  it('is a place where the model can be cut', () => {
    const cut = dilatedPool();
    chooseOutputs(cut, ['b']);
    expect(() => writeTflite(cut)).not.toThrow();
  });

  it('is no value that only constants make', () => {
    const { hint } = refusal(
      model(`g (float[1,2,4,4] x) => (float[1,2,4,4] y)
<float[2,2,1,1] table = {1, 2, 3, 4}, int64[2] order = {1, 0}> {
  a = Relu (x)
  w = Gather (table, order)
  y = Conv (a, w)
}`),
    );
    expect(hint).toMatch(/--outputs a$/);
  });
});

describe('sizes that no .tflite file has', () => {
  it('are refused where they are of a tensor', () => {
    const huge = model('g (float[1,2147483648] x) => (float[1,2147483648] y) { y = Relu (x) }');
    expect(refusal(huge).code).toBe('TFLITE_TOO_LARGE');
  });

  it('are refused before the numbers are made', () => {
    const huge = model(`g (float[1] x) => (float[65536,32768] z)
<int64[2] s = {65536, 32768}> {
  y = ConstantOfShape (s)
  z = Add (x, y)
}`);
    expect(refusal(huge)).toMatchObject({
      code: 'TFLITE_OPERATOR',
      message: expect.stringContaining('2147483648'),
    });
  });
});

describe('a recurrent layer whose sequences have no step', () => {
  const layer = () =>
    model(`g (float[0,1,1] x) => (float[0,1,1,1] y)
<float[1,4,1] W = {1, 2, 3, 4}, float[1,4,1] R = {1, 2, 3, 4}> { y = LSTM <hidden_size = 1> (x, W, R) }`);

  it('is refused in both formats', () => {
    const pieces = () => writeTflite(layer());
    expect(pieces).toThrow(expect.objectContaining({ code: 'TFLITE_OPERATOR' }));
    expect(() => tfjsFormat.write!(layer(), { name: 'model.json' })).toThrow(
      expect.objectContaining({ code: 'TFJS_OPERATOR' }),
    );
  });
});
