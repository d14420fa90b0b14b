/** Accuracy of the zoo's float models through our data sources: any slip in decoding or preprocessing moves
 *  it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/compute/engine/open.ts';
import { openData } from '../../src/data/open.ts';
import { readAll } from '../../src/data/read-all.ts';
import { createClassificationMeter } from '../../src/judge/evaluate/classification.ts';
import { float32Values } from '../../src/model/ir/tensor.ts';

const zoo = process.env.EDGEPRESS_ZOO;

describe.skipIf(!zoo)('zoo models (set EDGEPRESS_ZOO to run)', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'edgepress-zoo-'));
  afterAll(() => rmSync(scratch, { recursive: true, force: true }));

  const accuracy = async (model: string, data: string, options: object = {}) => {
    const engine = await openEngine('node');
    const session = await engine.open({ path: join(zoo!, 'models', model) });
    const source = await openData(data, session.inputs, { seed: 1, ...options });
    const meter = createClassificationMeter();
    const [output] = session.outputs;
    for await (const sample of readAll(source, [...Array(source.length).keys()])) {
      const results = await session.run(sample.inputs);
      meter.add(float32Values(results[output!.name]!), sample.label as number);
    }
    await session.close();
    const { samples, accuracy } = meter.result();
    return [samples, ...accuracy.map((a) => Math.round(a.value! * 10000) / 100)];
  };

  it('MobileNetV2 scores 82.4 and 97.0 on the 500 pictures', async () => {
    const found = await accuracy('imagenet-mobilenetv2-f32/mobilenetv2.onnx', join(zoo!, 'data/imagenet'));
    expect(found).toEqual([500, 82.4, 97]);
  });

  it('ResNet-20 scores 81.00 on 5 000 pictures in class folders', async () => {
    execFileSync('tar', ['xzf', join(zoo!, 'data/cifar10/test.tar.gz'), '-C', scratch]);
    const [samples, top1] = await accuracy('cifar10-resnet/resnet20.onnx', scratch);
    expect([samples, top1]).toEqual([5000, 81]);
  });

  it('MNIST’s idx files give 98.9 % on its CNTK model, fed with raw levels', async () => {
    const images = join(zoo!, 'data/mnist/t10k-images-idx3-ubyte.gz');
    const [samples, top1] = await accuracy('onnx-mnist/model.onnx', images, { preprocess: '0-255' });
    expect(samples).toBe(10000);
    expect(top1).toBeCloseTo(98.9, 1);
  });

  it('a folder with a picture of another size, one with alpha, and a stray file is read whole', async () => {
    const port = { name: 'x', dtype: 'float32', shape: ['N', 3, 32, 32] } as const;
    const source = await openData(join(zoo!, 'data/cifar10/png100'), [port], { seed: 1 });
    expect(source.length).toBe(102);
    expect(source.guessed).toContain('other files passed over: 1 .txt');
    const ids: string[] = [];
    for await (const sample of readAll(source, [...Array(102).keys()])) {
      expect(sample.inputs.x!.dims).toEqual([1, 3, 32, 32]);
      ids.push(sample.id);
    }
    expect(ids).toContain('oversized.png');
    expect(ids).toContain('not-RGB.png');
  });
});
