/** Real graph-models: what the model that is read computes is what TensorFlow.js computes with the file. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../src/compute/engine/open.ts';
import { openModel } from '../../../../src/model/formats/open-file.ts';
import { numbers, type Tensor, tensorOf } from '../../../../src/model/ir/tensor.ts';
import { verifyModel } from '../../../../src/model/ir/verify.ts';
import { largestDifference, runModel, seededFeeds } from '../../../run-model.ts';
import { artifactsOf, runGraphModel } from './oracle.ts';

const zoo = process.env['EDGEPRESS_ZOO'];
const human = ['blazeface', 'emotion', 'iris', 'facemesh', 'selfie', 'handtrack'];
const files = [
  ...human.map((name) => `tfjs-human/${name}/${name}.json`),
  'tfjs-basic-pitch-graph-f32/model.json',
];

/** Pictures have values between 0 and 1. */
const asItComes = (t: Tensor) =>
  t.dims.length < 4 || t.dtype !== 'float32'
    ? t
    : tensorOf(
        t.dtype,
        t.dims,
        numbers(t).map((v) => 1 / (1 + Math.exp(-v))),
      );

/** Faces, as noise has no detections to compare. On the wasm backend of TensorFlow.js 4.22 the post-processing of handtrack
 *  finds nothing, on its cpu backend it does. */
async function photograph(side: number): Promise<Tensor> {
  const folder = join(zoo!, 'data/sample-images');
  const name = readdirSync(folder).find((file) => /\.(jpe?g|png)$/.test(file))!;
  const picture = sharp(join(folder, name)).resize(side, side, { fit: 'fill' }).removeAlpha().raw();
  return tensorOf('uint8', [1, side, side, 3], new Uint8Array(await picture.toBuffer()));
}

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

describe.skipIf(!zoo)('a graph-model (needs EDGEPRESS_ZOO)', () => {
  it.each(files)('computes what TensorFlow.js computes: %s', { timeout: 120_000 }, async (file) => {
    const detects = file.includes('handtrack');
    const path = join(zoo!, 'models', file);
    const { model } = openModel(path);
    verifyModel(model);
    const feeds: Record<string, Tensor> = Object.fromEntries(
      Object.entries(seededFeeds(model, 7, { dims: { batch: 1 } })).map(([name, t]) => [name, asItComes(t)]),
    );
    if (detects) feeds['input_tensor:0'] = await photograph(320);
    const names = model.graph.outputs.map((output) => output.name);
    const expected = await runGraphModel(artifactsOf(path), feeds, names, detects ? 'cpu' : 'wasm');
    const received = await runModel(engine, model, feeds);
    names.forEach((name, i) => {
      const { difference, magnitude } = largestDifference(expected[i]!, received[name]!);
      // Float32 sums of hundreds of layers in another order.
      expect(difference, name).toBeLessThanOrEqual(1e-4 * Math.max(1, magnitude));
    });
  });

  it('computes what the same network computes that its makers published as ONNX: Basic Pitch', async () => {
    const read = (file: string) => openModel(join(zoo!, 'models', file)).model;
    const ours = read('tfjs-basic-pitch-graph-f32/model.json');
    const theirs = read('onnx-basic-pitch/nmp.onnx');
    const audio = Object.values(seededFeeds(ours, 11, { dims: { batch: 1 } }))[0]!;
    const run = (model: typeof ours) => runModel(engine, model, { [model.graph.inputs[0]!.name]: audio });
    const [expected, received] = [await run(theirs), await run(ours)];
    const pairs = { contour: 0, 'Identity_1:0': 1, 'Identity_2:0': 2 };
    for (const [name, index] of Object.entries(pairs)) {
      const published = expected[`StatefulPartitionedCall:${index}`]!;
      const { difference, magnitude } = largestDifference(published, received[name]!);
      expect(magnitude, name).toBeGreaterThan(0.05);
      // Two exports of one network, whose batch norms are folded in one of them only.
      expect(difference, name).toBeLessThanOrEqual(5e-4);
    }
  });

  /** At the input, at the outputs, and where places become rows. */
  const boundaries = { blazeface: 5, emotion: 1, iris: 2, facemesh: 4, selfie: 2 };
  it.each(Object.entries(boundaries))('is turned over at its boundaries only: %s', (name, most) => {
    const { model } = openModel(join(zoo!, 'models', `tfjs-human/${name}/${name}.json`));
    const left = model.graph.nodes.filter((node) => node.opType === 'Transpose');
    expect(left.length).toBeLessThanOrEqual(most);
  });

  it('of every folder of the zoo is one of these', () => {
    expect(readdirSync(join(zoo!, 'models/tfjs-human')).sort()).toEqual([...human].sort());
  });
});
