/** Exports of Teachable Machine, as they come: a zip, or a folder, with the names of the classes beside the model. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as tfl from '@tensorflow/tfjs-layers';
import { unzipSync, zipSync } from 'fflate';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../src/compute/engine/open.ts';
import { openData } from '../../../../src/data/open.ts';
import { guessPreprocessing } from '../../../../src/data/preprocess.ts';
import { openModel } from '../../../../src/model/formats/open-file.ts';
import { labelsOf } from '../../../../src/model/ir/card.ts';
import { portsOf } from '../../../../src/model/ir/port.ts';
import { normalTensor, runModel } from '../../../run-model.ts';
import { relativeDifference } from './layers/keras.ts';
import { fromTf, tf, toTf } from './oracle.ts';

const shipped = 'fixtures/models/teachable-machine.zip';
const files = unzipSync(new Uint8Array(readFileSync(shipped)));
const metadata = JSON.parse(new TextDecoder().decode(files['metadata.json']!)) as Record<string, unknown>;
const text = (json: unknown) => new TextEncoder().encode(JSON.stringify(json));

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await openEngine('node');
  folder = mkdtempSync(join(tmpdir(), 'edgepress-tm-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The model with other metadata beside it. */
function openedWith(json: unknown) {
  const path = join(folder, 'other.zip');
  writeFileSync(path, zipSync({ ...files, 'metadata.json': text(json) }));
  return openModel(path).model;
}

describe('a picture model', () => {
  it('computes what TensorFlow.js computes', async () => {
    const { model } = openModel(shipped);
    const { modelTopology, weightsManifest } = JSON.parse(new TextDecoder().decode(files['model.json']!));
    const weightData = files['weights.bin']!.slice().buffer;
    const weightSpecs = weightsManifest[0].weights;
    const network = await tfl.loadLayersModel(tf.io.fromMemory({ modelTopology, weightSpecs, weightData }));
    const x = normalTensor([2, 32, 32, 3], 1);
    const expected = await fromTf(network.predict(toTf(x)) as tf.Tensor);
    const received = await runModel(engine, model, { [model.graph.inputs[0]!.name]: x });
    // Float32 sums of many layers in another order.
    expect(relativeDifference([expected], Object.values(received))).toBeLessThanOrEqual(1e-5);
  });

  it('brings the names of its classes, and how its library prepares a picture', () => {
    const { model, name } = openModel(shipped);
    expect(name).toBe('teachable-machine.json');
    expect(labelsOf(model)).toEqual(metadata['labels']);
    const { spec, isGuess } = guessPreprocessing(portsOf(model)[0]!);
    expect(isGuess).toBe(false);
    expect(spec).toMatchObject({
      resize: { mode: 'cover', size: { width: 32, height: 32 } },
      scale: 1 / 127,
      mean: [1],
      layout: 'NHWC',
      channels: 'RGB',
    });
  });

  it('has pictures in folders named by class counted as it numbers them, in any order', async () => {
    const labels = [...(metadata['labels'] as string[])].reverse();
    const pictures = join(folder, 'pictures');
    const picture = { create: { width: 32, height: 32, channels: 3, background: 'red' } } as const;
    for (const label of labels) mkdirSync(join(pictures, label), { recursive: true });
    for (const label of labels)
      await sharp(picture)
        .png()
        .toFile(join(pictures, label, '1.png'));
    const source = await openData(pictures, portsOf(openedWith({ ...metadata, labels })), { seed: 0 });
    expect(source.classes).toEqual(labels);
    for (let i = 0; i < source.length; i++) {
      const sample = await source.read(i);
      expect(labels[sample.label as number]).toBe(dirname(sample.id));
    }
  });

  it('is opened by the name of its folder', () => {
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    expect(labelsOf(openModel(folder).model)).toEqual(metadata['labels']);
  });

  it('in a folder of the archive is found, and without metadata it is a model like others', () => {
    const { 'model.json': model, 'weights.bin': weights } = files;
    const path = join(folder, 'inside.zip');
    writeFileSync(path, zipSync({ 'my_model/model.json': model!, 'my_model/weights.bin': weights! }));
    expect(labelsOf(openModel(path).model)).toBeNull();
  });
});

it('a sound model has words, and says that it wants a spectrogram', () => {
  const words = (metadata['labels'] as string[]).map((label) => `word ${label}`);
  const model = openedWith({ tfjsSpeechCommandsVersion: '0.4.0', modelName: 'TMv2', wordLabels: words });
  expect(labelsOf(model)).toEqual(words);
  expect(model.doc).toContain('spectrogram');
  expect(portsOf(model)[0]!.preprocessing).toBeUndefined();
});

it('a pose model says that it is the head alone', () => {
  const model = openedWith({ ...metadata, packageName: '@teachablemachine/pose', imageSize: undefined });
  expect(labelsOf(model)).toEqual(metadata['labels']);
  expect(model.doc).toContain('PoseNet');
  expect(portsOf(model)[0]!.preprocessing).toBeUndefined();
});

describe('what is damaged is said', () => {
  const path = () => join(folder, 'damaged.zip');
  it('names of other classes', () => {
    expect(() => openedWith({ ...metadata, labels: ['one'] })).toThrowError(
      expect.objectContaining({ code: 'TFJS_MALFORMED' }),
    );
  });
  it('an archive that ends early', () => {
    writeFileSync(path(), readFileSync(shipped).subarray(0, 5000));
    expect(() => openModel(path())).toThrowError(expect.objectContaining({ code: 'ARCHIVE_INVALID' }));
  });
  it('an archive without a model', () => {
    writeFileSync(path(), zipSync({ 'notes.md': text('nothing') }));
    expect(() => openModel(path())).toThrowError(expect.objectContaining({ code: 'MODEL_NOT_FOUND_IN' }));
  });
  it('an archive with entries that lead out of it', () => {
    for (const name of ['../weights.bin', '/etc/weights.bin', 'a\\..\\..\\weights.bin', 'C:\\weights.bin']) {
      writeFileSync(path(), zipSync({ ...files, [name]: text(1) }));
      expect(() => openModel(path()), name).toThrowError(
        expect.objectContaining({ code: 'ARCHIVE_INVALID' }),
      );
    }
  });
  it('an archive with two models', () => {
    writeFileSync(path(), zipSync({ 'a.onnx': text(1), 'b.onnx': text(2) }));
    expect(() => openModel(path())).toThrowError(expect.objectContaining({ code: 'MODEL_NOT_FOUND_IN' }));
  });
  it('an entry that claims more than it can hold', () => {
    const zip = zipSync({ 'model.json': text({}) });
    const at = zip.findIndex((_, i) => zip[i] === 0x50 && zip[i + 1] === 0x4b && zip[i + 2] === 1);
    new DataView(zip.buffer, zip.byteOffset).setUint32(at + 24, 2 ** 30, true);
    writeFileSync(path(), zip);
    expect(() => openModel(path())).toThrowError(expect.objectContaining({ code: 'ARCHIVE_INVALID' }));
  });
  it('weights that are missing', () => {
    writeFileSync(path(), zipSync({ 'model.json': files['model.json']! }));
    expect(() => openModel(path())).toThrowError(expect.objectContaining({ code: 'EXTERNAL_DATA_MISSING' }));
  });
});
