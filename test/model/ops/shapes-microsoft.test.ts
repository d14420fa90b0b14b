import { describe, expect, it } from 'vitest';
import { encodeModel } from '../../../src/model/formats/onnx/index.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { dtypeOf, shapeOf } from '../../../src/model/ir/model.ts';
import { elementCount } from '../../../src/model/ir/tensor.ts';
import { formatType, tensorType } from '../../../src/model/ir/type.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';

const ort = await import('onnxruntime-node').then(
  (m) => m.default,
  () => null,
);

/** One call of each com.microsoft operator; onnxruntime says what comes out. Inputs are zeros, ones where a 0 is no
 *  valid value. */
const cases: readonly [string, string][] = [
  [
    'MatMulNBits',
    'float[2,3,64] a, uint8[32,2,16] b, float[32,2] s) => (y) { y = com.microsoft.MatMulNBits <K = 64, N = 32, bits = 4, block_size = 32> (a, b, s) }',
  ],
  [
    'DynamicQuantizeMatMul',
    'float[2,3,8] a, uint8[8,5] b, float[5] s) => (y) { y = com.microsoft.DynamicQuantizeMatMul (a, b, s) }',
  ],
  [
    'MatMulIntegerToFloat',
    'uint8[3,8] a, uint8[8,5] b, float s, float t) => (y) { y = com.microsoft.MatMulIntegerToFloat (a, b, s, t) }',
  ],
  [
    'FusedMatMul',
    'float[2,8,3] a, float[2,5,8] b) => (y) { y = com.microsoft.FusedMatMul <transA = 1, transB = 1> (a, b) }',
  ],
  [
    'FusedMatMul, batch moved',
    'float[3,2,8] a, float[2,8,5] b) => (y) { y = com.microsoft.FusedMatMul <transBatchA = 1> (a, b) }',
  ],
  [
    'FusedGemm',
    'float[8,3] a, float[8,5] b, float[5] c) => (y) { y = com.microsoft.FusedGemm <transA = 1, activation = "Relu"> (a, b, c) }',
  ],
  [
    'FusedConv',
    'float[2,4,9,9] x, float[6,2,3,3] w) => (y) { y = com.microsoft.FusedConv <group = 2, strides = [2,2], activation = "Relu"> (x, w) }',
  ],
  ['Gelu', 'float[2,3] x) => (y) { y = com.microsoft.Gelu (x) }'],
  ['FastGelu', 'float[2,3] x, float[3] b) => (y) { y = com.microsoft.FastGelu (x, b) }'],
  ['BiasGelu', 'float[2,3] x, float[3] b) => (y) { y = com.microsoft.BiasGelu (x, b) }'],
  ['QuickGelu', 'float[2,3] x) => (y) { y = com.microsoft.QuickGelu (x) }'],
  [
    'SkipLayerNormalization',
    'float[2,3,8] x, float[2,3,8] s, float[8] g, float[8] b) => (y, sum) { y, _m, _v, sum = com.microsoft.SkipLayerNormalization (x, s, g, b) }',
  ],
  [
    'SkipSimplifiedLayerNormalization',
    'float[2,3,8] x, float[2,3,8] s, float[8] g) => (y, sum) { y, _m, _v, sum = com.microsoft.SkipSimplifiedLayerNormalization (x, s, g) }',
  ],
  [
    'SimplifiedLayerNormalization',
    'float[2,3,8] x, float[8] g) => (y, i) { y, i = SimplifiedLayerNormalization <axis = -1> (x, g) }',
  ],
  [
    'EmbedLayerNormalization',
    'int32[2,4] ids, float[9,8] words, float[6,8] places, float[8] g, float[8] b) => (y, m) { y, m = com.microsoft.EmbedLayerNormalization (ids, , words, places, , g, b) }',
  ],
  [
    'Attention',
    'float[2,4,8] x, float[8,24] w, float[24] b) => (y) { y = com.microsoft.Attention <num_heads = 2> (x, w, b) }',
  ],
  [
    'Attention with past',
    'float[2,4,8] x, float[8,24] w, float[24] b, float[2,2,2,3,4] past) => (y, present) { y, present = com.microsoft.Attention <num_heads = 2, unidirectional = 1> (x, w, b, , past) }',
  ],
  [
    'QAttention',
    'uint8[2,4,8] x, uint8[8,24] w, float[24] b, float s, float t) => (y) { y = com.microsoft.QAttention <num_heads = 2> (x, w, b, s, t) }',
  ],
  [
    'MultiHeadAttention',
    'float[2,4,8] q, float[2,5,8] k, float[2,5,12] v) => (y) { y = com.microsoft.MultiHeadAttention <num_heads = 2> (q, k, v) }',
  ],
  [
    'MultiHeadAttention with past',
    'float[2,4,8] q, float[2,5,8] k, float[2,5,8] v, float[2,2,3,4] pk, float[2,2,3,4] pv) => (y, a, b) { y, a, b = com.microsoft.MultiHeadAttention <num_heads = 2> (q, k, v, , , , pk, pv) }',
  ],
  [
    'GroupQueryAttention',
    'float[1,4,32] q, float[1,4,16] k, float[1,4,16] v) => (y, a, b) <int32[1] last = {3}, int32 total = {4}> { y, a, b = com.microsoft.GroupQueryAttention <num_heads = 4, kv_num_heads = 2> (q, k, v, , , last, total) }',
  ],
  [
    'RotaryEmbedding',
    'float[2,3,8] x, int64[1] p, float[6,2] c, float[6,2] s) => (y) { y = com.microsoft.RotaryEmbedding <num_heads = 2> (x, p, c, s) }',
  ],
  [
    'QLinearAdd',
    'uint8[2,3] a, float sa, uint8 za, uint8[3] b, float sb, uint8 zb, float sc, uint8 zc) => (y) { y = com.microsoft.QLinearAdd (a, sa, za, b, sb, zb, sc, zc) }',
  ],
  [
    'QLinearConcat',
    'float sy, uint8 zy, uint8[2,3] a, float sa, uint8 za, uint8[2,4] b, float sb, uint8 zb) => (y) { y = com.microsoft.QLinearConcat <axis = 1> (sy, zy, a, sa, za, b, sb, zb) }',
  ],
  [
    'QLinearGlobalAveragePool',
    'uint8[2,3,4,4] x, float sx, uint8 zx, float sy, uint8 zy) => (y) { y = com.microsoft.QLinearGlobalAveragePool (x, sx, zx, sy, zy) }',
  ],
  [
    'QLinearSigmoid',
    'uint8[2,3] x, float sx, uint8 zx, float sy, uint8 zy) => (y) { y = com.microsoft.QLinearSigmoid (x, sx, zx, sy, zy) }',
  ],
  [
    'QGemm',
    'uint8[3,8] a, float sa, uint8 za, uint8[8,5] b, float sb, uint8 zb) => (y) { y = com.microsoft.QGemm (a, sa, za, b, sb, zb) }',
  ],
  [
    'DynamicQuantizeLSTM',
    'float[5,2,8] x, uint8[1,8,16] w, uint8[1,4,16] r, float[1] sw, uint8[1] zw, float[1] sr, uint8[1] zr) => (y, h, c) { y, h, c = com.microsoft.DynamicQuantizeLSTM <hidden_size = 4> (x, w, r, , , , , , sw, zw, sr, zr) }',
  ],
  [
    'GatherBlockQuantized',
    'uint8[9,32] t, int64[2,3] ids, float[9,2] s) => (y) { y = com.microsoft.GatherBlockQuantized <bits = 4, block_size = 32, quantize_axis = 1> (t, ids, s) }',
  ],
  [
    'DequantizeLinear',
    'uint16[2,3] x, float s, uint16 z) => (y) { y = com.microsoft.DequantizeLinear (x, s, z) }',
  ],
  [
    'QLinearConv, channels last',
    'uint8[2,9,7,4] x, float sx, uint8 zx, uint8[6,2,3,3] w, float sw, uint8 zw, float sy, uint8 zy) => (y) { y = com.microsoft.QLinearConv <channels_last = 1, group = 2, strides = [2,1]> (x, sx, zx, w, sw, zw, sy, zy) }',
  ],
  [
    'QLinearAveragePool, channels last',
    'uint8[2,9,7,4] x, float sx, uint8 zx, float sy, uint8 zy) => (y) { y = com.microsoft.QLinearAveragePool <channels_last = 1, kernel_shape = [3,2]> (x, sx, zx, sy, zy) }',
  ],
  [
    'QLinearGlobalAveragePool, channels last',
    'uint8[2,4,5,3] x, float sx, uint8 zx, float sy, uint8 zy) => (y) { y = com.microsoft.QLinearGlobalAveragePool <channels_last = 1> (x, sx, zx, sy, zy) }',
  ],
  [
    'NhwcMaxPool',
    'uint8[2,9,7,4] x) => (y) { y = com.microsoft.NhwcMaxPool <kernel_shape = [3,2], strides = [2,2]> (x) }',
  ],
  [
    'FusedMatMul, batch moved and transposed',
    'float[8,2,3] a, float[2,8,5] b) => (y) { y = com.microsoft.FusedMatMul <transBatchA = 1, transA = 1> (a, b) }',
  ],
  [
    'DecoderMaskedMultiHeadAttention, cache in place',
    'float[2,1,8] q, float[2,1,8] k, float[2,1,8] v, float[2,2,6,4] pk, float[2,2,6,4] pv) => (y, a, b) <int32[1] n = {3}> { y, a, b = com.microsoft.DecoderMaskedMultiHeadAttention <num_heads = 2, past_present_share_buffer = 1> (q, k, v, , , pk, pv, n) }',
  ],
  ['Range without a step', ') => (y) <int32 a = {2}, int32 b = {7}> { y = com.microsoft.Range (a, b) }'],
  ['ExpandDims', 'float[2,3] x) => (y) <int32 axis = {1}> { y = com.microsoft.ExpandDims (x, axis) }'],
  ['DynamicQuantizeLinear', 'float[2,3] x) => (y, s, z) { y, s, z = DynamicQuantizeLinear (x) }'],
];

