/** Networks in the forms in which they are saved, and those that are damaged. */

import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { readLayersModel } from '../../../../../src/model/formats/tfjs/layers/read.ts';
import { type Tensor, tensorOf } from '../../../../../src/model/ir/tensor.ts';
import { Diagnostic } from '../../../../../src/support/diagnostics.ts';
import { normalTensor } from '../../../../run-model.ts';

import {
  inputsOf,
  networkOf,
  randomise,
  readSaved,
  relativeDifference,
  runBoth,
  type Saved,
  save,
  tfl,
} from './keras.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

type Symbolic = tfl.SymbolicTensor;
const one = (value: unknown) => value as Symbolic;

/** Both compute the same, after what `change` does to the file. */
async function expectSame(model: tfl.LayersModel, change: (saved: Saved) => Saved = (saved) => saved) {
  randomise(model);
  const ours = readSaved(change(await save(model)));
  const { expected, received } = await runBoth(engine, model, ours, inputsOf(model, 2));
  // Sums in another order.
  expect(relativeDifference(expected, received)).toBeLessThanOrEqual(1e-5);
  return ours;
}

const residual = () => {
  const x = tfl.input({ shape: [8, 8, 3], name: 'picture' });
  const y = one(
    tfl.layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same', name: 'block/conv' }).apply(x),
  );
  const z = one(tfl.layers.conv2d({ filters: 4, kernelSize: 1, name: 'skip' }).apply(x));
  const sum = one(tfl.layers.add({ name: 'sum' }).apply([y, z]));
  const pooled = one(tfl.layers.globalAveragePooling2d({ name: 'pool' }).apply(sum));
  return tfl.model({
    inputs: x,
    outputs: [one(tfl.layers.dense({ units: 2, name: 'out' }).apply(pooled)), sum],
  });
};

/** A Sequential in a Sequential, the first with a functional model in it: the form of Teachable Machine's pictures. */
const teachable = () => {
  const picture = tfl.input({ shape: [8, 8, 3] });
  const conv = tfl.layers.conv2d({ filters: 4, kernelSize: 3, name: 'Conv1' });
  const base = tfl.model({
    inputs: picture,
    outputs: one(tfl.layers.reLU({ maxValue: 6, name: 'out_relu' }).apply(one(conv.apply(picture)))),
    name: 'base',
  });
  const features = tfl.sequential({ layers: [base, tfl.layers.globalAveragePooling2d({})] });
  const head = tfl.sequential({
    layers: [
      tfl.layers.dense({ units: 5, activation: 'relu', inputShape: [4] }),
      tfl.layers.dense({ units: 3, activation: 'softmax', useBias: false }),
    ],
  });
  return tfl.sequential({ layers: [features, head] });
};

describe('a network', () => {
  it('has branches, several outputs, and slashes in names', async () => {
    const ours = await expectSame(residual());
    expect(ours.graph.inputs[0]!.type).toEqual({
      kind: 'tensor',
      dtype: 'float32',
      shape: ['batch', 8, 8, 3],
    });
    expect(ours.graph.outputs.map((v) => v.name)).toEqual(['out', 'sum']);
  });

  it('stands in a network in a network', async () => {
    await expectSame(teachable());
  });

  it('finds the weights of a head before those of its base', async () => {
    await expectSame(teachable(), ({ topology, weights }) => ({
      topology,
      weights: new Map([...weights].reverse()),
    }));
  });

  it('shares a layer, and a model, between inputs', async () => {
    const [a, b] = [tfl.input({ shape: [4] }), tfl.input({ shape: [4] })];
    const shared = tfl.layers.dense({ units: 3, activation: 'tanh' });
    const inner = tfl.input({ shape: [3] });
    const twin = tfl.model({ inputs: inner, outputs: one(tfl.layers.dense({ units: 3 }).apply(inner)) });
    const [p, q] = [a, b].map((x) => one(twin.apply(one(shared.apply(x)))));
    const outputs = one(tfl.layers.concatenate().apply([p!, q!]));
    const ours = await expectSame(tfl.model({ inputs: [a, b], outputs }));
    expect(ours.graph.nodes.filter((node) => node.opType === 'Gemm')).toHaveLength(4);
  });

  it('hands on its input as an output', async () => {
    const x = tfl.input({ shape: [4] });
    const model = tfl.model({ inputs: x, outputs: [x, one(tfl.layers.dense({ units: 2 }).apply(x))] });
    const ours = readSaved(await save(model));
    const { expected, received } = await runBoth(engine, model, ours, inputsOf(model, 2));
    expect(relativeDifference(expected, received)).toBeLessThanOrEqual(1e-5);
  });

  it('is a list of layers in old files', async () => {
    const model = tfl.sequential({
      layers: [tfl.layers.dense({ units: 3, inputShape: [4] }), tfl.layers.dense({ units: 2 })],
    });
    await expectSame(model, (saved) => ({
      topology: {
        keras_version: '2.1.5',
        model_config: { ...saved.topology, config: networkOf(saved).config.layers },
      },
      weights: saved.weights,
    }));
  });

  it.each([
    ['the name of a network before it', (name: string) => `net_1/${name}`],
    ['a cell in it', (name: string) => name.replace(/\/(?=[^/]+$)/, '/cell_3/')],
    [':0 behind it', (name: string) => `${name}:0`],
  ])('finds weights with %s', async (_, renamed) => {
    const model = tfl.sequential({
      layers: [
        tfl.layers.lstm({
          units: 3,
          inputShape: [5, 4],
          recurrentInitializer: 'zeros',
          returnSequences: true,
        }),
        tfl.layers.bidirectional({
          layer: tfl.layers.gru({ units: 2, recurrentInitializer: 'zeros' }),
          mergeMode: 'concat',
        }),
      ],
    });
    await expectSame(model, ({ topology, weights }) => ({
      topology,
      weights: new Map([...weights].map(([name, tensor]) => [renamed(name), tensor])),
    }));
  });
});

