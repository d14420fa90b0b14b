/** Preprocessing that nobody named is found on the image classifiers of the zoo and those that the project ships. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../src/compute/engine/open.ts';
import { readModel } from '../../src/jobs/read-model.ts';
import { prepareDataFor } from '../../src/jobs/try-preprocessing.ts';
import { portsOf } from '../../src/model/ir/port.ts';

const zoo = process.env['EDGEPRESS_ZOO'];
const fixtures = path.join(import.meta.dirname, '../../fixtures');
const inZoo = (name: string) => path.join(zoo ?? '', name);
const mnist = inZoo('data/mnist/t10k-images-idx3-ubyte.gz');
const imagenet = inZoo('data/imagenet');

/** How each was trained, by its makers; mnist-8 answers the same for pixels of 0 to 1 and 0 to 255. */
const models: [model: string, data: string, preset: string][] = [
  [inZoo('models/imagenet-mobilenetv2-f32/mobilenetv2.onnx'), imagenet, 'imagenet'],
  [inZoo('models/cifar10-resnet/resnet20.onnx'), inZoo('data/cifar10/png100'), 'imagenet'],
  [inZoo('models/cifar10-resnet/resnet56.onnx'), inZoo('data/cifar10/png100'), 'imagenet'],
  [inZoo('models/tfjs-mobilenetv1-025-128-layers-f32'), imagenet, 'tf'],
  [inZoo('models/tfjs-mnist-layers-f32'), mnist, '0-1'],
  [inZoo('models/onnx-mnist/model.onnx'), mnist, '0-1'],
  [path.join(fixtures, 'models/digits-cnn.onnx'), mnist, '0-1'],
  [path.join(fixtures, 'models/digits-vit.onnx'), mnist, '0-1'],
  [path.join(fixtures, 'models/glyphs-cnn.onnx'), path.join(fixtures, 'data/glyphs'), 'imagenet'],
];

describe.each(models)('%s (that of the zoo needs EDGEPRESS_ZOO)', (model, data, preset) => {
  const skip = !existsSync(model) || !existsSync(data);
  it.skipIf(skip).each(['labels', 'outputs'] as const)('is found by %s', { timeout: 300_000 }, async (by) => {
    const opened = await readModel(model, {});
    const prepared = await prepareDataFor(
      opened,
      portsOf(opened.model),
      { path: data, skipBad: data.endsWith('png100'), ...(by === 'outputs' ? { labels: 'none' } : {}) },
      { seed: 0, calibration: 64, evaluation: 16, synthetic: 0, engine: () => openEngine() },
    );
    expect(prepared.source.preprocessing).toMatchObject({ name: preset });
    expect(prepared.source.preprocessingTrial?.by).toBe(
      by === 'labels' && prepared.source.labelled ? by : 'outputs',
    );
  });
});
