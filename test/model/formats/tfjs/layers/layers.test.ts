/** Each class of layers, with the settings that occur, computes what TensorFlow.js computes: one row, one case. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../../../src/compute/engine/open.ts';
import { inputsOf, randomise, readSaved, relativeDifference, runBoth, save, tfl } from './keras.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

type Shape = readonly (number | null)[];
type AnyLayer = ReturnType<typeof tfl.layers.dense>;
// What TensorFlow.js's constructors take differs from layer to layer.
type Settings = Record<string, unknown>;

interface Case {
  readonly name: string;
  readonly network: () => tfl.LayersModel;
  /** Inputs are whole numbers below this. */
  readonly integers?: number;
}

const check = (rows: readonly Case[]) =>
  it.each(rows)('$name', async ({ network, integers }) => {
    const model = network();
    randomise(model);
    const ours = readSaved(await save(model));
    const { expected, received } = await runBoth(engine, model, ours, inputsOf(model, 2, integers));
    // Sums in another order.
    expect(relativeDifference(expected, received)).toBeLessThanOrEqual(1e-5);
    expect(ours.graph.inputs.map((v) => v.name)).toEqual(model.inputNames);
    expect(ours.graph.outputs.map((v) => v.name)).toEqual(model.outputNames);
  });

/** A model of one layer. */
const alone =
  (shape: Shape, layer: () => AnyLayer, dtype: 'float32' | 'int32' = 'float32') =>
  () => {
    const input = tfl.input({ shape: [...shape], dtype });
    return tfl.model({ inputs: input, outputs: layer().apply(input) as tfl.SymbolicTensor });
  };

/** Rows of one kind of layer: its settings are their name. */
const rows = (
  kind: keyof typeof tfl.layers,
  shape: Shape,
  settings: readonly Settings[],
  options: { integers?: number; dtype?: 'int32' } = {},
): Case[] =>
  settings.map((args) => ({
    name: `${kind} of [${shape}] ${JSON.stringify(args)}`,
    network: alone(
      shape,
      () => (tfl.layers[kind] as unknown as (a: Settings) => AnyLayer)({ ...args }),
      options.dtype,
    ),
    ...(options.integers === undefined ? {} : { integers: options.integers }),
  }));

const first = { dataFormat: 'channelsFirst' };

describe('activations', () => {
  const names =
    'elu selu relu relu6 linear sigmoid hardSigmoid softplus softsign tanh softmax logSoftmax gelu gelu_new mish swish';
  check([
    ...rows(
      'activation',
      [5],
      names.split(' ').map((activation) => ({ activation })),
    ),
    ...rows('activation', [3, 4, 5], [{ activation: 'softmax' }, { activation: 'relu' }]),
    ...rows('reLU', [5], [{}, { maxValue: 0.5 }, { maxValue: 6 }]),
    ...rows('leakyReLU', [5], [{}, { alpha: 0.1 }]),
    ...rows('prelu', [4, 3], [{}, { sharedAxes: [1] }]),
    ...rows('prelu', [4, 5, 3], [{ sharedAxes: [1, 2] }]),
    ...rows('elu', [5], [{}]),
    ...rows('thresholdedReLU', [5], [{}, { theta: 0.3 }]),
    ...rows('softmax', [4, 5], [{ axis: -1 }, { axis: 2 }, { axis: [1, 2] }]),
  ]);
});

describe('noise and penalties', () => {
  check([
    ...rows('dropout', [5], [{ rate: 0.5 }]),
    ...rows('spatialDropout1d', [4, 5], [{ rate: 0.5 }]),
    ...rows('gaussianNoise', [5], [{ stddev: 1 }]),
    ...rows('gaussianDropout', [5], [{ rate: 0.5 }]),
    ...rows('alphaDropout', [5], [{ rate: 0.5 }]),
  ]);
});

describe('dense layers and movements', () => {
  check([
    ...rows(
      'dense',
      [5],
      [
        { units: 3 },
        { units: 3, useBias: false },
        { units: 3, activation: 'relu' },
        { units: 3, activation: 'softmax' },
        { units: 3, kernelRegularizer: 'l1l2', biasInitializer: 'ones' },
      ],
    ),
    ...rows('dense', [4, 5], [{ units: 3, activation: 'tanh' }]),
    ...rows('dense', [null, 4, 5], [{ units: 3 }]),
    ...rows('flatten', [3, 4, 5], [{}, first]),
    ...rows(
      'flatten',
      [5],
      [{}].filter(() => false),
    ),
    ...rows('reshape', [4, 6], [{ targetShape: [3, 8] }, { targetShape: [-1, 2] }, { targetShape: [24] }]),
    ...rows('reshape', [null, 6], [{ targetShape: [-1, 2, 3] }]),
    ...rows('permute', [3, 4, 5], [{ dims: [2, 3, 1] }, { dims: [1, 3, 2] }]),
    ...rows('repeatVector', [5], [{ n: 3 }]),
    ...rows('masking', [4, 3], [{}, { maskValue: 1 }], { integers: 2 }),
    ...rows(
      'embedding',
      [6],
      [
        { inputDim: 10, outputDim: 3 },
        { inputDim: 10, outputDim: 3, maskZero: true },
      ],
      {
        integers: 10,
      },
    ),
    ...rows('embedding', [6], [{ inputDim: 10, outputDim: 3 }], { integers: 10, dtype: 'int32' }),
    ...rows('embedding', [null], [{ inputDim: 10, outputDim: 3 }], { integers: 10 }),
  ]);
});

