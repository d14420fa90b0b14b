/** Every operator that Transposes move through, between random ones, against onnxruntime. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openNodeEngine } from '../../../src/compute/engine/onnxruntime-node.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { inverse } from '../../../src/model/layout/permutation.ts';
import { expectSameAfterPropagation, modelWithWeights } from './equal-models.ts';

const engine = await openNodeEngine();

interface Case {
  /** Reads x, writes v (and may write u). */
  readonly body: string;
  readonly dims?: readonly number[];
  /** Rank of v. */
  readonly rank?: number;
  /** Further inputs; those called w… are constants. */
  readonly inputs?: string;
  readonly opset?: number;
  readonly type?: string;
  /** Of the largest magnitude, where sums are added in another order. */
  readonly tolerance?: number;
  /** Two permutations, before and after, that must vanish. Absent: the reversal of what stands before. */
  readonly vanishing?: readonly [before: readonly number[], after: readonly number[]] | null;
}

const cases: Record<string, Case> = {
  Relu: { body: 'v = Relu (x)' },
  Clip: { body: 'lo = Constant <value_float = -0.5> ()  v = Clip (x, lo)' },
  Dropout: { body: 'v, u = Dropout (x)' },
  Cast: { body: 'v = Cast <to = 7> (x)' },
  'Add, scalar': { body: 'v = Add (x, w)', inputs: 'float w' },
  'Add, same rank': { body: 'v = Add (w, x)', inputs: 'float[1,3,1,5] w' },
  'Add, lower rank': { body: 'v = Add (x, w)', inputs: 'float[4,5] w' },
  'Add, lower rank, leading one': { body: 'v = Mul (x, w)', inputs: 'float[3,1,1] w' },
  'Add, computed': { body: 'v = Add (x, z)', inputs: 'float[2,3,4,5] z', vanishing: null },
  'Add, computed of lower rank': { body: 'v = Add (x, z)', inputs: 'float[5] z', vanishing: null },
  'Add, one large constant read twice': {
    body: 'a = Add (x, w)  v = Mul (a, w)',
    inputs: 'float[2,3,4,5] w',
  },
  Where: { body: 'c = Less (x, w)  v = Where (c, x, w)', inputs: 'float[5] w' },
  PRelu: { body: 'v = PRelu (x, w)', inputs: 'float[3,1,1] w' },
  Max: { body: 'v = Max (x, w, w1)', inputs: 'float[4,1] w, float w1' },
  Concat: { body: 'v = Concat <axis = 1> (x, w, x)', inputs: 'float[2,2,4,5] w' },
  'Concat, from the end': { body: 'r = Relu (x)  v = Concat <axis = -1> (x, r)' },
  Split: { body: 's = Constant <value_ints = [2, 3]> ()  v, u = Split <axis = 3> (x, s)' },
  'Split, attribute': { body: 'v, u = Split <axis = -3, split = [1,2]> (x)', opset: 11 },
  Softmax: { body: 'v = Softmax <axis = 1> (x)', tolerance: 1e-6 },
  'Softmax, default': { body: 'v = Softmax (x)', tolerance: 1e-6 },
  'Softmax-11': {
    body: 'v = Softmax <axis = 2> (x)',
    opset: 11,
    tolerance: 1e-6,
    vanishing: [
      [1, 0, 2, 3],
      [1, 0, 2, 3],
    ],
  },
  LogSoftmax: { body: 'v = LogSoftmax <axis = -2> (x)', tolerance: 1e-6 },
  CumSum: { body: 'i = Constant <value_int = 2> ()  v = CumSum (x, i)' },
  TopK: { body: 'k = Constant <value_ints = [2]> ()  v, u = TopK <axis = 1> (x, k)' },
  LayerNormalization: {
    body: 'v = LayerNormalization (x, w)',
    inputs: 'float[5] w',
    tolerance: 1e-6,
    vanishing: [
      [1, 2, 0, 3],
      [2, 0, 1, 3],
    ],
  },
  Slice: {
    body: 's = Constant <value_ints = [1, 0]> ()  e = Constant <value_ints = [9, -1]> ()  a = Constant <value_ints = [-1, 1]> ()  v = Slice (x, s, e, a)',
  },
  'Slice, first axes': {
    body: 's = Constant <value_ints = [0, 2]> ()  e = Constant <value_ints = [1, 3]> ()  v = Slice (x, s, e)',
  },
  'Slice-9': { body: 'v = Slice <starts = [1], ends = [3], axes = [2]> (x)', opset: 9 },
  Pad: { body: 'p = Constant <value_ints = [0,1,2,0,0,0,1,3]> ()  v = Pad (x, p)' },
  'Pad, reflected': {
    body: 'p = Constant <value_ints = [0,1,2,0,0,0,1,3]> ()  v = Pad <mode = "reflect"> (x, p)',
  },
  'Pad, axes': {
    body: 'p = Constant <value_ints = [1,2,0,3]> ()  a = Constant <value_ints = [1,-1]> ()  v = Pad (x, p, , a)',
    opset: 18,
  },
  'Pad-10': { body: 'v = Pad <pads = [0,1,2,0,0,0,1,3]> (x)', opset: 10 },
  Tile: { body: 'r = Constant <value_ints = [1,2,1,3]> ()  v = Tile (x, r)' },
  'Tile, computed': { body: 'v = Tile (x, z)', inputs: 'int64[4] z' },
  Expand: { body: 's = Constant <value_ints = [2,3,4,5]> ()  v = Expand (x, s)', dims: [2, 1, 4, 1] },
  'Resize, nearest': {
    body: 'v = Resize <mode = "nearest"> (x, , s)  ',
    inputs: 'float[4] s',
    vanishing: null,
  },
  'Resize, by constants': {
    body: 's = Constant <value_floats = [1.0, 1.0, 2.0, 3.0]> ()  v = Resize <mode = "nearest"> (x, , s)',
  },
  'Resize, linear': {
    body: 's = Constant <value_ints = [2,3,8,9]> ()  v = Resize <mode = "linear"> (x, , , s)',
    tolerance: 1e-6,
    vanishing: null,
  },
  'Resize-10': {
    body: 's = Constant <value_floats = [1.0, 1.0, 2.0, 3.0]> ()  v = Resize <mode = "nearest"> (x, s)',
    opset: 10,
  },
  ReduceMean: { body: 'v = ReduceMean <axes = [1,-1]> (x)', tolerance: 1e-6 },
  'ReduceMax, axes as input': { body: 'a = Constant <value_ints = [1]> ()  v = ReduceMax (x, a)', opset: 18 },
  'ReduceSum, dropped': {
    body: 'a = Constant <value_ints = [2,1]> ()  v = ReduceSum <keepdims = 0> (x, a)',
    rank: 2,
    tolerance: 1e-6,
    vanishing: [
      [3, 1, 2, 0],
      [1, 0],
    ],
  },
  'ReduceMax, all': { body: 'v = ReduceMax <keepdims = 0> (x)', rank: 0, vanishing: [[3, 1, 2, 0], []] },
  ArgMax: { body: 'v = ArgMax <axis = -2> (x)' },
  'ArgMin, dropped': { body: 'v = ArgMin <axis = 0, keepdims = 0> (x)', rank: 3, vanishing: null },
  Squeeze: {
    body: 'a = Constant <value_ints = [1]> ()  v = Squeeze (x, a)',
    dims: [2, 1, 4, 5],
    rank: 3,
    vanishing: [
      [0, 2, 3, 1],
      [0, 2, 1],
    ],
  },
  Unsqueeze: {
    body: 'a = Constant <value_ints = [1,-1]> ()  v = Unsqueeze (x, a)',
    dims: [2, 3, 4],
    rank: 5,
    vanishing: null,
  },
  'Gather, scalar': {
    body: 'i = Constant <value_int = 1> ()  v = Gather <axis = 1> (x, i)',
    rank: 3,
    vanishing: null,
  },
  'Gather, list': { body: 'i = Constant <value_ints = [2,0,1,1]> ()  v = Gather <axis = 1> (x, i)' },
  'Gather, matrix': {
    body: 'v = Gather <axis = 2> (x, w)',
    inputs: 'int64[2,3] w',
    rank: 5,
    vanishing: null,
  },
  'Reshape, joined': {
    body: 's = Constant <value_ints = [2,12,5]> ()  v = Reshape (x, s)',
    rank: 3,
    vanishing: [
      [3, 0, 1, 2],
      [1, 2, 0],
    ],
  },
  'Reshape, split': {
    body: 's = Constant <value_ints = [2,3,2,2,5]> ()  v = Reshape (x, s)',
    rank: 5,
    vanishing: null,
  },
  'Reshape, ones': {
    body: 's = Constant <value_ints = [0,-1]> ()  v = Reshape (x, s)',
    dims: [2, 3, 1, 1],
    rank: 2,
    vanishing: null,
  },
  Flatten: { body: 'v = Flatten (x)', dims: [2, 3, 1, 1], rank: 2, vanishing: null },
  'Flatten and MatMul': {
    body: 'f = Flatten (x)  r = Relu (f)  v = MatMul (r, w)',
    inputs: 'float[60,7] w',
    rank: 2,
    tolerance: 1e-5,
    vanishing: null,
  },
  'Reshape and Gemm': {
    body: 's = Constant <value_ints = [-1,60]> ()  f = Reshape (x, s)  v = Gemm <transB = 1> (f, w, w1)',
    inputs: 'float[7,60] w, float[7] w1',
    rank: 2,
    tolerance: 1e-5,
    vanishing: null,
  },
  Shape: { body: 'v = Shape (x)', rank: 1, vanishing: [[1, 2, 3, 0], [0]] },
  'Shape, a part': { body: 'v = Shape <start = 1, end = -1> (x)', rank: 1, vanishing: [[1, 2, 3, 0], [0]] },
  Gemm: { body: 'v = Gemm (x, x)', dims: [4, 4], rank: 2, tolerance: 1e-6, vanishing: null },
  MatMul: {
    body: 'v = MatMul (x, w)',
    inputs: 'float[5,6] w',
    tolerance: 1e-6,
    vanishing: [
      [1, 2, 0, 3],
      [2, 0, 1, 3],
    ],
  },
  'MatMul of two': {
    body: 'v = MatMul (x, w)',
    inputs: 'float[2,3,5,6] w',
    tolerance: 1e-6,
    vanishing: [
      [1, 0, 2, 3],
      [1, 0, 2, 3],
    ],
  },
  Einsum: { body: 'v = Einsum <equation = "abcd,de->abce"> (x, w)', inputs: 'float[5,6] w', tolerance: 1e-6 },
  'DequantizeLinear, an axis': {
    body: 'q = QuantizeLinear <axis = 1> (x, w)  v = DequantizeLinear <axis = 1> (q, w)',
    inputs: 'float[3] w',
  },
  'QuantizeLinear, scalar': { body: 's = Constant <value_float = 0.1> ()  v = QuantizeLinear (x, s)' },
  BatchNormalization: {
    body: 'a = Abs (w)  v = BatchNormalization (x, w, w, w, a)',
    inputs: 'float[3] w',
    tolerance: 1e-6,
    vanishing: [
      [0, 1, 3, 2],
      [0, 1, 3, 2],
    ],
  },
};

