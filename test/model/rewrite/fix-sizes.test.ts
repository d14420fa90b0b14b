import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { shapeOf } from '../../../src/model/ir/model.ts';
import { openSizes, withSizes } from '../../../src/model/rewrite/fix-sizes.ts';

const model = () =>
  parseModel(`<ir_version: 8, opset_import: ["" : 17]>
g (float[batch,sequence,4] x, float[?,4] mask, float[sequence,4] past) => (float[batch,sequence,4] y)
{ y = Neg (x) }`);

describe('withSizes', () => {
  it('gives numbers to sizes by their names, in what follows from them too', () => {
    const fixed = withSizes(model(), { batch: 2, sequence: 16 });
    expect(fixed.graph.inputs.map((v) => shapeOf(v))).toEqual([
      [2, 16, 4],
      [null, 4],
      [16, 4],
    ]);
    expect(shapeOf(fixed.graph.outputs[0])).toEqual([2, 16, 4]);
  });

  it('finds a size without a name by input and axis', () => {
    expect(openSizes(model())).toEqual(['batch', 'sequence', 'mask:0']);
    expect(shapeOf(withSizes(model(), { 'mask:0': 3 }).graph.inputs[1])).toEqual([3, 4]);
  });

  it('leaves the model itself as it was', () => {
    const source = model();
    withSizes(source, { batch: 1 });
    expect(shapeOf(source.graph.inputs[0])).toEqual(['batch', 'sequence', 4]);
  });

  it('refuses names that no size has', () => {
    expect(() => withSizes(model(), { sequenc: 1 })).toThrow(
      expect.objectContaining({ code: 'SIZE_UNKNOWN' }),
    );
  });
});
