import { describe, expect, it } from 'vitest';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { formatType } from '../../../src/model/ir/type.ts';
import { findValue, graphsOf } from '../../../src/model/ir/walk.ts';
import { inferShapes, isKnownOp } from '../../../src/model/ops/shapes.ts';

const model = (text: string, opset = 17) =>
  parseModel(`<ir_version: 8, opset_import: ["" : ${opset}, "com.microsoft" : 1]>\n${text}`);

const typeOf = (m: Model, name: string) => {
  for (const g of graphsOf(m))
    for (const v of [...g.inputs, ...g.nodes.flatMap((n) => n.outputs)])
      if (v?.name === name) return formatType(v.type);
  return 'no such value';
};

describe('inferShapes', () => {
  it('carries symbols through convolution and pooling', () => {
    const m = model(`agraph (float[N,3,H,W] x, float[16,3,3,3] w) => (y) {
      a = Conv <strides = [2,2], pads = [1,1,1,1]> (x, w)
      b = Relu (a)
      c = MaxPool <kernel_shape = [2,2], strides = [2,2]> (b)
      y = GlobalAveragePool (c)
    }`);
    expect(inferShapes(m)).toMatchObject({ inferred: 4, missing: [] });
    expect(typeOf(m, 'b')).toBe('float32 [N,16,floor((H + 1)/2),floor((W + 1)/2)]');
    expect(typeOf(m, 'c')).toBe('float32 [N,16,floor((H + 1)/4),floor((W + 1)/4)]');
    expect(typeOf(m, 'y')).toBe('float32 [N,16,1,1]');
    expect(inferShapes(m).inferred).toBe(0);
  });

  it('resolves a Reshape whose target is computed from a Shape, as exported transformers do', () => {
    const m = model(`agraph (float[batch,seq,64] x) => (y)
      <int64 zero = {0}, int64 one = {1}, int64[1] axis = {0}, int64[1] heads = {4}, int64[1] rest = {-1}> {
      s = Shape (x)
      b = Gather (s, zero)
      t = Gather (s, one)
      b1 = Unsqueeze (b, axis)
      t1 = Unsqueeze (t, axis)
      target = Concat <axis = 0> (b1, t1, heads, rest)
      r = Reshape (x, target)
      q = Transpose <perm = [0,2,1,3]> (r)
      k = Transpose <perm = [0,2,3,1]> (r)
      y = MatMul (q, k)
    }`);
    expect(inferShapes(m).missing).toEqual([]);
    expect(typeOf(m, 'r')).toBe('float32 [batch,seq,4,16]');
    expect(typeOf(m, 'y')).toBe('float32 [batch,4,seq,seq]');
  });

  it('gives an unknown size of an input one name for the whole model', () => {
    const m = model(`agraph (float[?,8] x) => (y) <int64[2] t = {-1, 4}> {
      a = Reshape (x, t)
      y = Add (a, a)
    }`);
    m.graph.inputs[0]!.type = { kind: 'tensor', dtype: 'float32', shape: [null, 8] };
    inferShapes(m);
    expect(typeOf(m, 'y')).toBe('float32 [2*x.0,4]');
    expect(typeOf(m, 'x')).toBe('float32 [?,8]');
  });

  it('keeps what both branches of an If share and names the rest', () => {
    const m = model(`agraph (bool c, float[2,N] x) => (y) {
      y = If (c) <
        then_branch = a () => (p) { p = Concat <axis = 1> (x, x) },
        else_branch = b () => (q) { q = Relu (x) }
      >
    }`);
    expect(inferShapes(m).missing).toEqual([]);
    expect(typeOf(m, 'p')).toBe('float32 [2,2*N]');
    expect(typeOf(m, 'y')).toBe('float32 [2,y.1]');
  });

  it('takes the branch that a known condition takes, and reports nothing of the other', () => {
    const m = model(`agraph (float[2,3] x) => (y) <int64 two = {2}, int64[1] last = {1}> {
      s = Shape (x)
      r = Size (s)
      c = Equal (r, two)
      y = If (c) <
        then_branch = a () => (p) { p = Relu (x) },
        else_branch = b () => (q) { q = Squeeze (x, last) }
      >
    }`);
    expect(inferShapes(m).missing).toEqual([]);
    expect(typeOf(m, 'y')).toBe('float32 [2,3]');
  });

  it('settles sizes that grow from one iteration of a Loop to the next, and counts the iterations', () => {
    const m = model(`agraph (float[1,4] x) => (grown, rows) <int64 five = {5}, bool go = {1}> {
      grown, rows = Loop (five, go, x) <
        body = b (int64 i, bool c, float[n,4] h) => (c2, h2, e) {
          c2 = Identity (c)
          h2 = Concat <axis = 0> (h, x)
          e = ReduceMax <keepdims = 0> (h)
        }
      >
    }`);
    inferShapes(m);
    expect(typeOf(m, 'grown')).toBe('float32 [grown.0,4]');
    expect(typeOf(m, 'rows')).toBe('float32 [5]');
  });

  it('merges declared types: numbers win, contradictions are reported and what follows from the inputs is kept', () => {
    const m = model(
      `agraph (float[N,4] x) => (float[?,?] y, float[9,4] z) { y = Relu (x)  z = Sigmoid (x) }`,
    );
    m.graph.inputs[0]!.type = { kind: 'tensor', dtype: 'float32', shape: [2, 4] };
    const { missing } = inferShapes(m);
    expect(typeOf(m, 'y')).toBe('float32 [2,4]');
    expect(typeOf(m, 'z')).toBe('float32 [2,4]');
    expect(missing).toEqual([
      { node: 'z', op: 'Sigmoid', reason: '"z" is declared float32 [9,4], inferred float32 [2,4]' },
    ]);
  });

  it('reports operators without a rule and inputs that do not fit, and goes on', () => {
    const m = model(`agraph (float[2,3] x) => (y, z, w) {
      y = custom.Thing (x)
      z = MatMul (x, x)
      w = Relu (x)
    }`);
    m.opsets.set('custom', 1);
    const { missing } = inferShapes(m);
    expect(missing.map((x) => [x.op, x.reason])).toEqual([
      ['custom:Thing', 'no shape rule for this operator'],
      ['MatMul', 'inner sizes 3 and 2 differ'],
    ]);
    expect(typeOf(m, 'w')).toBe('float32 [2,3]');
  });

  it('infers calls of functions that the model brings along', () => {
    const m = parseModel(`<ir_version: 8, opset_import: ["" : 17, "local" : 1]>
      agraph (float[N,4] x) => (y) { y = local.Twice <axis = 1> (x) }
      <domain: "local", opset_import: ["" : 17]>
      Twice <axis> (a) => (b) { b = Concat <axis : int = @axis> (a, a) }`);
    expect(inferShapes(m).missing).toEqual([]);
    expect(typeOf(m, 'y')).toBe('float32 [N,8]');
    expect(findValue(m, 'y')?.type?.kind).toBe('tensor');
  });

  it('knows the operators of com.microsoft that our own passes write', () => {
    const m =
      model(`agraph (float[B,T,64] x, uint8[32,2,16] w, float[64] s, uint8[512,32] table, int64[B,T] ids,
                            float[512,2] ts) => (y, z, e) {
      y = com.microsoft.MatMulNBits <K = 64, N = 32, bits = 4, block_size = 32> (x, w, s)
      z = com.microsoft.SkipSimplifiedLayerNormalization (x, x, s)
      e = com.microsoft.GatherBlockQuantized <bits = 4, block_size = 32> (table, ids, ts)
    }`);
    expect(inferShapes(m).missing).toEqual([]);
    expect([typeOf(m, 'y'), typeOf(m, 'z'), typeOf(m, 'e')]).toEqual([
      'float32 [B,T,32]',
      'float32 [B,T,64]',
      'float32 [B,T,64]',
    ]);
    expect([isKnownOp('com.microsoft:FusedConv'), isKnownOp('com.microsoft:Nothing')]).toEqual([true, false]);
  });
});
