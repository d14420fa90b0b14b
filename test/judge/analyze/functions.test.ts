import { describe, expect, it } from 'vitest';
import { functionFacts, functionLines } from '../../../src/judge/analyze/functions.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';

const model = parseModel(`<ir_version: 8, opset_import: ["" : 17, "my" : 1]>
  g (float[N,4] x) => (float[N,2] y)
  < float[4,2] W = {1, 2, 3, 4, 5, 6, 7, 8} >
  { h = my.Block (x)  y = my.Dense (h, W) }
  <domain: "my", opset_import: ["" : 17, "my" : 1]>
  Block (a) => (o) { w = Constant <value = float[4,4] {1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 6, 7, 8}> ()
    o = my.Dense (a, w) }
  <domain: "my", opset_import: ["" : 17]>
  Dense (a, b) => (o) { t = MatMul (a, b)  o = Relu (t) }`);

describe('functions of a model', () => {
  it('are listed with what they hold and what they are given', () => {
    expect(functionFacts(model)).toEqual([
      { name: 'my.Dense', calls: 2, nodes: 2, heldBytes: 0, givenBytes: 32 + 64 },
      { name: 'my.Block', calls: 1, nodes: 2, heldBytes: 64, givenBytes: 0 },
    ]);
    expect(functionLines(model)[1]).toBe('my.Block  2 nodes · called in 1 place · holds 64 B');
  });

  it('that never end are said to', () => {
    const endless = parseModel(`<ir_version: 8, opset_import: ["" : 17, "my" : 1]>
      g (float[N,4] x) => (float[N,4] y) { y = my.F (x) }
      <domain: "my", opset_import: ["" : 17, "my" : 1]> F (a) => (o) { o = my.F (a) }`);
    expect(functionLines(endless)).toHaveLength(2);
  });
});
