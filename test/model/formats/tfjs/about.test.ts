/** What a model.json says beside network and weights is there again when the model is written, straight or by way of ONNX: pages
 *  that TensorFlow.js runs ask for the same nodes and find the same metadata. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { inspectModel } from '../../../../src/jobs/inspect.ts';
import { encodeModel } from '../../../../src/model/formats/onnx/write.ts';
import { openModelBytes } from '../../../../src/model/formats/opened.ts';
import { writeGraphModel } from '../../../../src/model/formats/tfjs/write/write.ts';
import { labelsOf, preprocessingOf, setLabels, setPreprocessing } from '../../../../src/model/ir/card.ts';
import type { Model } from '../../../../src/model/ir/model.ts';
import { contentOf, loadWritten, useBackend } from './write/run-written.ts';

const node = (name: string, op: string, input: readonly string[] = []) => ({
  ...{ name, op, input },
  attr:
    op === 'Placeholder' ? { dtype: { type: 'DT_FLOAT' }, shape: { shape: { dim: [{ size: '3' }] } } } : {},
});

/** Three outputs: one called as its node, one otherwise, one that is the second of two of its node. */
const file = {
  format: 'graph-model',
  generatedBy: '2.8.0',
  convertedBy: 'TensorFlow.js Converter v3.18.0',
  modelTopology: {
    versions: { producer: 1 },
    node: [
      node('serving_x', 'Placeholder'),
      node('model/relu', 'Relu', ['serving_x']),
      node('Identity_1', 'Neg', ['model/relu']),
      node('k', 'Const'),
      { ...node('top', 'TopKV2', ['serving_x', 'k']), attr: { sorted: { b: true } } },
    ],
  },
  weightsManifest: [{ paths: ['w'], weights: [{ name: 'k', shape: [], dtype: 'int32' }] }],
  userDefinedMetadata: {
    signature: {
      inputs: { picture: { name: 'serving_x:0' } },
      outputs: {
        scores: { name: 'model/relu:0' },
        'Identity_1:0': { name: 'Identity_1:0' },
        places: { name: 'top:1' },
      },
    },
    licence: 'MIT',
    classes: [{ id: 1, name: 'cat' }],
    'tfjs.nodes': 'a text that somebody keeps',
  },
};

const read = (): Model => {
  const bytes = new TextEncoder().encode(JSON.stringify(file));
  const k = new Uint8Array(Int32Array.of(2).buffer);
  return openModelBytes(bytes, { name: 'model.json', data: new Map([['w', k]]) }).model;
};

const byWayOfOnnx = (model: Model): Model => openModelBytes(encodeModel(model), { name: 'model.onnx' }).model;

const written = (model: Model) => {
  const files = writeGraphModel(model);
  return { files, json: JSON.parse(Buffer.from(contentOf(files[0]!)).toString()) };
};

beforeAll(() => useBackend('cpu'));

describe.each([
  ['straight', read],
  ['by way of ONNX', () => byWayOfOnnx(read())],
])('read and written %s', (_, made) => {
  it('keeps who made it, and the metadata as TensorFlow.js gives it', async () => {
    const { files, json } = written(made());
    const { signature: _, ...kept } = file.userDefinedMetadata;
    const loaded = await loadWritten(files);
    expect(json.generatedBy).toBe('2.8.0');
    expect(json.convertedBy).toMatch(/^edgepress /);
    expect(loaded.metadata).toEqual(kept);
  });

  it('gives the outputs under the names of their nodes and of the signature', async () => {
    const { files, json } = written(made());
    const loaded = await loadWritten(files);
    const x = tf.tensor1d([3, -1, 2]);
    const run = (names: string[]) =>
      (loaded.execute({ serving_x: x }, names) as tf.Tensor[]).map((t) => [...t.dataSync()]);
    expect(run(['model/relu', 'Identity_1:0'])).toEqual([
      [3, 0, 2],
      [-3, -0, -2],
    ]);
    expect(run(['scores', 'places'])).toEqual([
      [3, 0, 2],
      [0, 2],
    ]);
    expect(Object.keys(json.signature.inputs)).toEqual(['picture']);
    expect(Object.keys(json.signature.outputs)).toEqual(['scores', 'Identity_1:0', 'places']);
    const byKey = loaded.predict({ picture: x }) as tf.Tensor[];
    expect(byKey.map((t) => [...t.dataSync()])[0]).toEqual([3, 0, 2]);
  });
});

it('names of classes and the preparation of pictures that were set come back as those of the model', () => {
  const model = read();
  const preprocessing = { name: 'own', scale: 1 / 255, mean: [0.5], std: [0.25] };
  setLabels(model, ['a', 'b']);
  setPreprocessing(model, preprocessing);
  const [json, ...shards] = writeGraphModel(model);
  const data = new Map(shards.map((shard) => [shard.name, contentOf(shard)]));
  const again = openModelBytes(contentOf(json!), { name: 'model.json', data }).model;
  expect(labelsOf(again)).toEqual(['a', 'b']);
  expect(preprocessingOf(again)).toEqual(preprocessing);
});

it('inspect says who made the file, and that it is no ONNX', async () => {
  const bytes = new TextEncoder().encode(JSON.stringify(file));
  const k = new Uint8Array(Int32Array.of(2).buffer);
  const found = await inspectModel(openModelBytes(bytes, { name: 'model.json', data: new Map([['w', k]]) }));
  expect(found.format).toBe('TensorFlow.js graph-model');
  expect(found.producer).toBe('2.8.0, TensorFlow.js Converter v3.18.0');
});
