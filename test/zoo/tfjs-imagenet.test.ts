/** MobileNetV1 of TensorFlow.js on ImageNet pictures: the same answers as in TensorFlow.js after conversion, and its accuracy
 *  after int8. */
import { join } from 'node:path';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/compute/engine/open.ts';
import { openOn } from '../../src/compute/engine/open-model.ts';
import { openData } from '../../src/data/open.ts';
import { compress } from '../../src/index.ts';
import { openModel } from '../../src/model/formats/open-file.ts';
import { portsOf } from '../../src/model/ir/port.ts';
import { float32Values } from '../../src/model/ir/tensor.ts';
import { artifactsOf, fromTf, tf, toTf } from '../model/formats/tfjs/oracle.ts';

const zoo = process.env['EDGEPRESS_ZOO'];
const path = join(zoo ?? '', 'models/tfjs-mobilenetv1-025-128-layers-f32/model.json');
const pictures = join(zoo ?? '', 'data/imagenet');

const best = (scores: ArrayLike<number>): number =>
  Array.from(scores).reduce((top, score, i, all) => (score > all[top]! ? i : top), 0);

describe.skipIf(!zoo)('MobileNetV1 of TensorFlow.js (needs EDGEPRESS_ZOO)', () => {
  beforeAll(() => tf.setBackend('wasm'));
  afterAll(() => tf.setBackend('cpu'));

  it('has the same top-1 for every ImageNet picture as in TensorFlow.js', { timeout: 300_000 }, async () => {
    const opened = openModel(path);
    const source = await openData(pictures, portsOf(opened.model), { preprocess: 'tf', seed: 0 });
    const session = await openOn(await openEngine('node'), opened);
    const network = await tfl.loadLayersModel(tf.io.fromMemory(artifactsOf(path)));
    const answers: number[] = [];
    const expected: number[] = [];
    for (let i = 0; i < source.length; i++) {
      const { inputs } = await source.read(i);
      const [feed] = Object.values(inputs);
      answers.push(best(float32Values(Object.values(await session.run(inputs))[0]!)));
      const [given, made] = tf.tidy(() => {
        const x = toTf(feed!);
        return [x, network.predict(x) as tf.Tensor];
      });
      expected.push(best(float32Values(await fromTf(made))));
      tf.dispose([given, made]);
    }
    await session.close();
    network.dispose();
    expect(source.length).toBeGreaterThan(400);
    expect(answers).toEqual(expected);
  });

  it('is as accurate in int8 on pictures that calibrated nothing', { timeout: 300_000 }, async () => {
    const { report } = await compress(path, {
      int8: true,
      data: pictures,
      preprocess: 'tf',
      evaluate: 400,
      measure: false,
      cache: false,
    });
    const [top1] = report.evaluation!.metrics;
    expect(report.result.sizeBytes).toBeLessThan(0.3 * report.source.sizeBytes);
    // 400 pictures: 2.5 points of standard error each, less for the difference of the same ones.
    expect(top1!.after).toBeGreaterThanOrEqual(top1!.before! - 0.03);
  });
});
