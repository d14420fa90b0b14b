/** Whole models there and back: what TensorFlow.js computes with the files on its wasm backend, and what onnxruntime computes
 *  with the ONNX that the files are read as, against onnxruntime on the model. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Engine } from '../../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { readModelFile } from '../../../../../src/model/formats/file.ts';
import { writeGraphModel } from '../../../../../src/model/formats/tfjs/write/write.ts';
import type { Tensor } from '../../../../../src/model/ir/tensor.ts';
import { verifyModel } from '../../../../../src/model/ir/verify.ts';
import { isValidModel } from '../../../../invalid-models.ts';
import { type FeedSettings, largestDifference, runModel, seededFeeds } from '../../../../run-model.ts';
import { shippedModels } from '../../../../shipped-models.ts';
import { pictureOfLetters } from '../../../../zoo/letters.ts';
import { contentOf, feedsFor, inType, readWritten, runWritten, useBackend } from './run-written.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
  await useBackend('wasm');
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

type Outputs = Readonly<Record<string, Tensor>>;

/** Largest difference of any output, relative to the output's largest value. */
const relative = (expected: Outputs, received: Outputs): number =>
  Object.entries(expected).reduce((worst, [name, tensor]) => {
    const other = received[name]!;
    const { difference, magnitude } = largestDifference(inType(tensor, other.dtype), other);
    return Math.max(worst, difference / Math.max(magnitude, Number.MIN_VALUE));
  }, 0);

/** @returns how far what is written is from the model, and how far what is read of it */
async function trip(path: string, settings: FeedSettings): Promise<{ there: number; back: number }> {
  const model = readModelFile(path);
  const feeds = seededFeeds(model, 1, settings);
  const expected = await runModel(engine, model, feeds);
  const files = writeGraphModel(model);
  const again = readWritten(files);
  verifyModel(again);
  expect(again.graph.outputs.map((v) => v.name)).toEqual(Object.keys(expected));
  return {
    there: relative(expected, await runWritten(model, feeds, files)),
    back: relative(expected, await runModel(engine, again, feedsFor(again, feeds))),
  };
}

const shipped = 'fixtures/models';

describe('shipped models', () => {
  it.each(shippedModels)('%s', async (file) => {
    const { there, back } = await trip(join(shipped, file), { integers: 5 });
    expect(there).toBeLessThan(1e-5);
    expect(back).toBeLessThan(1e-5);
  });
});

const zoo = process.env['EDGEPRESS_ZOO'];

/** With how many Transposes are left. */
const real: readonly (readonly [string, FeedSettings, number])[] = [
  ['imagenet-mobilenetv2-f32/mobilenetv2', {}, 1],
  ['cifar10-resnet/resnet20', {}, 1],
  ['cifar10-resnet/resnet56', {}, 1],
  ['kws-dscnn/kws_dscnn_float', {}, 0],
  ['mlperf-tiny/vww_96_float', {}, 0],
  ['mlperf-tiny/ad01_autoencoder', {}, 0],
  ['onnx-mnist/model', {}, 1],
  ['onnx-super-resolution/super-resolution-10', {}, 2],
  ['onnx-ultraface/version-RFB-320', {}, 1],
  ['onnx-ultraface/version-RFB-320_simplified', {}, 1],
  ['onnx-ultraface/ort-Ultraface_version-RFB-320', {}, 1],
  ['onnx-ultraface/version-slim-320', {}, 1],
  ['onnx-ppocr/ch_ppocr_mobile_v2.0_cls_infer', { inputs: { x: [1, 3, 48, 192] } }, 1],
  ['onnx-ppocr/ch_PP-OCRv3_det_infer', { tensors: { x: pictureOfLetters('HELLO') } }, 2],
  ['onnx-basic-pitch/nmp', {}, 10],
  ['onnx-kwt1/kwt1', {}, 60],
  ['nano-gpt-sort/gpt-nano-sort', { integers: 3, inputs: { idx: [2, 6] } }, 20],
  ['tiny-llama-stories260K/stories260K', { integers: 500 }, 20],
  ['onnx-charrnn-shakespeare/charrnn', { integers: 60 }, 2],
];

const refused: Readonly<Record<string, string>> = {
  // Its branches pad by a size that follows from the sampling rate, an input.
  'onnx-silero-vad/silero_vad': 'TFJS_OPERATOR',
  // Operators of another runtime.
  'onnx-super-resolution/pytorch_superresolution_with_pre_post_processing_op18': 'TFJS_OPERATOR',
};

describe.skipIf(!zoo)('models of the zoo (set EDGEPRESS_ZOO to run)', () => {
  it.each(real)('%s', async (name, settings, transposes) => {
    const path = join(zoo!, 'models', `${name}.onnx`);
    const [json] = writeGraphModel(readModelFile(path));
    const { node } = JSON.parse(Buffer.from(contentOf(json!)).toString()).modelTopology;
    const left = (node as { op: string }[]).filter(({ op }) => op === 'Transpose').length;
    expect(left).toBeLessThanOrEqual(transposes);
    const { there, back } = await trip(path, settings);
    expect(there).toBeLessThan(1e-4);
    expect(back).toBeLessThan(1e-4);
  });

  it.each(Object.entries(refused))('%s is refused: %s', (name, code) => {
    const model = readModelFile(join(zoo!, 'models', `${name}.onnx`));
    expect(() => writeGraphModel(model)).toThrow(expect.objectContaining({ code }));
  });

  it('are all that onnxruntime takes for models', () => {
    const files = readdirSync(join(zoo!, 'models'), { recursive: true, encoding: 'utf8' });
    const models = files.filter((file) => file.endsWith('.onnx') && isValidModel(file));
    const names = [...real.map(([name]) => name), ...Object.keys(refused)];
    expect(names.sort()).toEqual(models.map((file) => file.replace(/\.onnx$/, '')).sort());
  });
});
