/** TensorFlow.js models of others read as ONNX and written again: what TensorFlow.js computes with the files, against what it
 *  computes with theirs. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { openModel } from '../../../../../src/model/formats/open-file.ts';
import { writeGraphModel } from '../../../../../src/model/formats/tfjs/write/write.ts';
import { type Tensor, tensorOf } from '../../../../../src/model/ir/tensor.ts';
import { createRandom } from '../../../../../src/support/random.ts';
import { largestDifference, seededFeeds } from '../../../../run-model.ts';
import { artifactsOf, fromTf, runGraphModel, tf, toTf } from '../oracle.ts';
import { runWritten, useBackend } from './run-written.ts';

const zoo = process.env['EDGEPRESS_ZOO'];

const graphs = [
  ...['blazeface', 'emotion', 'iris', 'facemesh', 'selfie'].map((name) => `tfjs-human/${name}/${name}.json`),
  'tfjs-basic-pitch-graph-f32/model.json',
];

const layers = [
  'tfjs-mobilenetv1-025-128-layers-f32/model.json',
  'tfjs-mnist-layers-f32/model.json',
  'tfjs-nsfw-mobilenetv2-layers-u8/model.json',
  'tfjs-crepe-layers-f32/model.json',
  'tfjs-doodlenet-layers-f32/model.json',
];

const refused: Readonly<Record<string, string>> = {
  // Its lists of tensors are sequences in ONNX.
  'tfjs-human/handtrack/handtrack.json': 'TFJS_OPERATOR',
};

beforeAll(async () => {
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  await useBackend('wasm');
});

/** Pictures, and what else is fed, with values between 0 and 1. */
function picture({ dims }: Tensor): Tensor {
  const random = createRandom(3);
  const count = dims.reduce((a, b) => a * b, 1);
  return tensorOf(
    'float32',
    dims,
    Float32Array.from({ length: count }, () => random.next()),
  );
}

async function runTheirs(file: string, feeds: Record<string, Tensor>, names: string[]): Promise<Tensor[]> {
  const artifacts = artifactsOf(file);
  if (!layers.some((name) => file.endsWith(name))) return runGraphModel(artifacts, feeds, names, 'wasm');
  const network = await tfl.loadLayersModel(tf.io.fromMemory(artifacts));
  return [await fromTf(network.predict(toTf(Object.values(feeds)[0]!)) as tf.Tensor)];
}

describe.skipIf(!zoo)('a TensorFlow.js model, read and written (set EDGEPRESS_ZOO to run)', () => {
  it.each([...graphs, ...layers])('%s', { timeout: 120_000 }, async (name) => {
    const file = join(zoo!, 'models', name);
    const { model } = openModel(file);
    const feeds = Object.fromEntries(
      Object.entries(seededFeeds(model, 7, { dims: { batch: 1 } })).map(([input, t]) => [input, picture(t)]),
    );
    const outputs = model.graph.outputs.map((v) => v.name);
    const expected = await runTheirs(file, feeds, outputs);
    const received = await runWritten(model, feeds);
    outputs.forEach((output, i) => {
      const { difference, magnitude } = largestDifference(expected[i]!, received[output]!);
      expect(magnitude, output).toBeGreaterThan(0);
      // Float32 sums of hundreds of layers in another order.
      expect(difference / magnitude, output).toBeLessThanOrEqual(1e-4);
    });
  });

  it.each(Object.entries(refused))('%s is refused: %s', (name, code) => {
    const { model } = openModel(join(zoo!, 'models', name));
    expect(() => writeGraphModel(model)).toThrow(expect.objectContaining({ code }));
  });

  it('is each one of the zoo', () => {
    const all = readdirSync(join(zoo!, 'models'), { recursive: true, encoding: 'utf8' });
    const models = all.filter((file) => /^tfjs-/.test(file) && file.endsWith('.json'));
    expect([...graphs, ...layers, ...Object.keys(refused)].sort()).toEqual(models.sort());
  });
});