describe('convolutions', () => {
  const paddings = ['same', 'valid'].flatMap((padding) =>
    [1, 2, 3].flatMap((strides) =>
      [1, 2, 3, 5].map((kernelSize) => ({ filters: 4, padding, strides, kernelSize })),
    ),
  );
  check([
    ...rows(
      'conv2d',
      [9, 8, 3],
      [
        ...paddings,
        { filters: 4, kernelSize: [3, 2], strides: [2, 1], padding: 'same' },
        { filters: 4, kernelSize: 3, dilationRate: 2, padding: 'same' },
        { filters: 4, kernelSize: 3, dilationRate: [2, 1] },
        { filters: 4, kernelSize: 3, useBias: false, activation: 'relu' },
        { filters: 4, kernelSize: 3, activation: 'swish' },
      ],
    ),
    ...rows(
      'conv2d',
      [null, null, 3],
      [
        { filters: 4, kernelSize: 3, strides: 2, padding: 'same' },
        { filters: 4, kernelSize: 3 },
      ],
    ),
    ...rows(
      'conv1d',
      [9, 3],
      [
        { filters: 4, kernelSize: 3 },
        { filters: 4, kernelSize: 4, strides: 2, padding: 'same' },
        { filters: 4, kernelSize: 3, dilationRate: 2, padding: 'same', activation: 'tanh' },
      ],
    ),
    ...rows(
      'conv3d',
      [5, 6, 7, 2],
      [
        { filters: 3, kernelSize: 2 },
        { filters: 3, kernelSize: [3, 2, 3], strides: 2, padding: 'same', activation: 'relu' },
      ],
    ),
    ...rows(
      'conv2dTranspose',
      [4, 5, 3],
      [
        { filters: 4, kernelSize: 3 },
        { filters: 4, kernelSize: 3, strides: 2, padding: 'same' },
        { filters: 4, kernelSize: 4, strides: 2, padding: 'same', activation: 'relu' },
        { filters: 4, kernelSize: 2, strides: 3, padding: 'valid' },
        { filters: 4, kernelSize: 2, strides: 3, padding: 'same', useBias: false },
      ],
    ),
    ...rows(
      'conv3dTranspose',
      [3, 4, 5, 2],
      [
        { filters: 3, kernelSize: 3, strides: 2, padding: 'same' },
        { filters: 3, kernelSize: 2 },
      ],
    ),
    ...rows(
      'depthwiseConv2d',
      [9, 8, 3],
      [
        { kernelSize: 3 },
        { kernelSize: 3, strides: 2, padding: 'same', depthMultiplier: 2, activation: 'relu6' },
        { kernelSize: 5, useBias: false, padding: 'same' },
      ],
    ),
    ...rows(
      'separableConv2d',
      [9, 8, 3],
      [
        { filters: 5, kernelSize: 3 },
        { filters: 5, kernelSize: 3, strides: 2, padding: 'same', depthMultiplier: 2, activation: 'relu' },
        { filters: 5, kernelSize: 3, dilationRate: 2 },
      ],
    ),
  ]);
});

describe('channels first', () => {
  check([
    ...rows(
      'conv2dTranspose',
      [3, 4, 5],
      [{ filters: 4, kernelSize: 3, strides: 2, padding: 'same', ...first }],
    ),
    ...rows('maxPooling2d', [3, 6, 7], [{ poolSize: 2, ...first }]),
    ...rows('averagePooling2d', [3, 6, 7], [{ poolSize: 3, padding: 'same', ...first }]),
    ...rows('globalAveragePooling2d', [3, 6, 7], [first]),
    ...rows('globalMaxPooling2d', [3, 6, 7], [first]),
    ...rows('upSampling2d', [3, 4, 5], [{ size: [2, 3], ...first }]),
    ...rows(
      'zeroPadding2d',
      [3, 4, 5],
      [
        {
          padding: [
            [1, 2],
            [0, 3],
          ],
          ...first,
        },
      ],
    ),
    ...rows(
      'cropping2D',
      [3, 6, 7],
      [
        {
          cropping: [
            [1, 2],
            [0, 3],
          ],
          ...first,
        },
      ],
    ),
  ]);
});

