import { describe, expect, it } from 'vitest';
import { openNodeEngine } from '../../../src/compute/engine/onnxruntime-node.ts';
import { propagateTransposes } from '../../../src/model/layout/propagate.ts';
import { countNodes, expectSameAfterPropagation, modelWithWeights } from './equal-models.ts';

const engine = await openNodeEngine();

/** Products add in another order where a weight's rows move. */
const reordered = 1e-5;

const propagated = (body: string, tolerance = 0, opset = 17) =>
  expectSameAfterPropagation(engine, modelWithWeights(body, opset), tolerance);

describe('propagating transposes', () => {
  it('cancels pairs around element-wise operators, with constants of any rank', async () => {
    const { result } =
      await propagated(`(float[2,3,4,5] x) => (float[] y) <float[5] c = {1,2,3,4,5}, float s = {0.5}> {
      a = Transpose <perm = [0,2,3,1]> (x)
      z = Transpose <perm = [0,2,1,3]> (a)
      zz = Transpose <perm = [0,2,1,3]> (z)
      r = Relu (zz)
      m = Mul (r, s)
      y = Transpose <perm = [0,3,1,2]> (m)
    }`);
    expect(result).toEqual({ removed: 4, left: [] });
  });

  it('follows a residual chain of convolutions written in NHWC down to the classifier', async () => {
    const { result, after } = await propagated(
      `(float[N,3,8,8] x, float[4,3,3,3] w1, float[4] wb, float[4,4,3,3] w2, float[64,7] wf) => (float[] y) {
      a = Conv <pads = [1,1,1,1], strides = [2,2]> (x, w1)
      at = Transpose <perm = [0,2,3,1]> (a)
      b = Add (at, wb)
      r = Relu (b)
      rt = Transpose <perm = [0,3,1,2]> (r)
      c = Conv <pads = [1,1,1,1]> (rt, w2)
      ct = Transpose <perm = [0,2,3,1]> (c)
      e = Add (ct, r)
      shape = Constant <value_ints = [-1, 64]> ()
      f = Reshape (e, shape)
      y = MatMul (f, wf)
    }`,
      reordered,
    );
    expect(result).toEqual({ removed: 3, left: [] });
    expect([...after.graph.initializers].find((v) => v.name === 'wf')?.constant?.dims).toEqual([64, 7]);
    expect([...after.graph.initializers].find((v) => v.name === 'wb')?.constant?.dims).toEqual([4, 1, 1]);
  });

  it('leaves one where an input or output wants another order than all between', async () => {
    const { result, after } = await propagated(`(float[1,6,6,2] x, float[2,2,3,3] w) => (float[] y) {
      a = Transpose <perm = [0,3,1,2]> (x)
      b = Conv (a, w)
      c = Sigmoid (b)
      y = Transpose <perm = [0,2,3,1]> (c)
    }`);
    expect(result.removed).toBe(0);
    expect(result.left.map(({ reason }) => reason)).toEqual([
      'between-input-and-Conv',
      'between-Sigmoid-and-output',
    ]);
    expect(after.graph.outputs[0]!.name).toBe('y');
  });

  it('moves one to where fewer elements are', async () => {
    const { after } = await propagated(`(float[1,4,5,6] x) => (float[] y) {
      a = Transpose <perm = [0,2,3,1]> (x)
      b = ReduceMax <axes = [1], keepdims = 0> (a)
      y = Sigmoid (b)
    }`);
    expect(after.graph.nodes.map((n) => n.opType)).toEqual(['ReduceMax', 'Transpose', 'Sigmoid']);
  });

  it('gives all readers of one order the same transpose', async () => {
    const { after } = await propagated(`(float[2,3,4] x) => (float[] y, float[] z) {
      a = Transpose <perm = [0,2,1]> (x)
      b = Transpose <perm = [0,2,1]> (x)
      y = MatMul (a, x)
      z = MatMul (x, b)
    }`);
    expect(countNodes(after, 'Transpose')).toBe(1);
  });

  it('returns an output that a pair cancels to under its own name', async () => {
    const { after, result } = await propagated(`(float[2,3,4] x) => (float[] y, float[] z) {
      a = Transpose <perm = [0,2,1]> (x)
      y = Transpose <perm = [0,2,1]> (a)
      r = Relu (a)
      z = Transpose <perm = [0,2,1]> (r)
    }`);
    expect(result).toEqual({ removed: 3, left: [] });
    expect(after.graph.nodes.map((n) => n.opType)).toEqual(['Relu', 'Identity']);
  });

  it('stores a constant in the order that it is read in', async () => {
    const { after } = await propagated(`(float[2,3] x, float[5,3] w) => (float[] y) {
      t = Transpose <perm = [1,0]> (w)
      y = MatMul (x, t)
    }`);
    expect(after.graph.nodes.map((n) => n.opType)).toEqual(['MatMul']);
    expect([...after.graph.initializers].map((v) => [v.name, v.constant!.dims])).toEqual([['w', [3, 5]]]);
  });

  it('reshapes where only axes of size 1 move', async () => {
    const { after, result } = await propagated(`(float[N,3,4,1] x) => (float[] y) {
      y = Transpose <perm = [0,3,1,2]> (x)
    }`);
    expect(result).toEqual({ removed: 1, left: [] });
    expect(after.graph.nodes.map((n) => n.opType)).toEqual(['Reshape']);
  });

  it('keeps out of subgraphs what they read from outside', async () => {
    const { result } = await propagated(`(float[1,2,3,4] x, bool c) => (float[] y) {
      a = Transpose <perm = [0,2,3,1]> (x)
      y = If (c) <
        then_branch = then () => (float[] p) { r = Relu (a)  p = Transpose <perm = [0,3,1,2]> (r) },
        else_branch = other () => (float[] q) { q = Transpose <perm = [0,3,1,2]> (a) }>
    }`);
    expect(result.left).toHaveLength(3);
  });

  it('leaves what has no known rank, and says so', async () => {
    const model = modelWithWeights('(float[] x) => (float[] y) { a = Transpose (x)  y = Transpose (a) }');
    const { result } = await expectSameAfterPropagation(engine, model, 0, { inputs: { x: [2, 3] } });
    expect(result.left.map(({ reason }) => reason)).toEqual(['rank-unknown', 'rank-unknown']);
  });

  it('leaves a perm that does not fit its tensor, as in a branch that never runs', () => {
    const model = modelWithWeights(
      `(float[2,3] x, bool c) => (float[] y) {
        y = If (c) <
          then_branch = t () => (float[] u) { u = Relu (x) },
          else_branch = e () => (float[] v) {
            a = Transpose <perm = [0,0]> (x)  b = Relu (a)  v = Transpose <perm = [0,2,1]> (b)
          }
        >
      }`,
    );
    expect(propagateTransposes(model).left.map(({ perm }) => perm)).toEqual([null, null]);
  });
});