const identity = (rank: number) => Array.from({ length: rank }, (_, i) => i);
const shuffled = (rank: number) =>
  fc
    .array(fc.nat(1000), { minLength: rank, maxLength: rank })
    .map((keys) => identity(rank).sort((a, b) => keys[a]! - keys[b]!));

/** x, stored so that `before` puts it in order, the operator, and `after` behind it. */
function modelOf(c: Case, before: readonly number[], after: readonly number[], both = true): Model {
  const dims = c.dims ?? [2, 3, 4, 5];
  const stored = inverse(before).map((i) => dims[i]);
  const inputs = [`${c.type ?? 'float'}[${stored.join()}] x0`, ...(c.inputs ? [c.inputs] : [])].join(', ');
  const perm = (p: readonly number[]) => `<perm = [${p.join()}]>`;
  const end = after.length > 1 ? `Transpose ${perm(after)} (v)` : 'Identity (v)';
  const second = both && c.body.includes('v, u =') ? ', float[] u' : '';
  return modelWithWeights(
    `(${inputs}) => (float[] y${second}) { x = Transpose ${perm(before)} (x0)  ${c.body}  y = ${end} }`,
    c.opset ?? 17,
  );
}

describe.each(Object.keys(cases))('%s', (name) => {
  const c = cases[name]!;
  const [rankBefore, rankAfter] = [c.dims?.length ?? 4, c.rank ?? c.dims?.length ?? 4];

  it('answers the same between random transposes', async () => {
    await fc.assert(
      fc.asyncProperty(shuffled(rankBefore), shuffled(rankAfter), async (before, after) => {
        const model = modelOf(c, before, after);
        const { result } = await expectSameAfterPropagation(engine, model, c.tolerance ?? 0);
        expect(result.removed).toBeGreaterThanOrEqual(0);
      }),
      { seed: 7, numRuns: 8 },
    );
  });

  it.skipIf(c.vanishing === null)('lets them through', async () => {
    const before = c.vanishing?.[0] ?? [3, 0, 1, 2].slice(0, rankBefore);
    const model = modelOf(c, before, c.vanishing?.[1] ?? inverse(before), false);
    const { result } = await expectSameAfterPropagation(engine, model, c.tolerance ?? 0);
    expect(result.left).toEqual([]);
  });
});
