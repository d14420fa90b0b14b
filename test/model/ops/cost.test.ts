import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readModelFile } from '../../../src/model/formats/file.ts';
import { parseModel } from '../../../src/model/formats/onnx-text/index.ts';
import { modelMacs } from '../../../src/model/ops/cost.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';

const zoo = process.env['EDGEPRESS_ZOO'];

const macsOf = (body: string, bindings: Record<string, number> = {}) => {
  const m = parseModel(`<ir_version: 8, opset_import: ["" : 17, "com.microsoft" : 1]>\nagraph ${body}`);
  inferShapes(m);
  return modelMacs(m, bindings);
};

describe('modelMacs', () => {
  it('counts a grouped convolution: outputs times the channels and kernel that each sums over', () => {
    const body =
      '(float[1,8,10,10] x, float[16,4,3,3] w) => (y) { y = Conv <group = 2, pads = [1,1,1,1]> (x, w) }';
    expect(macsOf(body).macs).toBe(1 * 16 * 10 * 10 * 4 * 9);
  });

  it('counts a transposed convolution by its inputs', () => {
    const body = '(float[1,8,5,5] x, float[8,4,2,2] w) => (y) { y = ConvTranspose <strides = [2,2]> (x, w) }';
    expect(macsOf(body).macs).toBe(8 * 5 * 5 * 4 * 4);
  });

  it('counts matrix products in all their forms, element-wise work as 0', () => {
    const body = `(float[2,3,4] a, float[2,4,5] b, float[4,6] c, float[7,4] d) => (p, q, r, s) {
      p = MatMul (a, b)
      q = Gemm <transA = 1, transB = 1> (c, d)
      r = Einsum <equation = "bij,bjk->bik"> (a, b)
      s = Relu (p)
    }`;
    const m = macsOf(body);
    const counts = [...m.byNode].map(([n, macs]) => [n.opType, macs]);
    expect(counts).toEqual([
      ['MatMul', 2 * 3 * 4 * 5],
      ['Gemm', 6 * 4 * 7],
      ['Einsum', 2 * 3 * 4 * 5],
      ['Relu', 0],
    ]);
  });

  it('counts what onnxruntime writes: batches moved inside a product, channels last, heads packed', () => {
    const body = `(float[8,2,3] a, float[2,8,5] b, float[1,6,7,4] x, float[6,3,3,2] w, float[2,9,4,3,8] q) => (p, y, z) {
      p = com.microsoft.FusedMatMul <transBatchA = 1, transA = 1> (a, b)
      y = com.microsoft.NhwcConv <group = 2> (x, w)
      z = com.microsoft.MultiHeadAttention <num_heads = 4> (q)
    }`;
    expect([...macsOf(body).byNode.values()]).toEqual([
      2 * 3 * 5 * 8,
      4 * 5 * 6 * (3 * 3 * 2),
      2 * 4 * 9 * 9 * (8 + 8),
    ]);
  });

  it('counts an LSTM over its sequence and a symbolic batch by its binding, else as 1', () => {
    const body = `(float[T,B,32] x, float[1,256,32] w, float[1,256,64] r) => (y) {
      y = LSTM <hidden_size = 64> (x, w, r)
    }`;
    const each = 4 * 64 * (32 + 64);
    expect(macsOf(body, { T: 10, B: 3 }).macs).toBe(30 * each);
    expect(macsOf(body)).toMatchObject({ macs: each, assumed: ['T', 'B'] });
  });

  it('says where a size depends on data', () => {
    const body = `(float[8] x, float[1,4] w) => (y) {
      found = NonZero (x)
      rows = Transpose (found)
      f = Cast <to = 1> (rows)
      y = MatMul (f, w)
    }`;
    expect(macsOf(body)).toMatchObject({ macs: 4, assumed: [], onData: true });
    expect(macsOf('(float[8,1] x, float[1,4] w) => (y) { y = MatMul (x, w) }').onData).toBe(false);
  });

  it('counts the costlier branch of an If, and the body of a Loop as often as it runs', () => {
    const body = `(bool c, float[4,4] x) => (y, z) <int64 three = {3}, bool go = {1}> {
      y = If (c) <
        then_branch = a () => (p) { t = MatMul (x, x)  p = MatMul (t, x) },
        else_branch = b () => (q) { q = MatMul (x, x) }
      >
      z = Loop (three, go, x) <
        body = l (int64 i, bool k, float[4,4] h) => (k2, h2) { k2 = Identity (k)  h2 = MatMul (h, x) }
      >
    }`;
    expect(macsOf(body).macs).toBe(2 * 64 + 3 * 64);
  });

  it('names nodes that it can not count', () => {
    const m = macsOf('(float[2,3] x) => (y) { y = com.microsoft.Mystery (x) }');
    expect(m.unknown.map((n) => n.opType)).toEqual(['Mystery']);
  });
});

describe.skipIf(!zoo)('MACs of known networks (needs EDGEPRESS_ZOO)', () => {
  it.each([
    // MobileNetV2: 300 M (Sandler et al. 2018). ResNet-20 and -56: 4.06e7 and 1.25e8 (He et al. 2018, "Soft filter
    // pruning"; Li et al. 2017, "Pruning filters"). Published with three digits.
    ['imagenet-mobilenetv2-f32/mobilenetv2.onnx', 300e6],
    ['cifar10-resnet/resnet20.onnx', 40.6e6],
    ['cifar10-resnet/resnet56.onnx', 125e6],
    // By hand. DS-CNN: a 10×4 convolution to 25×5×64, four of 3×3 depthwise and 1×1, a classifier.
    ['kws-dscnn/kws_dscnn_float.onnx', 125 * 64 * 40 + 4 * (125 * 64 * 9 + 125 * 64 * 64) + 64 * 12],
    // Dense 640-128-128-128-128-8-128-128-128-128-640.
    ['mlperf-tiny/ad01_autoencoder.onnx', 2 * (640 * 128 + 3 * 128 * 128 + 128 * 8)],
  ])('%s', (file, published) => {
    const m = readModelFile(join(zoo!, 'models', file));
    inferShapes(m);
    const { macs, unknown } = modelMacs(m);
    expect(unknown).toEqual([]);
    expect(Math.abs(macs / published - 1)).toBeLessThan(0.005);
  });
});