/** As Keras 3 writes what `residual` says, which TensorFlow.js can't load. */
function asKeras3(saved: Saved): Saved {
  const history = (ref: readonly unknown[]) => ({
    class_name: '__keras_tensor__',
    config: { shape: [null], dtype: 'float32', keras_history: ref.slice(0, 3) },
  });
  const policy = {
    module: 'keras',
    class_name: 'DTypePolicy',
    config: { name: 'float32' },
    registered_name: null,
  };
  const { config, ...model } = networkOf(saved);
  const layers = config.layers.map(({ class_name, name, config: own, inbound_nodes }) => {
    const { batch_input_shape, ...rest } = own;
    const refs = inbound_nodes.map((node) => node.map(history));
    return {
      module: 'keras.layers',
      class_name,
      name,
      config: { ...rest, ...(batch_input_shape ? { batch_shape: batch_input_shape } : {}), dtype: policy },
      inbound_nodes: refs.map((args) => ({ args: args.length > 1 ? [args] : args, kwargs: {} })),
    };
  });
  const { input_layers, output_layers } = config;
  const keras3 = { ...config, layers, input_layers: input_layers[0], output_layers };
  const numbers: Record<string, string> = { 'block/conv': 'conv2d', skip: 'conv2d_1', out: 'dense' };
  const numbered = [...saved.weights].map(([name, tensor]): [string, Tensor] => {
    const [, own, key] = /^(.*)\/(kernel|bias)$/.exec(name)!;
    return [`_layer_checkpoint_dependencies/${numbers[own!]}/vars/${key === 'kernel' ? 0 : 1}`, tensor];
  });
  return {
    topology: { keras_version: '3.4.1', model_config: { ...model, config: keras3 } },
    weights: new Map(numbered),
  };
}

describe('Keras 3', () => {
  it('writes shapes, types, calls and numbered weights in its own way', async () => {
    await expectSame(residual(), asKeras3);
  });
});

const kernel = normalTensor([4, 2], 1);
const denseNamed = (name: string, more: object = {}) => ({
  class_name: 'Dense',
  name,
  config: { name, units: 2, use_bias: false, ...more },
});
const input = {
  class_name: 'InputLayer',
  name: 'x',
  config: { name: 'x', batch_input_shape: [null, 4] },
  inbound_nodes: [],
};
const sequential = (...layers: unknown[]) => ({ class_name: 'Sequential', config: { name: 'net', layers } });
const first = { batch_input_shape: [null, 4] };
const called = (layer: object, ...from: string[]) => ({
  ...layer,
  inbound_nodes: [from.map((name) => [name, 0, 0, {}])],
});
const functional = (layers: unknown[], output: string) => ({
  class_name: 'Model',
  config: { name: 'net', layers, input_layers: [['x', 0, 0]], output_layers: [[output, 0, 0]] },
});

const nested = (depth: number): object => {
  let model: object = sequential(denseNamed('d', first));
  for (let i = 0; i < depth; i++) model = sequential({ ...model, name: `m${i}` });
  return model;
};

