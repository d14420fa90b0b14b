import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../../../src/model/formats/onnx-text/index.ts';
import { writeTflite } from '../../../../../src/model/formats/tflite/write/write.ts';
import { inferShapes } from '../../../../../src/model/ops/shapes.ts';

/** x int8 → Conv "c", whose result is quantised → what `rest` makes of d */
function remarksOf(rest: string, port = 'float[1,2,4,4] x'): string[] {
  const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (${port}) => (float y)
< int8[2,2,1,1] W = {1, 2, 3, 4}, float s = {0.1}, int8 z = {0} >
{
  xq = QuantizeLinear (x, s, z)
  xd = DequantizeLinear (xq, s, z)
  w = DequantizeLinear (W, s, z)
  [c] a = Conv (xd, w)
  q = QuantizeLinear (a, s, z)
  d = DequantizeLinear (q, s, z)
  ${rest}
}`);
  inferShapes(model);
  const remarks: string[] = [];
  writeTflite(model, { remark: (text) => void remarks.push(text) });
  return remarks;
}

describe('what is said of a .tflite file', () => {
  const floats = (texts: readonly string[]) => texts.filter((text) => text.includes('floats'));

  it('is nothing of floats where all is in integers', () => {
    expect(floats(remarksOf('y = Identity (d)'))).toEqual([]);
  });

  it('names what computes in floats, with its share', () => {
    const texts = floats(remarksOf('[soft] e = Sqrt (d)\n y = Mul (e, e)'));
    expect(texts).toHaveLength(2);
    expect(texts.join()).toContain('1 of 3 operators');
    expect(texts.join()).toContain('"soft"');
  });

  it('says that a result without a scale keeps a kernel in floats', () => {
    const [text] = floats(remarksOf('[late] y = Sigmoid (d)'));
    expect(text).toContain('no scale');
    expect(text).toContain('"late"');
  });

  it('counts Transposes, those of inputs apart', () => {
    const left = (texts: readonly string[]) => texts.filter((text) => text.startsWith('Transposes'));
    expect(left(remarksOf('y = Identity (d)')).join()).toContain('1 of an input');
    expect(left(remarksOf('e = Sqrt (d)\n y = Transpose <perm = [0, 2, 1, 3]> (e)')).join()).toContain(
      'inside',
    );
  });

  it('is nothing of a model in floats', () => {
    const model = parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[2,3] x) => (float[2,3] y) { y = Sqrt (x) }`);
    const remarks: string[] = [];
    writeTflite(model, { remark: (text) => void remarks.push(text) });
    expect(remarks).toEqual([]);
  });
});
