import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { foldedGrowthBytes, growingOps, isFoldable } from '../../../src/model/ops/fold.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';

const nodes = (body: string, opset = 17) => {
  const m = parseModel(`<ir_version: 8, opset_import: ["" : ${opset}, "custom" : 1]>\nagraph ${body}`);
  inferShapes(m);
  return m.graph.nodes;
};

describe('isFoldable', () => {
  it('takes deterministic operators that are known, and leaves random, unknown and control-flow ones', () => {
    const [add, random, unknown, branch] = nodes(`(float[2] x, bool c) => (a, b, d, e) {
      a = Add (x, x)
      b = RandomNormalLike (x)
      d = custom.Thing (x)
      e = If (c) < then_branch = t () => (p) { p = Relu (x) }, else_branch = f () => (q) { q = Neg (x) } >
    }`);
    expect([add, random, unknown, branch].map((n) => isFoldable(n!))).toEqual([true, false, false, false]);
  });

  it('leaves a Dropout that trains, folds one that does not', () => {
    const [off, on, open] = nodes(`(float[2] x, bool t) => (a, b, c)
      <float r = {0.5}, bool yes = {1}, bool no = {0}> {
      a = Dropout (x, r, no)
      b = Dropout (x, r, yes)
      c = Dropout (x, r, t)
    }`);
    expect([off, on, open].map((n) => isFoldable(n!))).toEqual([true, false, false]);
  });

  it('leaves quantised weights quantised unless asked', () => {
    const [dq] = nodes('(int8[2] x, float s) => (y) { y = DequantizeLinear (x, s) }');
    expect(isFoldable(dq!)).toBe(false);
    expect(isFoldable(dq!, { quantizers: true })).toBe(true);
  });
});

describe('foldedGrowthBytes', () => {
  it('weighs the results against the constants that nothing else reads', () => {
    const [expand, transpose] = nodes(`() => (y, z)
      <float[1,4] w = {1,2,3,4}, int64[2] s = {8,4}, float[2,2] u = {1,2,3,4}> {
      y = Expand (w, s)
      z = Transpose (u)
    }`);
    // 8·4 floats for 4 floats and 2 int64; a transpose takes no more room than its input.
    expect(foldedGrowthBytes(expand!)).toBe(128 - 16 - 16);
    expect(foldedGrowthBytes(transpose!)).toBe(0);
    expect([growingOps.has('Expand'), growingOps.has('Transpose')]).toEqual([true, false]);
  });
});
