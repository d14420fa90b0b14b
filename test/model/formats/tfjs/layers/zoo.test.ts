/** Real layers-models: what the model that is read computes is what TensorFlow.js computes with the file. */
import { join } from 'node:path';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { openModel } from '../../../../../src/model/formats/open-file.ts';
import { verifyModel } from '../../../../../src/model/ir/verify.ts';
import { runModel, seededFeeds } from '../../../../run-model.ts';
import { artifactsOf, fromTf, tf, toTf } from '../oracle.ts';
import { relativeDifference } from './keras.ts';

const zoo = process.env['EDGEPRESS_ZOO'];

const load = (path: string) => tfl.loadLayersModel(tf.io.fromMemory(artifactsOf(path)));

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

/** Transposes that are left: at the input, and where places become rows. */
const models = {
  'tfjs-mobilenetv1-025-128-layers-f32': 1,
  'tfjs-mnist-layers-f32': 1,
  'tfjs-nsfw-mobilenetv2-layers-u8': 2,
  'tfjs-crepe-layers-f32': 2,
  'tfjs-doodlenet-layers-f32': 2,
};

describe.skipIf(!zoo)('a layers-model (needs EDGEPRESS_ZOO)', () => {
  it.each(Object.entries(models))(
    'computes what TensorFlow.js computes: %s',
    { timeout: 120_000 },
    async (name, most) => {
      const path = join(zoo!, 'models', name, 'model.json');
      const { model } = openModel(path);
      verifyModel(model);
      const feeds = seededFeeds(model, 7, { dims: { batch: 2 } });
      const network = await load(path);
      const expected = await fromTf(network.predict(toTf(Object.values(feeds)[0]!)) as tf.Tensor);
      const received = await runModel(engine, model, feeds);
      // Float32 sums of many layers in another order.
      expect(relativeDifference([expected], Object.values(received))).toBeLessThanOrEqual(1e-5);
      const left = model.graph.nodes.filter((node) => node.opType === 'Transpose');
      expect(left.length).toBeLessThanOrEqual(most);
    },
  );
});
