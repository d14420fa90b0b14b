/** Layers whose forms TensorFlow.js computes wrongly or not at all: what Keras says, made of TensorFlow.js's operators. */
import { beforeAll, expect, it } from 'vitest';
import type { Engine } from '../../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { readLayersModel } from '../../../../../src/model/formats/tfjs/layers/read.ts';
import { type Tensor, tensorOf } from '../../../../../src/model/ir/tensor.ts';
import { normalTensor, runModel } from '../../../../run-model.ts';
import { fromTf, tf, toTf } from '../oracle.ts';
import { relativeDifference } from './keras.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

interface Case {
  readonly name: string;
  readonly layer: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly x: Tensor;
  readonly weights?: Readonly<Record<string, Tensor>>;
  readonly keras?: string;
  readonly expected: (x: tf.Tensor4D) => tf.Tensor;
}

const picture = normalTensor([2, 4, 5, 3], 1);
const row = normalTensor([2, 7], 2);
const statistics = Object.fromEntries(
  ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((key, i) => [
    key,
    key === 'moving_variance' ? tensorOf('float32', [4], [0.5, 1, 2, 3]) : normalTensor([4], 3 + i),
  ]),
);
const oddKernel = normalTensor([3, 3, 2, 4], 9);
const alphas = (x: tf.Tensor, below: number) => tf.where(tf.less(x, 0.5), tf.mul(tf.sub(x, 0.5), below), x);

const cases: readonly Case[] = [
  {
    name: 'BatchNormalization along the second axis',
    layer: 'BatchNormalization',
    config: { axis: [1] },
    x: picture,
    weights: statistics,
    expected: (x) => {
      const [gamma, beta, mean, variance] = Object.values(statistics).map((t) =>
        tf.reshape(toTf(t), [1, 4, 1, 1]),
      );
      const normal = tf.div(tf.sub(x, mean!), tf.sqrt(tf.add(variance!, 1e-3)));
      return tf.add(tf.mul(normal, gamma!), beta!);
    },
  },
  {
    name: 'ReLU with slope, threshold and limit',
    layer: 'ReLU',
    config: { negative_slope: 0.1, threshold: 0.5, max_value: 1 },
    x: row,
    expected: (x) => tf.minimum(alphas(x, 0.1), 1),
  },
  {
    name: 'ReLU with slope',
    layer: 'ReLU',
    config: { negative_slope: 0.1, threshold: 0, max_value: null },
    x: row,
    expected: (x) => tf.leakyRelu(x, 0.1),
  },
  {
    name: 'ELU with a scale',
    layer: 'ELU',
    config: { alpha: 0.3 },
    x: row,
    expected: (x) => tf.where(tf.less(x, 0), tf.mul(0.3, tf.expm1(x)), x),
  },
  {
    name: 'hard_sigmoid before Keras 3',
    layer: 'Activation',
    config: { activation: 'hard_sigmoid' },
    x: row,
    expected: (x) => tf.clipByValue(tf.add(tf.mul(x, 0.2), 0.5), 0, 1),
  },
  {
    name: 'hard_sigmoid of Keras 3',
    layer: 'Activation',
    config: { activation: { module: 'builtins', class_name: 'function', config: 'hard_sigmoid' } },
    keras: '3.4.1',
    x: row,
    expected: (x) => tf.clipByValue(tf.add(tf.div(x, 6), 0.5), 0, 1),
  },
  {
    name: 'Resizing, bilinear',
    layer: 'Resizing',
    config: { height: 7, width: 6, interpolation: 'bilinear' },
    x: picture,
    expected: (x) => tf.image.resizeBilinear(x, [7, 6], false, true),
  },
  {
    name: 'Resizing, nearest',
    layer: 'Resizing',
    config: { height: 3, width: 9, interpolation: 'nearest' },
    x: picture,
    expected: (x) => tf.image.resizeNearestNeighbor(x, [3, 9], false, true),
  },
  {
    name: 'CategoryEncoding of one class',
    layer: 'CategoryEncoding',
    config: { num_tokens: 5, output_mode: 'one_hot' },
    x: tensorOf('float32', [3, 1], [4, 0, 2]),
    expected: (x) => tf.cast(tf.oneHot(tf.cast(tf.reshape(x, [3]), 'int32'), 5), 'float32'),
  },
  {
    name: 'CategoryEncoding of several classes',
    layer: 'CategoryEncoding',
    config: { num_tokens: 3, output_mode: 'multiHot' },
    x: tensorOf('float32', [2, 2], [1, 1, 0, 2]),
    expected: () => tf.tensor([0, 1, 0, 1, 0, 1], [2, 3]),
  },
  {
    name: 'CategoryEncoding that counts',
    layer: 'CategoryEncoding',
    config: { num_tokens: 3, output_mode: 'count' },
    x: tensorOf('float32', [2, 2], [1, 1, 0, 2]),
    expected: () => tf.tensor([0, 2, 0, 1, 0, 1], [2, 3]),
  },
  {
    name: 'Conv2D in groups',
    layer: 'Conv2D',
    config: { filters: 4, kernel_size: 3, groups: 2, use_bias: false },
    x: normalTensor([2, 5, 6, 4], 8),
    weights: { kernel: oddKernel },
    expected: (x) => {
      const [a, b] = tf.split(x, 2, 3) as tf.Tensor4D[];
      const [f, g] = tf.split(toTf(oddKernel), 2, 3) as tf.Tensor4D[];
      return tf.concat([tf.conv2d(a!, f!, 1, 'valid'), tf.conv2d(b!, g!, 1, 'valid')], 3);
    },
  },
  {
    name: 'Conv1D, causal',
    layer: 'Conv1D',
    config: { filters: 2, kernel_size: 3, padding: 'causal', dilation_rate: 2, use_bias: false },
    x: normalTensor([2, 8, 3], 8),
    weights: { kernel: normalTensor([3, 3, 2], 9) },
    expected: (x) => {
      const padded = tf.pad(x as tf.Tensor, [
        [0, 0],
        [4, 0],
        [0, 0],
      ]) as tf.Tensor3D;
      return tf.conv1d(padded, toTf(normalTensor([3, 3, 2], 9)) as tf.Tensor3D, 1, 'valid', 'NWC', 2);
    },
  },
  {
    name: 'DepthwiseConv2D with dilation',
    layer: 'DepthwiseConv2D',
    config: { kernel_size: 2, dilation_rate: 2, use_bias: false, depth_multiplier: 2 },
    x: picture,
    weights: { kernel: normalTensor([2, 2, 3, 2], 9) },
    expected: (x) =>
      tf.depthwiseConv2d(x, toTf(normalTensor([2, 2, 3, 2], 9)) as tf.Tensor4D, 1, 'valid', 'NHWC', 2),
  },
  {
    name: 'GlobalAveragePooling2D that keeps its axes',
    layer: 'GlobalAveragePooling2D',
    config: { keepdims: true },
    x: picture,
    expected: (x) => tf.mean(x, [1, 2], true),
  },
  {
    name: 'UpSampling1D',
    layer: 'UpSampling1D',
    config: { size: 2 },
    x: normalTensor([1, 2, 3], 4),
    expected: (x) => tf.reshape(tf.tile(tf.expandDims(x as tf.Tensor, 2), [1, 1, 2, 1]), [1, 4, 3]),
  },
  {
    name: 'Cropping1D',
    layer: 'Cropping1D',
    config: { cropping: [1, 2] },
    x: normalTensor([2, 7, 3], 4),
    expected: (x) => tf.slice(x as tf.Tensor, [0, 1, 0], [2, 4, 3]),
  },
  {
    name: 'ZeroPadding1D',
    layer: 'ZeroPadding1D',
    config: { padding: [1, 2] },
    x: normalTensor([2, 3, 3], 4),
    expected: (x) =>
      tf.pad(x as tf.Tensor, [
        [0, 0],
        [1, 2],
        [0, 0],
      ]),
  },
];