/** Each model calls the one inside twice: 2^depth layers from a few lines. */
const doubling = (depth: number): object => {
  let model: object = {
    ...functional([input, called({ class_name: 'Flatten', name: 'f', config: {} }, 'x')], 'f'),
  };
  for (let i = 0; i < depth; i++) {
    const twice = { ...model, name: 'm', inbound_nodes: [[['x', 0, 0, {}]], [['m', 0, 0, {}]]] };
    model = {
      ...functional([input, twice], 'm'),
      config: {
        name: 'net',
        layers: [input, twice],
        input_layers: [['x', 0, 0]],
        output_layers: [['m', 1, 0]],
      },
    };
  }
  return model;
};

describe('what is damaged is said', () => {
  const cases: readonly [name: string, code: string, topology: object, weights?: Record<string, Tensor>][] = [
    [
      'an unknown layer',
      'TFJS_LAYER_UNKNOWN',
      sequential({ class_name: 'Dence', config: { name: 'd', ...first } }),
    ],
    [
      'an unknown activation',
      'TFJS_OPERATOR_FORM',
      sequential(denseNamed('d', { ...first, activation: 'wild' })),
      { 'd/kernel': kernel },
    ],
    ['a missing weight', 'TFJS_WEIGHT_MISSING', sequential(denseNamed('d', first))],
    [
      'a weight of another shape',
      'TFJS_WEIGHT_SHAPE',
      sequential(denseNamed('d', { ...first, units: 3 })),
      { 'd/kernel': kernel },
    ],
    [
      'a weight without a layer',
      'TFJS_WEIGHTS_UNREAD',
      sequential(denseNamed('d', first)),
      { 'd/kernel': kernel, 'e/kernel': kernel },
    ],
    [
      'units that are no number',
      'TFJS_LAYER_INVALID',
      sequential(denseNamed('d', { ...first, units: 'two' })),
      { 'd/kernel': kernel },
    ],
    ['no input shape', 'TFJS_NETWORK_INVALID', sequential(denseNamed('d')), { 'd/kernel': kernel }],
    ['no layers', 'TFJS_NETWORK_INVALID', sequential()],
    ['a class that is no network', 'TFJS_NETWORK_INVALID', { class_name: 'Dense', config: {} }],
    [
      'a layer that reads itself',
      'TFJS_NETWORK_INVALID',
      functional([input, called(denseNamed('d'), 'd')], 'd'),
    ],
    [
      'a layer that is not there',
      'TFJS_NETWORK_INVALID',
      functional([input, called(denseNamed('d'), 'e')], 'd'),
    ],
    ['two layers of one name', 'TFJS_NETWORK_INVALID', functional([input, input], 'x')],
    [
      'an output that a layer lacks',
      'TFJS_NETWORK_INVALID',
      {
        ...functional([input], 'x'),
        config: { ...functional([input], 'x').config, output_layers: [['x', 0, 1]] },
      },
    ],
    [
      'a reshape that nothing fills',
      'TFJS_LAYER_INVALID',
      sequential({ class_name: 'Reshape', config: { name: 'r', target_shape: [3], ...first } }),
    ],
    [
      'cropping of more than there is',
      'TFJS_LAYER_INVALID',
      sequential({
        class_name: 'Cropping2D',
        config: { name: 'c', cropping: 9, batch_input_shape: [null, 4, 4, 1] },
      }),
    ],
    ['models nested without end', 'TFJS_NETWORK_INVALID', nested(100)],
    ['models that double without end', 'TFJS_NETWORK_INVALID', doubling(20)],
  ];
  it.each(cases)('%s', (_, code, topology, weights = {}) => {
    const read = () =>
      readLayersModel({
        topology: topology as never,
        weights: new Map(Object.entries(weights)),
        file: 'model.json',
      });
    expect(read).toThrowError(Diagnostic);
    expect(read).toThrowError(expect.objectContaining({ code }));
  });

  it('a chain of many layers is read', () => {
    const layers = Array.from({ length: 5000 }, (_, i) => ({
      class_name: 'ReLU',
      config: { name: `r${i}`, ...(i === 0 ? first : {}) },
    }));
    const model = readLayersModel({
      topology: sequential(...layers) as never,
      weights: new Map(),
      file: 'model.json',
    });
    expect(model.graph.nodes).toHaveLength(5000);
  });

  it('settings that lie deep', () => {
    let deep: unknown = 0;
    for (let i = 0; i < 50_000; i++) deep = [deep];
    const topology = sequential(denseNamed('d', { ...first, units: deep }));
    const read = () =>
      readLayersModel({
        topology: topology as never,
        weights: new Map([['d/kernel', tensorOf('float32', [1], [0])]]),
        file: 'model.json',
      });
    expect(read).toThrowError(expect.objectContaining({ code: 'TFJS_LAYER_INVALID' }));
  });
});
