/** Whole models: what LiteRT computes with the written file, against onnxruntime on the model. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../../../../src/compress/compress.ts';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { readModelFile } from '../../../../../src/model/formats/file.ts';
import { writeTflite } from '../../../../../src/model/formats/tflite/write/write.ts';
import type { Model } from '../../../../../src/model/ir/model.ts';
import { tensorOf } from '../../../../../src/model/ir/tensor.ts';
import { withFixedInputs } from '../../../../../src/model/rewrite/fix-inputs.ts';
import { withSizes } from '../../../../../src/model/rewrite/fix-sizes.ts';
import { isValidModel } from '../../../../invalid-models.ts';
import { hasLitert, litertTitle, runTfliteAll } from '../../../../litert.ts';
import { type FeedSettings, normalTensor, runModel, seededFeeds } from '../../../../run-model.ts';
import { shippedModels } from '../../../../shipped-models.ts';
import { pictureOfLetters } from '../../../../zoo/letters.ts';
import { caseOf, errorOf } from './run-written.ts';
import { readTables } from './tables.ts';

const engine = await openEngine('node');

/** As convert does: constants and norms folded. */
const cleaned = async (model: Model): Promise<Model> =>
  (await compressModel(model, { recipe: preset('clean'), engine })).model;

async function relativeError(path: string, settings: FeedSettings): Promise<number> {
  const model = readModelFile(path);
  const feeds = seededFeeds(model, 1, {
    ...settings,
    dims: { N: 1, batch: 1, sequence: 8, ...settings.dims },
  });
  const [answer] = runTfliteAll([caseOf(await cleaned(model), feeds)]);
  return errorOf(await runModel(engine, model, feeds), answer!);
}

describe.skipIf(!hasLitert)(`shipped models ${litertTitle}`, () => {
  it.each(shippedModels)('%s', async (file) => {
    const error = await relativeError(join('fixtures/models', file), { integers: 5, dims: { length: 12 } });
    expect(error).toBeLessThan(1e-5);
  });
});

const zoo = process.env['EDGEPRESS_ZOO'];

/** With how many Transposes are left: one where a caller hands in [N, C, …], and those around products of matrices. */
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
  ['nano-gpt-sort/gpt-nano-sort', { integers: 3, inputs: { idx: [1, 6] } }, 20],
  ['tiny-llama-stories260K/stories260K', { integers: 500 }, 20],
  ['onnx-charrnn-shakespeare/charrnn', { integers: 60 }, 2],
];

const refused: Readonly<Record<string, string>> = {
  // Its sizes are open, and one of its branches fits no size that the other takes.
  'onnx-silero-vad/silero_vad': 'TFLITE_SIZE',
  // Operators of another runtime.
  'onnx-super-resolution/pytorch_superresolution_with_pre_post_processing_op18': 'TFLITE_OPERATOR',
};

describe.skipIf(!zoo || !hasLitert)(`models of the zoo (set EDGEPRESS_ZOO to run) ${litertTitle}`, () => {
  it.each(real)('%s', async (name, settings, transposes) => {
    const path = join(zoo!, 'models', `${name}.onnx`);
    const model = readModelFile(path);
    const feeds = seededFeeds(model, 1, { dims: { N: 1, batch: 1, sequence: 8 }, ...settings });
    const made = caseOf(await cleaned(model), feeds);
    const left = readTables(made.bytes).operators.filter(({ op }) => op === 'TRANSPOSE').length;
    expect(left).toBeLessThanOrEqual(transposes);
    const [answer] = runTfliteAll([made]);
    expect(errorOf(await runModel(engine, model, feeds), answer!)).toBeLessThan(1e-4);
  });

  it('silero-vad, a network a sampling rate, at 16 kHz', async () => {
    const model = readModelFile(join(zoo!, 'models/onnx-silero-vad/silero_vad.onnx'));
    const feeds = {
      input: normalTensor([1, 576], 1),
      state: normalTensor([2, 1, 128], 2),
      sr: tensorOf('int64', [], [16000]),
    };
    const sized = withSizes(model, { 'input:0': 1, 'input:1': 576, 'state:1': 1 });
    expect(() => writeTflite(sized)).toThrow(expect.objectContaining({ code: 'TFLITE_OPERATOR' }));
    const { sr: _, ...rest } = feeds;
    const [answer] = runTfliteAll([caseOf(await cleaned(withFixedInputs(sized, { sr: 16000 })), rest)]);
    expect(errorOf(await runModel(engine, model, feeds), answer!)).toBeLessThan(1e-4);
  });

  it.each(Object.entries(refused))('%s is refused: %s', (name, code) => {
    const model = readModelFile(join(zoo!, 'models', `${name}.onnx`));
    expect(() => writeTflite(model)).toThrow(expect.objectContaining({ code }));
  });

  it('are all that onnxruntime takes for models', () => {
    const files = readdirSync(join(zoo!, 'models'), { recursive: true, encoding: 'utf8' });
    const models = files.filter((file) => file.endsWith('.onnx') && isValidModel(file));
    const names = [...real.map(([name]) => name), ...Object.keys(refused)];
    expect(names.sort()).toEqual(models.map((file) => file.replace(/\.onnx$/, '')).sort());
  });
});
