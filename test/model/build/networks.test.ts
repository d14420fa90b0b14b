import { beforeAll, describe, expect, it } from 'vitest';
import { trainableParameters } from '../../../src/compute/autodiff/parameters.ts';
import type { Engine, EngineName } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import {
  cnn,
  cnnFull,
  cnnTiny,
  gpt2,
  gpt2Full,
  gpt2Tiny,
  mlp,
  mlpFull,
  mlpTiny,
  stackedLstm,
  stackedLstmTiny,
  t5,
  t5Full,
  t5Tiny,
  transformerEncoder,
  transformerEncoderTiny,
  vit,
  vitFull,
  vitTiny,
} from '../../../src/model/build/index.ts';
import { decodeModel } from '../../../src/model/formats/onnx/read.ts';
import { encodeModel } from '../../../src/model/formats/onnx/write.ts';
import { dtypeOf, isOp, type Model, shapeOf } from '../../../src/model/ir/model.ts';
import { elementCount, float32Values } from '../../../src/model/ir/tensor.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { evaluate } from '../../../src/model/ops/dims.ts';
import { inferShapes } from '../../../src/model/ops/shapes.ts';
import { seededFeeds } from '../../run-model.ts';

/** Every network once in each form that changes its graph. */
const networks: readonly (readonly [string, () => Model])[] = [
  ['mlp', () => mlp(mlpTiny)],
  ['cnn', () => cnn(cnnTiny)],
  ['cnn with normalisation and dropout', () => cnn({ ...cnnTiny, batchNorm: true, dropout: 0.2 })],
  ['stacked lstm', () => stackedLstm(stackedLstmTiny)],
  [
    'stacked lstm, a class for each step of a signal',
    () =>
      stackedLstm({
        input: { kind: 'signal', features: 3 },
        hidden: [8, 6],
        classes: 4,
        output: 'each',
        dropout: 0.1,
      }),
  ],
  ['transformer encoder', () => transformerEncoder(transformerEncoderTiny)],
  [
    'transformer encoder without padding, opset 20',
    () => {
      const { padding: _, ...config } = transformerEncoderTiny;
      return transformerEncoder({ ...config, opset: 20, dropout: 0.1 });
    },
  ],
  ['gpt2 with a cache', () => gpt2(gpt2Tiny)],
  ['gpt2 without', () => gpt2({ ...gpt2Tiny, cache: false, dropout: 0.1 })],
  ['gpt2, untied, opset 20', () => gpt2({ ...gpt2Tiny, tied: false, opset: 20 })],
  ['t5', () => t5(t5Tiny)],
  ['t5 encoder', () => t5({ ...t5Tiny, part: 'encoder' })],
  ['t5 decoder, opset 18', () => t5({ ...t5Tiny, part: 'decoder', opset: 18 })],
  ['vit', () => vit(vitTiny)],
];

const weightsOf = (model: Model) => [...model.graph.initializers];
const countOf = (model: Model) =>
  weightsOf(model).reduce((sum, v) => sum + elementCount(v.constant!.dims), 0);

describe.each(networks)('%s', (_, make) => {
  it('is a sound graph in which every value has a type, and survives the codec', () => {
    const model = make();
    verifyModel(model);
    const again = decodeModel(encodeModel(model));
    verifyModel(again);
    expect(inferShapes(again).missing).toEqual([]);
    for (const node of again.graph.nodes)
      for (const v of node.outputs) expect(`${v?.name}: ${shapeOf(v!) !== null}`).toBe(`${v?.name}: true`);
  });

  it('has only standard operators, no control flow, and weights that are float32 with a place in their name', () => {
    const model = make();
    expect(
      model.graph.nodes.filter((node) => node.domain !== '' || isOp(node, 'If', 'Loop', 'Scan')),
    ).toEqual([]);
    for (const v of weightsOf(model)) {
      expect(v.name).toMatch(/^([a-z_]+\d*\/)+[a-z]+$/);
      expect(dtypeOf(v)).toBe('float32');
    }
  });

  it('has no weight that training would not find, and no constant that it would take for one', () => {
    const model = make();
    const statistics = /\/(mean|variance)$/;
    const weights = weightsOf(model).filter((v) => !statistics.test(v.name));
    expect(trainableParameters(model).map((v) => v.name)).toEqual(weights.map((v) => v.name));
  });

  it('depends on the seed and on nothing else', () => {
    expect(Buffer.compare(encodeModel(make()), encodeModel(make()))).toBe(0);
  });
});

describe.each(['node', 'wasm'] as const satisfies EngineName[])('on %s', (name) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await openEngine(name);
  });

  it.each(networks)(
    '%s gives finite results of the declared shapes, for one sample and for three',
    async (_, make) => {
      const model = make();
      const session = await engine.open({ bytes: encodeModel(model) });
      for (const batch of [1, 3]) {
        const dims = { batch, sequence: 5, encoder_sequence: 7, past_sequence: batch - 1 };
        const results = await session.run(seededFeeds(model, 1, { dims, integers: 8 }));
        for (const output of model.graph.outputs) {
          const result = results[output.name]!;
          expect(result.dims).toEqual(shapeOf(output)!.map((d) => evaluate(d, dims)));
          expect(float32Values(result).every(Number.isFinite)).toBe(true);
        }
      }
      await session.close();
    },
  );
});

describe('sizes', () => {
  // Keras' MNIST tutorial prints 93 322 for the CNN; the others are the published counts (ViT's table 1 says 86 M,
  // Hugging Face's num_parameters() 124 439 808, 60 506 624 and 86 567 656).
  it.each([
    ['mlp 784-128-10', () => mlp(mlpFull), 101_770],
    ['cnn 32/64/64', () => cnn(cnnFull), 93_322],
    ['gpt2 small', () => gpt2(gpt2Full), 124_439_808],
    ['t5 small', () => t5(t5Full), 60_506_624],
    ['vit-b/16', () => vit(vitFull), 86_567_656],
  ] as const)('%s has as many weights as the original', (_, make, expected) => {
    expect(countOf(make())).toBe(expected);
  });

  it.each(networks)('%s is at most 300 kB when tiny', (_, make) => {
    expect(encodeModel(make()).length).toBeLessThanOrEqual(300_000);
  });
});