describe.skipIf(!ort)('shapes of com.microsoft operators as onnxruntime computes them', () => {
  it.each(cases)('%s', async (_, body) => {
    const model = parseModel(
      `<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>\nagraph (${body}`,
    );
    const session = await ort!.InferenceSession.create(encodeModel(model), {
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 4,
    });
    expect(inferShapes(model).missing).toEqual([]);
    const feeds = Object.fromEntries(
      model.graph.inputs.map((v) => {
        const dims = shapeOf(v) as number[];
        const dtype = dtypeOf(v) as 'float32';
        const count = elementCount(dims);
        const data = dtype === 'float32' ? new Float32Array(count).fill(1) : zeros(dtype, count);
        return [v.name, new ort!.Tensor(dtype, data as Float32Array, dims)];
      }),
    );
    const results = await session.run(feeds);
    for (const v of model.graph.outputs) {
      const actual = results[v.name]!;
      expect(`${v.name} ${formatType(v.type)}`).toBe(
        `${v.name} ${formatType(tensorType(actual.type as 'float32', actual.dims))}`,
      );
    }
  });
});

function zeros(dtype: string, count: number) {
  if (dtype === 'int64') return new BigInt64Array(count);
  if (dtype === 'int32') return new Int32Array(count);
  return dtype === 'uint16' ? new Uint16Array(count) : new Uint8Array(count);
}