it.each(cases)('$name', async ({ layer, config, x, weights = {}, keras = '2.8.0', expected }) => {
  const named = { name: 'it', ...config, batch_input_shape: [null, ...x.dims.slice(1)] };
  const model = readLayersModel({
    topology: {
      keras_version: keras,
      model_config: {
        class_name: 'Sequential',
        config: { name: 'net', layers: [{ class_name: layer, config: named }] },
      },
    },
    weights: new Map(Object.entries(weights).map(([key, tensor]) => [`it/${key}`, tensor])),
    file: 'model.json',
  });
  const outputs = await runModel(engine, model, { it_input: x });
  const wanted = await fromTf(expected(toTf(x) as tf.Tensor4D));
  // Sums in another order.
  expect(relativeDifference([wanted], [outputs['it']!])).toBeLessThanOrEqual(1e-5);
});

/** GRU of Keras 2 as it is by default, step by step. */
it('GRU whose reset gate acts behind the product', async () => {
  const [kernel, recurrent, bias] = [
    normalTensor([4, 9], 1),
    normalTensor([3, 9], 2),
    normalTensor([2, 9], 3),
  ];
  const x = normalTensor([2, 5, 4], 4);
  const config = {
    name: 'it',
    units: 3,
    reset_after: true,
    activation: 'tanh',
    recurrent_activation: 'sigmoid',
  };
  const model = readLayersModel({
    topology: {
      class_name: 'Sequential',
      config: [{ class_name: 'GRU', config: { ...config, batch_input_shape: [null, 5, 4] } }],
    },
    weights: new Map([
      ['it/gru_cell/kernel', kernel!],
      ['it/gru_cell/recurrent_kernel', recurrent!],
      ['it/gru_cell/bias', bias!],
    ]),
    file: 'model.json',
  });
  const [inputBias, stateBias] = tf.unstack(toTf(bias!));
  let h: tf.Tensor = tf.zeros([2, 3]);
  for (const step of tf.unstack(toTf(x), 1)) {
    const [xz, xr, xh] = tf.split(tf.add(tf.matMul(step, toTf(kernel!)), inputBias!), 3, 1);
    const [hz, hr, hh] = tf.split(tf.add(tf.matMul(h, toTf(recurrent!)), stateBias!), 3, 1);
    const z = tf.sigmoid(tf.add(xz!, hz!));
    const candidate = tf.tanh(tf.add(xh!, tf.mul(tf.sigmoid(tf.add(xr!, hr!)), hh!)));
    h = tf.add(tf.mul(z, h), tf.mul(tf.sub(1, z), candidate));
  }
  const wanted = [await fromTf(h)];
  const operator = await runModel(engine, model, { it_input: x });
  expect(relativeDifference(wanted, [operator['it']!])).toBeLessThanOrEqual(1e-5);
});
