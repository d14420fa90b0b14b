/** What compress makes of real models, written for TensorFlow.js: its wasm backend against onnxruntime on the same
 *  compressed model, and the sizes. */
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { compressModel, preset } from '../../../../../src/compress/compress.ts';
import type { Engine } from '../../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { readModelFile } from '../../../../../src/model/formats/file.ts';
import type { WrittenFile } from '../../../../../src/model/formats/format.ts';
import { encodeModel } from '../../../../../src/model/formats/onnx/index.ts';
import { writeGraphModel } from '../../../../../src/model/formats/tfjs/write/write.ts';
import { int } from '../../../../../src/model/ir/attribute.ts';
import { setAttribute } from '../../../../../src/model/ir/edit.ts';
import type { Model } from '../../../../../src/model/ir/model.ts';
import { nodesOf } from '../../../../../src/model/ir/walk.ts';
import { type FeedSettings, largestDifference, runModel, seededFeeds } from '../../../../run-model.ts';
import { shippedModels } from '../../../../shipped-models.ts';
import { contentOf, runWritten, useBackend } from './run-written.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
  await useBackend('wasm');
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});

const zoo = process.env['EDGEPRESS_ZOO'];
const models: readonly (readonly [string, FeedSettings])[] = [
  ...shippedModels.map((name) => [`fixtures/models/${name}`, { integers: 5 }] as const),
  ...(zoo
    ? (
        [
          ['nano-gpt-sort/gpt-nano-sort', { integers: 3, inputs: { idx: [2, 6] } }],
          ['tiny-llama-stories260K/stories260K', { integers: 500 }],
          ['onnx-kwt1/kwt1', {}],
          ['onnx-charrnn-shakespeare/charrnn', { integers: 60 }],
        ] as const
      ).map(([name, settings]) => [join(zoo, 'models', `${name}.onnx`), settings] as const)
    : []),
];

/** Largest difference of any output, relative to the output's largest value. */
async function error(model: Model, files: readonly WrittenFile[], settings: FeedSettings): Promise<number> {
  const feeds = seededFeeds(model, 1, settings);
  const expected = await runModel(engine, model, feeds);
  const received = await runWritten(model, feeds, files);
  return Object.entries(expected).reduce((worst, [name, tensor]) => {
    const { difference, magnitude } = largestDifference(tensor, received[name]!);
    return Math.max(worst, difference / Math.max(magnitude, Number.MIN_VALUE));
  }, 0);
}

/** Without leave to compute in less than float32. */
function inFloat32(model: Model): Model {
  for (const node of nodesOf(model))
    if (node.attributes.has('accuracy_level')) setAttribute(node, 'accuracy_level', int(1));
  return model;
}

/** Ranges that are found while running follow sums in another order, and steps that they decide. */
const dynamic: Readonly<Record<string, number>> = { 'kwt1.onnx': 0.03 };

const weightBytes = (files: readonly WrittenFile[]) =>
  files.slice(1).reduce((sum, file) => sum + contentOf(file).length, 0);

describe('--q4', () => {
  it.each(models)('%s', async (path, settings) => {
    const { model } = await compressModel(readModelFile(path), { recipe: preset('q4'), engine });
    const files = writeGraphModel(inFloat32(model));
    expect(await error(model, files, settings)).toBeLessThan(1e-5);
    // A number of 4 bits takes a byte.
    expect(weightBytes(files)).toBeLessThan(2 * encodeModel(model).length);
  });
});

describe('--int8 without data', () => {
  it.each(models)('%s', async (path, settings) => {
    const { model } = await compressModel(readModelFile(path), { recipe: preset('int8-dynamic'), engine });
    const files = writeGraphModel(model);
    expect(await error(model, files, settings)).toBeLessThan(dynamic[basename(path)] ?? 1e-5);
    expect(weightBytes(files)).toBeLessThan(encodeModel(model).length);
  });
});
