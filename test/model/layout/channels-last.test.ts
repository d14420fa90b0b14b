import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../../src/compress/compress.ts';
import { openNodeEngine } from '../../../src/compute/engine/onnxruntime-node.ts';
import { readModelFile } from '../../../src/model/formats/file.ts';
import { encodeModel } from '../../../src/model/formats/onnx/index.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { channelsFirst, channelsLast } from '../../../src/model/layout/channels-last.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';
import { countNodes, expectSameOutputs, modelWithWeights } from './equal-models.ts';

const engine = await openNodeEngine();

/** Where rows of a matrix moved, sums are added in another order. */
const reordered = 1e-5;

/** Turns a copy, brings a copy of that back, and runs both against the original. */
async function turned(model: Model, tolerance = reordered) {
  const last = cloneModel(model);
  const result = channelsLast(last);
  verifyModel(last);
  const back = cloneModel(last);
  channelsFirst(back);
  verifyModel(back);
  await expectSameOutputs(engine, model, back, tolerance);
  return { last, ...result };
}

const bodies: Record<string, string> = {
  'a convolution over one axis':
    '(float[1,1,9] x, float[4,1,3] w) => (float[] y) { a = Conv (x, w)  b = Relu (a)  y = GlobalMaxPool (b) }',
  'a convolution over three axes':
    '(float[1,1,4,5,6] x, float[2,1,3,3,3] w) => (float[] y) { a = Conv (x, w)  y = GlobalAveragePool (a) }',
  'a transposed convolution, normalised':
    '(float[1,1,4,5] x, float[1,4,3,3] w, float[4] w1) => (float[] y) { a = ConvTranspose <strides = [2,2]> (x, w)  v = Abs (w1)  b = BatchNormalization (a, w1, w1, w1, v)  y = GlobalMaxPool (b) }',
  'pools, a resize and a concatenation':
    '(float[1,1,8,8] x, float[4,1,3,3] w) => (float[] y) { a = Conv <pads = [1,1,1,1]> (x, w)  p = MaxPool <kernel_shape = [2,2], strides = [2,2]> (a)  s = Constant <value_floats = [1.0,1.0,2.0,2.0]> ()  r = Resize <mode = "linear"> (p, , s)  c = Concat <axis = 1> (a, r)  n = LRN <size = 3> (c)  y = GlobalAveragePool (n) }',
  'an instance normalisation and space to depth':
    '(float[1,1,8,8] x, float[4,1,3,3] w, float[4] w1) => (float[] y) { a = Conv <pads = [1,1,1,1]> (x, w)  i = InstanceNormalization (a, w1, w1)  s = SpaceToDepth <blocksize = 2> (i)  d = DepthToSpace <blocksize = 4> (s)  y = GlobalMaxPool (d) }',
  'depth to space, written out':
    '(float[1,1,4,4] x, float[4,1,3,3] w) => (float[] y) { a = Conv <pads = [1,1,1,1]> (x, w)  s = Constant <value_ints = [1,1,2,2,4,4]> ()  r = Reshape (a, s)  t = Transpose <perm = [0,1,4,2,5,3]> (r)  e = Constant <value_ints = [1,1,8,8]> ()  y = Reshape (t, e) }',
  'a classifier behind a flattened map':
    '(float[N,1,4,4] x, float[3,1,3,3] w, float[48,5] w1) => (float[] y) { a = Conv <pads = [1,1,1,1]> (x, w)  f = Flatten (a)  y = MatMul (f, w1) }',
};

describe('channels-last models', () => {
  it.each(Object.keys(bodies))('keep no transpose around %s', async (name) => {
    const { left, kept } = await turned(modelWithWeights(bodies[name]!));
    expect({ left, kept }).toEqual({ left: [], kept: [] });
  });

  it('keep those at inputs and outputs that have channels first', async () => {
    const { left } = await turned(
      modelWithWeights(
        '(float[1,3,8,8] x, float[4,3,3,3] w) => (float[] y) { a = Conv (x, w)  y = Sigmoid (a) }',
      ),
    );
    expect(left.map(({ reason }) => reason)).toEqual([
      'between-input-and-edgepress.channels-last:Conv',
      'between-edgepress.channels-last:Conv-and-Sigmoid',
    ]);
  });

  it('keep an operator of unknown rank as it was, and say so', () => {
    const model = modelWithWeights('(float[] x) => (float[] y) { y = GlobalMaxPool (x) }');
    expect(channelsLast(model)).toEqual({ turned: 0, kept: [{ at: 'y', reason: 'rank-unknown' }], left: [] });
  });

  it('are refused by the writer of ONNX', () => {
    const model = modelWithWeights('(float[1,1,9] x) => (float[] y) { y = GlobalMaxPool (x) }');
    channelsLast(model);
    expect(() => encodeModel(model)).toThrow(expect.objectContaining({ code: 'INTERNAL_OPERATOR' }));
  });
});

const fixtures = 'fixtures/models';
describe('channels-last forms of the shipped models', () => {
  it.each(readdirSync(fixtures).filter((f) => f.endsWith('.onnx')))(
    'of %s compute the same',
    async (file) => {
      const model = readModelFile(join(fixtures, file));
      inferShapes(model);
      const before = countNodes(model, 'Transpose');
      const { left } = await turned(model);
      // The picture's own layout at the input; every other one was there before.
      expect(left.length).toBeLessThanOrEqual(before + 1);
    },
  );
});

/** Transposes that are left after clean-up, in all and without those at inputs and outputs. */
const counts: Record<string, { all: number; inside: number }> = {
  'imagenet-mobilenetv2-f32/mobilenetv2.onnx': { all: 1, inside: 0 },
  'cifar10-resnet/resnet20.onnx': { all: 1, inside: 0 },
  'cifar10-resnet/resnet56.onnx': { all: 1, inside: 0 },
  'onnx-mnist/model.onnx': { all: 0, inside: 0 },
  'onnx-super-resolution/super-resolution-10.onnx': { all: 0, inside: 0 },
  'onnx-ultraface/version-RFB-320.onnx': { all: 1, inside: 0 },
  'onnx-ultraface/version-slim-320.onnx': { all: 1, inside: 0 },
  'kws-dscnn/kws_dscnn_float.onnx': { all: 0, inside: 0 },
  'mlperf-tiny/vww_96_float.onnx': { all: 0, inside: 0 },
  'onnx-basic-pitch/nmp.onnx': { all: 0, inside: 0 },
  'onnx-ppocr/ch_ppocr_mobile_v2.0_cls_infer.onnx': { all: 1, inside: 0 },
  // Attention splits heads off and joins them again, four times a block.
  'nano-gpt-sort/gpt-nano-sort.onnx': { all: 12, inside: 12 },
  'onnx-kwt1/kwt1.onnx': { all: 12, inside: 12 },
};

const zoo = process.env['EDGEPRESS_ZOO'];
describe.skipIf(!zoo)('channels-last forms of real models (set EDGEPRESS_ZOO to run)', () => {
  it.each(Object.keys(counts))('of %s compute the same', { timeout: 120_000 }, async (file) => {
    const path = join(zoo!, 'models', file);
    expect(existsSync(path)).toBe(true);
    const { model } = await compressModel(readModelFile(path), { recipe: preset('clean'), engine });
    inferShapes(model);
    const { left } = await turned(model);
    const inside = left.filter(({ reason }) => !/^between-input|-and-output$/.test(reason));
    expect({ all: left.length, inside: inside.length }).toEqual(counts[file]);
  });
});
