import { beforeAll, describe, expect, it } from 'vitest';
import { chooseBlocks, findBlocks, removeBlocks } from '../../../src/compress/prune/blocks.ts';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import { gpt2, gpt2Tiny } from '../../../src/model/build/index.ts';
import { readModelFile } from '../../../src/model/formats/file.ts';
import { cloneModel } from '../../../src/model/ir/clone.ts';
import { setConstant } from '../../../src/model/ir/edit.ts';
import type { Model } from '../../../src/model/ir/model.ts';
import { elementCount, tensorOf } from '../../../src/model/ir/tensor.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { largestDifference, runModel, seededFeeds } from '../../run-model.ts';

const zoo = process.env['EDGEPRESS_ZOO'];

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

const network = (layers: number) => gpt2({ ...gpt2Tiny, cache: false, layers });

/** Sets to zero what a layer adds to the stream: the weights and biases that come last in its two branches. */
function silence(model: Model, layer: number): void {
  for (const v of model.graph.initializers)
    if (
      v.name.startsWith(`block${layer}/`) &&
      /(output|down)/.test(v.name) &&
      v.constant?.dtype === 'float32'
    )
      setConstant(v, tensorOf('float32', v.constant.dims, new Float32Array(elementCount(v.constant.dims))));
}

describe('residual blocks', () => {
  it('are the layers of a transformer, attention and feed-forward together', () => {
    const blocks = findBlocks(network(3));
    expect(blocks.map((b) => [b.index, b.nodes.filter((n) => n.opType === 'Softmax').length])).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ]);
    expect(new Set(blocks.map((b) => b.signature)).size).toBe(1);
  });

  it('can go: what is left answers as if they added nothing', async () => {
    const model = network(3);
    const silent = cloneModel(model);
    silence(silent, 1);
    const shorter = cloneModel(model);
    removeBlocks(shorter, [1]);
    verifyModel(shorter);
    expect(findBlocks(shorter)).toHaveLength(2);
    const feeds = seededFeeds(model, 1);
    const [expected, found] = [await runModel(engine, silent, feeds), await runModel(engine, shorter, feeds)];
    // The same operations on the same numbers, but for adding zeros.
    for (const [name, tensor] of Object.entries(expected))
      expect(largestDifference(tensor, found[name]!).difference).toBeLessThanOrEqual(1e-6);
  });

  it('that stay are spread over the depth', () => {
    const blocks = findBlocks(network(6));
    expect(chooseBlocks(blocks, 3)).toEqual([1, 2, 4]);
    expect(chooseBlocks(blocks, 6)).toEqual([]);
    expect(() => chooseBlocks(blocks, 7)).toThrow(/6/);
  });
});

describe.skipIf(!zoo)('blocks of real models (set EDGEPRESS_ZOO to run)', () => {
  const counts: readonly (readonly [string, number])[] = [
    ['cifar10-resnet/resnet20.onnx', 7],
    ['cifar10-resnet/resnet56.onnx', 25],
    ['imagenet-mobilenetv2-f32/mobilenetv2.onnx', 10],
    ['nano-gpt-sort/gpt-nano-sort.onnx', 3],
    ['tiny-llama-stories260K/stories260K.onnx', 5],
    ['onnx-kwt1/kwt1.onnx', 12],
  ];

  it.each(counts)('%s has %i, and runs with half of them', async (path, count) => {
    const model = readModelFile(`${zoo}/models/${path}`);
    const blocks = findBlocks(model);
    expect(blocks).toHaveLength(count);
    removeBlocks(model, chooseBlocks(blocks, Math.ceil(count / 2)));
    verifyModel(model);
    expect(findBlocks(model).length).toBeGreaterThanOrEqual(Math.ceil(count / 2) - 1);
    await runModel(engine, model, seededFeeds(model, 1));
  });
});
