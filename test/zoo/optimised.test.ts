/** Real models as onnxruntime's optimiser writes them: no weight may hide in a fused operator. */
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { compressModel, preset } from '../../src/compress/compress.ts';
import type { Engine } from '../../src/compute/engine/contract.ts';
import { openEngine } from '../../src/compute/engine/open.ts';
import { decodeModel } from '../../src/model/formats/onnx/read.ts';
import { encodeModel } from '../../src/model/formats/onnx/write.ts';
import type { Model } from '../../src/model/ir/model.ts';
import { optimisedModel } from '../optimised-model.ts';

const zoo = process.env['EDGEPRESS_ZOO'];

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});

const sizeOf = async (model: Model) =>
  encodeModel((await compressModel(model, { recipe: preset('int8-weights'), engine })).model).length;

describe.skipIf(!zoo)('an optimised model', () => {
  it.each([
    'cifar10-resnet/resnet20.onnx',
    'mlperf-tiny/ad01_autoencoder.onnx',
    'mlperf-tiny/vww_96_float.onnx',
    'nano-gpt-sort/gpt-nano-sort.onnx',
    'tiny-llama-stories260K/stories260K.onnx',
  ])('becomes as small as the one it was made from: %s', async (path) => {
    const exported = decodeModel(readFileSync(`${zoo}/models/${path}`));
    const fused = await optimisedModel(exported);
    expect(fused.graph.nodes.some((n) => n.domain === 'com.microsoft')).toBe(true);
    // Names, and small constants that were folded before, are not the same.
    expect(await sizeOf(fused)).toBeLessThan(1.05 * (await sizeOf(exported)));
  });
});
