/** Recurrent layers compute what TensorFlow.js computes, as operators and as loops. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import type { Model } from '../../../../../src/model/ir/model.ts';
import { inputsOf, randomise, readSaved, relativeDifference, runBoth, save, type tf, tfl } from './keras.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

const opTypes = (model: Model) => new Set(model.graph.nodes.map((node) => node.opType));

type Settings = Record<string, unknown>;
type AnyLayer = ReturnType<typeof tfl.layers.lstm>;
/** TensorFlow.js's orthogonal start takes minutes. */
const quick = (args: Settings) => ({ ...args, recurrentInitializer: 'zeros' });
const layerOf = (kind: string, args: Settings): AnyLayer =>
  (tfl.layers as unknown as Record<string, (a: Settings) => AnyLayer>)[kind]!(quick(args));

interface Case {
  readonly name: string;
  readonly network: () => tfl.LayersModel;
  /** The operator that computes it. */
  readonly by: string;
  readonly integers?: number;
}

const check = (rows: readonly Case[]) =>
  it.each(rows)('$name', async ({ network, by, integers }) => {
    const model = network();
    randomise(model);
    const ours = readSaved(await save(model));
    const { expected, received } = await runBoth(engine, model, ours, inputsOf(model, 3, integers));
    // Sums in another order, over a few steps.
    expect(relativeDifference(expected, received)).toBeLessThanOrEqual(2e-5);
    expect(opTypes(ours)).toContain(by);
  });

const onSequence =
  (layer: () => AnyLayer, shape: readonly (number | null)[] = [5, 4]) =>
  () => {
    const input = tfl.input({ shape: [...shape] });
    return tfl.model({ inputs: input, outputs: layer().apply(input) as tfl.SymbolicTensor[] });
  };

const kinds = [
  ['simpleRNN', 'RNN'],
  ['gru', 'GRU'],
  ['lstm', 'LSTM'],
] as const;

describe('a recurrent layer', () => {
  const settings: readonly Settings[] = [
    {},
    { returnSequences: true },
    { goBackwards: true },
    { goBackwards: true, returnSequences: true },
    { returnState: true },
    { returnState: true, returnSequences: true, goBackwards: true },
    { useBias: false },
    { activation: 'relu', recurrentActivation: 'sigmoid' },
    { activation: 'softsign', recurrentActivation: 'tanh', returnSequences: true },
    { dropout: 0.5, recurrentDropout: 0.2, unroll: true },
  ];
  check(
    kinds.flatMap(([kind, by]) =>
      settings.map((args) => ({
        name: `${kind} ${JSON.stringify(args)}`,
        by,
        network: onSequence(() => layerOf(kind, { units: 3, ...args })),
      })),
    ),
  );
  check(
    kinds.flatMap(([kind]) =>
      ['selu', 'linear', 'swish'].map((activation) => ({
        name: `${kind} with ${activation}, which the operators lack`,
        by: 'Scan',
        network: onSequence(() =>
          layerOf(kind, {
            units: 3,
            activation,
            returnSequences: true,
            returnState: true,
            goBackwards: true,
          }),
        ),
      })),
    ),
  );
  check(
    kinds.map(([kind, by]) => ({
      name: `${kind} over any number of steps`,
      by,
      network: onSequence(() => layerOf(kind, { units: 3, returnSequences: true }), [null, 4]),
    })),
  );
});

describe('states', () => {
  check(
    kinds.map(([kind, by]) => ({
      name: `${kind} starts where another one ended`,
      by,
      network: () => {
        const [first, second] = [tfl.input({ shape: [5, 4] }), tfl.input({ shape: [6, 2] })];
        const [, ...states] = layerOf(kind, { units: 3, returnState: true }).apply(
          first,
        ) as tfl.SymbolicTensor[];
        const decoder = layerOf(kind, { units: 3, returnSequences: true });
        const outputs = decoder.apply([second, ...states]) as tfl.SymbolicTensor;
        return tfl.model({ inputs: [first, second], outputs });
      },
    })),
  );

  it('of stateful layers start from zeros', async () => {
    const input = tfl.input({ batchShape: [3, 5, 4] });
    const layer = layerOf('lstm', { units: 3, stateful: true });
    const model = tfl.model({ inputs: input, outputs: layer.apply(input) as tfl.SymbolicTensor });
    randomise(model);
    const ours = readSaved(await save(model));
    const { expected, received } = await runBoth(engine, model, ours, inputsOf(model, 3));
    expect(relativeDifference(expected, received)).toBeLessThanOrEqual(2e-5);
  });
});

