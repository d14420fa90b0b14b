/** Whole models: what LiteRT computes with the written file, against onnxruntime on the model. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { readModelFile } from '../../../../../src/model/formats/file.ts';
import { writeTflite } from '../../../../../src/model/formats/tflite/write/write.ts';
import type { Model } from '../../../../../src/model/ir/model.ts';
import { numbers, type Tensor, tensorOf } from '../../../../../src/model/ir/tensor.ts';
import { hasLitert, litertTitle, runTflite } from '../../../../litert.ts';
import { type FeedSettings, largestDifference, runModel, seededFeeds } from '../../../../run-model.ts';

const engine = await openEngine('node');

/** Integers of more bits are int32 in the file. */
const narrowed = (t: Tensor): Tensor => (t.dtype === 'int64' ? tensorOf('int32', t.dims, numbers(t)) : t);

/** Largest difference of any output, relative to the output's largest value. */
export async function relativeError(model: Model, settings: FeedSettings = {}): Promise<number> {
  const dims = { ...settings.dims };
  const feeds = seededFeeds(model, 1, { ...settings, dims });
  const expected = await runModel(engine, model, feeds);
  const narrow = Object.fromEntries(Object.entries(feeds).map(([name, t]) => [name, narrowed(t)]));
  const received = runTflite(writeTflite(model), narrow);
  return Object.entries(expected).reduce((worst, [name, tensor]) => {
    const { difference, magnitude } = largestDifference(narrowed(tensor), received[name]!);
    return Math.max(worst, difference / Math.max(magnitude, Number.MIN_VALUE));
  }, 0);
}

const one = { dims: { N: 1, batch: 1, batch_size: 1 } };

describe.skipIf(!hasLitert)(`shipped models ${litertTitle}`, () => {
  it.each(['digits-cnn', 'digits-mlp', 'glyphs-cnn', 'glyphs-mlp'])('%s', async (name) => {
    const model = readModelFile(join('fixtures/models', `${name}.onnx`));
    expect(await relativeError(model, one)).toBeLessThan(1e-5);
  });
});

const zoo = process.env['EDGEPRESS_ZOO'];

describe.skipIf(!zoo || !hasLitert)(`models of the zoo (set EDGEPRESS_ZOO to run) ${litertTitle}`, () => {
  it.each([
    'imagenet-mobilenetv2-f32/mobilenetv2',
    'cifar10-resnet/resnet20',
    'cifar10-resnet/resnet56',
    'kws-dscnn/kws_dscnn_float',
    'mlperf-tiny/vww_96_float',
  ])('%s', async (name) => {
    const model = readModelFile(join(zoo!, 'models', `${name}.onnx`));
    expect(await relativeError(model, one)).toBeLessThan(1e-4);
  });
});