describe('pools', () => {
  const pools = [
    {},
    { poolSize: 3, strides: 2 },
    { poolSize: 3, strides: 1, padding: 'same' },
    { padding: 'same' },
  ];
  check([
    ...(['maxPooling1d', 'averagePooling1d'] as const).flatMap((kind) => rows(kind, [9, 3], pools)),
    ...(['maxPooling2d', 'averagePooling2d'] as const).flatMap((kind) => rows(kind, [9, 8, 3], pools)),
    ...(['maxPooling3d', 'averagePooling3d'] as const).flatMap((kind) => rows(kind, [5, 6, 7, 2], pools)),
    ...(['globalMaxPooling1d', 'globalAveragePooling1d'] as const).flatMap((kind) =>
      rows(kind, [9, 3], [{}]),
    ),
    ...(['globalMaxPooling2d', 'globalAveragePooling2d'] as const).flatMap((kind) =>
      rows(kind, [9, 8, 3], [{}]),
    ),
    ...rows('globalAveragePooling2d', [null, null, 3], [{}]),
  ]);
});

describe('cells added, cut off and repeated', () => {
  check([
    ...rows(
      'zeroPadding2d',
      [4, 5, 3],
      [
        {},
        { padding: 2 },
        { padding: [1, 2] },
        {
          padding: [
            [0, 1],
            [2, 0],
          ],
        },
      ],
    ),
    ...rows(
      'cropping2D',
      [6, 7, 3],
      [
        { cropping: 1 },
        { cropping: [1, 2] },
        {
          cropping: [
            [0, 1],
            [2, 0],
          ],
        },
      ],
    ),
    ...rows('upSampling2d', [4, 5, 3], [{}, { size: [3, 2] }, { size: [2, 2], interpolation: 'bilinear' }]),
    ...rows('upSampling2d', [null, null, 3], [{}, { interpolation: 'bilinear' }]),
  ]);
});

describe('normalisation', () => {
  check([
    ...rows('batchNormalization', [5], [{}, { center: false }, { scale: false, epsilon: 0.1 }]),
    ...rows('batchNormalization', [4, 5], [{}]),
    ...rows('batchNormalization', [4, 5, 3], [{}, { axis: 3, scale: false, center: false }]),
    ...rows('layerNormalization', [5], [{}, { center: false, scale: false }]),
    ...rows(
      'layerNormalization',
      [4, 5, 3],
      [{ axis: -1, epsilon: 0.1 }, { axis: 1 }, { axis: [2, 3] }, { axis: [1, 3] }],
    ),
  ]);
});

describe('preparation', () => {
  check([
    ...rows('rescaling', [4, 5, 3], [{ scale: 1 / 127.5, offset: -1 }, { scale: 3 }]),
    ...rows(
      'centerCrop',
      [9, 8, 3],
      [
        { height: 5, width: 4 },
        { height: 8, width: 7 },
        { height: 9, width: 3 },
        { height: 12, width: 6 },
      ],
    ),
  ]);
});

describe('layers of several inputs', () => {
  const merged = (layer: () => AnyLayer, shapes: readonly Shape[]) => () => {
    const inputs = shapes.map((shape) => tfl.input({ shape: [...shape] }));
    return tfl.model({ inputs, outputs: layer().apply(inputs) as tfl.SymbolicTensor });
  };
  const kinds = ['add', 'multiply', 'average', 'maximum', 'minimum'] as const;
  check([
    ...kinds.flatMap((kind) => [
      {
        name: `${kind} of three`,
        network: merged(
          () => tfl.layers[kind]() as unknown as AnyLayer,
          [
            [4, 3],
            [4, 3],
            [4, 3],
          ],
        ),
      },
      {
        name: `${kind}, broadcast`,
        network: merged(() => tfl.layers[kind]() as unknown as AnyLayer, [[4, 3], [3]]),
      },
    ]),
    ...[-1, 1, 2].map((axis) => ({
      name: `concatenate along ${axis}`,
      network: merged(
        () => tfl.layers.concatenate({ axis }) as unknown as AnyLayer,
        axis === 1
          ? [
              [4, 3, 2],
              [5, 3, 2],
            ]
          : axis === 2
            ? [
                [4, 3, 2],
                [4, 2, 2],
              ]
            : [
                [4, 3, 2],
                [4, 3, 1],
              ],
      ),
    })),
    ...(
      [
        [[5], [5], 1],
        [[5], [5], -1],
        [[4, 5], [6, 5], 2],
        [
          [4, 5],
          [5, 6],
          [2, 1],
        ],
        [[4, 5], [4, 6], 1],
      ] as const
    ).flatMap(([a, b, axes]) =>
      [false, true].map((normalize) => ({
        name: `dot of [${a}] and [${b}] along ${axes}${normalize ? ', normalised' : ''}`,
        network: merged(
          () => tfl.layers.dot({ axes: axes as number, normalize }) as unknown as AnyLayer,
          [a, b],
        ),
      })),
    ),
  ]);
});