describe('both directions', () => {
  const modes = ['concat', 'sum', 'ave', 'mul', null] as const;
  check(
    kinds.flatMap(([kind, by]) =>
      modes.flatMap((mergeMode) =>
        [false, true].map((returnSequences) => ({
          name: `${kind}, ${mergeMode}${returnSequences ? ', sequences' : ''}`,
          by,
          network: onSequence(
            () =>
              tfl.layers.bidirectional({
                layer: layerOf(kind, { units: 3, returnSequences }),
                mergeMode: mergeMode as 'concat',
              }) as unknown as AnyLayer,
          ),
        })),
      ),
    ),
  );
  check([
    {
      name: 'states of both',
      by: 'LSTM',
      network: onSequence(
        () =>
          tfl.layers.bidirectional({
            layer: layerOf('lstm', { units: 3, returnSequences: true, returnState: true }),
            mergeMode: 'concat',
          }) as unknown as AnyLayer,
      ),
    },
    {
      name: 'a layer that goes backwards itself',
      by: 'GRU',
      network: onSequence(
        () =>
          tfl.layers.bidirectional({
            layer: layerOf('gru', { units: 3, returnSequences: true, goBackwards: true }),
            mergeMode: 'concat',
          }) as unknown as AnyLayer,
      ),
    },
  ]);
});

describe('cells in an RNN', () => {
  const rnn = (cell: () => AnyLayer | AnyLayer[], args: Settings = {}) =>
    onSequence(() => tfl.layers.rnn({ cell: cell() as never, ...args }) as unknown as AnyLayer);
  check([
    { name: 'simpleRNN', by: 'RNN', network: rnn(() => layerOf('simpleRNNCell', { units: 3 })) },
    {
      name: 'GRU',
      by: 'GRU',
      network: rnn(() => layerOf('gruCell', { units: 3 }), { returnSequences: true }),
    },
    { name: 'LSTM', by: 'LSTM', network: rnn(() => layerOf('lstmCell', { units: 3 })) },
    {
      name: 'two on top of one another',
      by: 'Scan',
      network: rnn(() => [layerOf('lstmCell', { units: 3 }), layerOf('gruCell', { units: 2 })], {
        returnSequences: true,
        returnState: true,
      }),
    },
  ]);
});

describe('masks', () => {
  const masked = (layer: () => AnyLayer) => () => {
    const model = tfl.sequential();
    model.add(tfl.layers.embedding({ inputDim: 4, outputDim: 4, maskZero: true, inputLength: 7 }));
    model.add(layer());
    return model;
  };
  check(
    kinds.flatMap(([kind]) =>
      [{}, { returnSequences: true }, { returnSequences: true, goBackwards: true }].map((args) => ({
        name: `of an embedding on ${kind} ${JSON.stringify(args)}`,
        by: 'Scan',
        integers: 3,
        network: masked(() => layerOf(kind, { units: 3, ...args })),
      })),
    ),
  );
  check([
    {
      name: 'reach the second of two layers',
      by: 'Scan',
      integers: 3,
      network: () => {
        const model = tfl.sequential();
        model.add(tfl.layers.masking({ maskValue: 1, inputShape: [7, 1] }));
        model.add(layerOf('lstm', { units: 3, returnSequences: true }));
        model.add(tfl.layers.dropout({ rate: 0.5 }));
        model.add(layerOf('gru', { units: 3 }));
        return model;
      },
    },
    {
      name: 'go both ways',
      by: 'Scan',
      integers: 3,
      network: masked(
        () =>
          tfl.layers.bidirectional({
            layer: layerOf('lstm', { units: 3, returnSequences: true }),
            mergeMode: 'concat',
          }) as unknown as AnyLayer,
      ),
    },
  ]);
});

describe('pictures over time', () => {
  const settings: readonly Settings[] = [
    {},
    { returnSequences: true, padding: 'same', strides: 2 },
    { returnSequences: true, goBackwards: true, useBias: false },
    { returnState: true, recurrentActivation: 'sigmoid', activation: 'relu' },
  ];
  check(
    settings.map((args) => ({
      name: `convLstm2d ${JSON.stringify(args)}`,
      by: 'Scan',
      network: onSequence(() => layerOf('convLstm2d', { filters: 2, kernelSize: 3, ...args }), [3, 6, 7, 2]),
    })),
  );
});

describe('a layer on each step', () => {
  const distributed = (layer: () => tf.serialization.Serializable, shape: readonly (number | null)[]) =>
    onSequence(
      () => tfl.layers.timeDistributed({ layer: layer() as unknown as AnyLayer }) as unknown as AnyLayer,
      shape,
    );
  check([
    {
      name: 'dense',
      by: 'Reshape',
      network: distributed(() => tfl.layers.dense({ units: 3, activation: 'relu' }), [5, 4]),
    },
    {
      name: 'convolution',
      by: 'Conv',
      network: distributed(() => tfl.layers.conv2d({ filters: 3, kernelSize: 3 }), [5, 6, 7, 2]),
    },
    { name: 'flatten', by: 'Flatten', network: distributed(() => tfl.layers.flatten(), [5, 6, 2]) },
    {
      name: 'dense, over any number of steps',
      by: 'Reshape',
      network: distributed(() => tfl.layers.dense({ units: 3 }), [null, 4]),
    },
  ]);
});
