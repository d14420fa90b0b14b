/** Whole models as TensorFlow.js runs them on its wasm backend, against onnxruntime on the model. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { Engine } from '../../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { readModelFile } from '../../../../../src/model/formats/file.ts';
import { writeGraphModel } from '../../../../../src/model/formats/tfjs/write/write.ts';
import { type FeedSettings, largestDifference, runModel, seededFeeds } from '../../../../run-model.ts';
import { contentOf, runWritten, useBackend } from './run-written.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
  await useBackend('wasm');
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

/** Largest difference of any output, relative to the output’s largest value, or 0.001 where a sigmoid leaves less. */
async function error(path: string, settings: FeedSettings): Promise<number> {
  const model = readModelFile(path);
  const feeds = seededFeeds(model, 1, settings);
  const [expected, received] = [await runModel(engine, model, feeds), await runWritten(model, feeds)];
  return Object.entries(expected).reduce((worst, [name, tensor]) => {
    const { difference, magnitude } = largestDifference(tensor, received[name]!);
    return Math.max(worst, difference / Math.max(magnitude, 1e-3));
  }, 0);
}

const shipped = 'fixtures/models';

describe('shipped models', () => {
  it.each(readdirSync(shipped).filter((file) => file.endsWith('.onnx')))('%s', async (file) => {
    expect(await error(join(shipped, file), { integers: 5 })).toBeLessThan(1e-5);
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
  ['onnx-ultraface/version-slim-320', {}, 1],
  ['onnx-ppocr/ch_ppocr_mobile_v2.0_cls_infer', { inputs: { x: [1, 3, 48, 192] } }, 1],
  ['onnx-ppocr/ch_PP-OCRv3_det_infer', { inputs: { x: [1, 3, 64, 96] } }, 2],
  ['onnx-basic-pitch/nmp', {}, 10],
  ['onnx-kwt1/kwt1', {}, 60],
  ['nano-gpt-sort/gpt-nano-sort', { integers: 3, inputs: { idx: [2, 6] } }, 20],
  ['tiny-llama-stories260K/stories260K', { integers: 500 }, 20],
  ['onnx-charrnn-shakespeare/charrnn', { integers: 60 }, 2],
];

describe.skipIf(!zoo)('models of the zoo (set EDGEPRESS_ZOO to run)', () => {
  it.each(real)('%s', async (name, settings, transposes) => {
    const path = join(zoo!, 'models', `${name}.onnx`);
    const [json] = writeGraphModel(readModelFile(path));
    const { node } = JSON.parse(Buffer.from(contentOf(json!)).toString()).modelTopology;
    const left = (node as { op: string }[]).filter(({ op }) => op === 'Transpose').length;
    expect(left).toBeLessThanOrEqual(transposes);
    expect(await error(path, settings)).toBeLessThan(1e-4);
  });
});
