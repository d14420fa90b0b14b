/** Networks as Keras users write them, saved to files by TensorFlow.js: an MLP, a CNN and stacked LSTMs, from model.json to int8. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { compress } from '../../../../../src/index.ts';
import { openModel } from '../../../../../src/model/formats/open-file.ts';
import { runModel } from '../../../../run-model.ts';
import { inputsOf, relativeDifference, runBoth, tf, tfl } from './keras.ts';

const { layers, initializers } = tfl;
const glorot = (seed: number) => ({ kernelInitializer: initializers.glorotUniform({ seed }) });
const recurrent = (seed: number) => ({
  ...glorot(seed),
  recurrentInitializer: initializers.glorotNormal({ seed }),
});

const networks = {
  'an MLP 784-128-10': () => [
    layers.dense({ units: 128, activation: 'relu', inputShape: [784], ...glorot(1) }),
    layers.dropout({ rate: 0.2 }),
    layers.dense({ units: 10, activation: 'softmax', ...glorot(2) }),
  ],
  'a CNN': () => [
    layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu', inputShape: [28, 28, 1], ...glorot(1) }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu', ...glorot(2) }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.flatten(),
    layers.dense({ units: 10, activation: 'softmax', ...glorot(3) }),
  ],
  'stacked LSTMs': () => [
    layers.lstm({ units: 64, returnSequences: true, inputShape: [20, 8], ...recurrent(1) }),
    layers.lstm({ units: 32, ...recurrent(2) }),
    layers.dense({ units: 5, activation: 'softmax', ...glorot(3) }),
  ],
};

let engine: Engine;
let folder: string;
beforeAll(async () => {
  engine = await openEngine('node');
  folder = mkdtempSync(join(tmpdir(), 'edgepress-seeds-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** As TensorFlow.js's own file handlers write it. */
async function saved(model: tfl.LayersModel, path: string): Promise<void> {
  await model.save(
    tf.io.withSaveHandler(async ({ modelTopology, weightSpecs, weightData }) => {
      const weightsManifest = [{ paths: ['weights.bin'], weights: weightSpecs }];
      writeFileSync(
        join(path, 'model.json'),
        JSON.stringify({ format: 'layers-model', modelTopology, weightsManifest }),
      );
      writeFileSync(join(path, 'weights.bin'), new Uint8Array(weightData as ArrayBuffer));
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
}

describe.each(Object.entries(networks))('%s', (_, layersOf) => {
  it('computes what TensorFlow.js computes, and nearly that in int8 at a third of the size', async () => {
    const network = tfl.sequential({ layers: layersOf() });
    const path = mkdtempSync(join(folder, 'net-'));
    await saved(network, path);
    const { model } = openModel(path);
    const inputs = inputsOf(network, 3);
    const { expected, received } = await runBoth(engine, network, model, inputs);
    expect(relativeDifference(expected, received)).toBeLessThan(1e-5);

    const { report, model: small } = await compress(path, { int8: true, measure: false });
    expect(report.result.sizeBytes).toBeLessThan(report.source.sizeBytes / 3);
    const feeds = Object.fromEntries(model.graph.inputs.map((v, i) => [v.name, inputs[i]!]));
    const approximate = Object.values(await runModel(engine, small, feeds));
    // Eight bits leave about 1 % of each sum; probabilities change less.
    expect(relativeDifference(expected, approximate)).toBeLessThan(0.02);
    network.dispose();
  });
});
