/** What the emitter writes computes what TensorFlow.js computes: one row, one case. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/compute/engine/contract.ts';
import { openEngine } from '../../../src/compute/engine/open.ts';
import * as emit from '../../../src/model/formats/emit/index.ts';
import { addInput, addOutput, createModel, createValue } from '../../../src/model/ir/edit.ts';
import type { Value } from '../../../src/model/ir/model.ts';
import { type Tensor, tensorOf } from '../../../src/model/ir/tensor.ts';
import { tensorType } from '../../../src/model/ir/type.ts';
import { verifyModel } from '../../../src/model/ir/verify.ts';
import { tfjsOperatorForm } from '../../../src/support/diagnostics/tfjs.ts';
import { largestDifference, normalTensor, runModel } from '../../run-model.ts';
import { fromTf, tf, toTf } from './tfjs/oracle.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine('node');
});

interface Case {
  readonly name: string;
  readonly x: Tensor;
  /** Constants of the model. */
  readonly weights?: readonly Tensor[];
  /** Sizes of the input that the model leaves open. */
  readonly open?: boolean;
  readonly ours: (e: emit.Emitter, x: Value, ...weights: Value[]) => Value;
  readonly theirs: (x: tf.Tensor, ...weights: tf.Tensor[]) => tf.Tensor;
}

async function runOurs({ x, weights = [], open = false, ours }: Case): Promise<Tensor> {
  const model = createModel();
  const shape = open ? x.dims.map((d, i) => (i === x.dims.length - 1 ? d : `d${i}`)) : x.dims;
  const input = addInput(model.graph, createValue(model.names, 'x', tensorType(x.dtype, shape), true));
  const e = emit.createEmitter(model, tfjsOperatorForm).at('Test', 'node');
  const y = ours(e, input, ...weights.map((w) => e.constant(w)));
  addOutput(model.graph, y);
  verifyModel(model);
  const outputs = await runModel(engine, model, { x });
  return Object.values(outputs)[0]!;
}

const check = (rows: readonly Case[]) =>
  it.each(rows)('$name', async (row) => {
    const expected = await fromTf(row.theirs(toTf(row.x), ...(row.weights ?? []).map(toTf)));
    const received = await runOurs(row);
    expect(received.dims).toEqual(expected.dims);
    const { difference, magnitude } = largestDifference(expected, received);
    // Sums in another order.
    expect(difference).toBeLessThanOrEqual(1e-5 * Math.max(1, magnitude));
  });

const windows = [1, 2, 3].flatMap((stride) =>
  [1, 2, 3, 5, 7].flatMap((kernel) =>
    (['same', 'valid'] as const).flatMap((padding) =>
      [false, true].map((open) => ({
        stride,
        kernel,
        padding,
        open,
        name: `${kernel}×${kernel}, stride ${stride}, ${padding}${open ? ', open sizes' : ''}`,
      })),
    ),
  ),
);

describe('a convolution', () => {
  check(
    windows.map(({ stride, kernel, padding, open, name }) => ({
      name,
      open,
      x: normalTensor([2, 9, 8, 3], 1),
      weights: [normalTensor([kernel, kernel, 3, 4], 2), normalTensor([4], 3)],
      ours: (e, x, filter, bias) =>
        emit.convolution(e, x, filter!, { strides: [stride, stride], padding, bias: bias! }),
      theirs: (x, filter, bias) =>
        tf.add(tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, padding), bias!),
    })),
  );
  check([
    {
      name: 'dilated, same',
      x: normalTensor([1, 9, 8, 3], 1),
      weights: [normalTensor([3, 3, 3, 4], 2)],
      ours: (e, x, filter) =>
        emit.convolution(e, x, filter!, { strides: [1, 1], padding: 'same', dilations: [2, 3] }),
      theirs: (x, filter) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, 'same', 'NHWC', [2, 3]),
    },
    {
      name: 'explicit padding',
      x: normalTensor([1, 9, 8, 3], 1),
      weights: [normalTensor([3, 3, 3, 4], 2)],
      ours: (e, x, filter) =>
        emit.convolution(e, x, filter!, {
          strides: [2, 2],
          padding: [
            [0, 1],
            [2, 1],
          ],
        }),
      theirs: (x, filter) =>
        tf.conv2d(
          tf.pad(x as tf.Tensor4D, [
            [0, 0],
            [0, 1],
            [2, 1],
            [0, 0],
          ]),
          filter as tf.Tensor4D,
          2,
          'valid',
        ),
    },
    {
      name: 'one axis',
      x: normalTensor([2, 9, 3], 1),
      weights: [normalTensor([4, 3, 5], 2)],
      ours: (e, x, filter) => emit.convolution(e, x, filter!, { strides: [2], padding: 'same' }),
      theirs: (x, filter) => tf.conv1d(x as tf.Tensor3D, filter as tf.Tensor3D, 2, 'same'),
    },
    {
      name: 'three axes',
      x: normalTensor([1, 5, 6, 7, 2], 1),
      weights: [normalTensor([3, 2, 3, 2, 4], 2)],
      ours: (e, x, filter) => emit.convolution(e, x, filter!, { strides: [2, 1, 2], padding: 'same' }),
      theirs: (x, filter) => tf.conv3d(x as tf.Tensor5D, filter as tf.Tensor5D, [2, 1, 2], 'same'),
    },
  ]);
});

describe('a depthwise convolution', () => {
  check(
    [1, 2].flatMap((multiplier) =>
      [1, 2].map((stride) => ({
        name: `multiplier ${multiplier}, stride ${stride}`,
        x: normalTensor([2, 9, 8, 3], 1),
        weights: [normalTensor([3, 3, 3, multiplier], 2)],
        ours: (e: emit.Emitter, x: Value, filter?: Value) =>
          emit.depthwiseConvolution(e, x, filter!, { strides: [stride, stride], padding: 'same' }),
        theirs: (x: tf.Tensor, filter?: tf.Tensor) =>
          tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, 'same'),
      })),
    ),
  );
});

describe('a transposed convolution', () => {
  check(
    [1, 2, 3].flatMap((stride) =>
      [1, 2, 3, 4].flatMap((kernel) =>
        (['same', 'valid'] as const).flatMap((padding) =>
          [false, true].map((open) => ({
            name: `${kernel}×${kernel}, stride ${stride}, ${padding}${open ? ', open sizes' : ''}`,
            open,
            x: normalTensor([2, 5, 4, 3], 1),
            weights: [normalTensor([kernel, kernel, 2, 3], 2)],
            ours: (e: emit.Emitter, x: Value, filter?: Value) =>
              emit.transposedConvolution(e, x, filter!, { strides: [stride, stride], padding }),
            theirs: (x: tf.Tensor, filter?: tf.Tensor) => {
              const size = (n: number) =>
                n * stride + (padding === 'same' ? 0 : Math.max(kernel - stride, 0));
              const shape = [2, size(5), size(4), 2] as [number, number, number, number];
              return tf.conv2dTranspose(x as tf.Tensor4D, filter as tf.Tensor4D, shape, stride, padding);
            },
          })),
        ),
      ),
    ),
  );
});

describe('a pool', () => {
  check(
    (['max', 'avg'] as const).flatMap((kind) =>
      windows
        .filter(({ kernel, padding }) => kernel > 1 && (padding === 'same' || kernel < 7))
        .filter(({ kernel, stride, open }) => !open || kernel >= stride)
        .map(({ stride, kernel, padding, open, name }) => ({
          name: `${kind} ${name}`,
          open,
          x: normalTensor([2, 9, 8, 3], 1),
          ours: (e: emit.Emitter, x: Value) =>
            (kind === 'max' ? emit.maxPool : emit.averagePool)(e, x, {
              kernel: [kernel, kernel],
              strides: [stride, stride],
              padding,
            }),
          theirs: (x: tf.Tensor) =>
            kind === 'max'
              ? tf.maxPool(x as tf.Tensor4D, kernel, stride, padding)
              : tf.avgPool(x as tf.Tensor4D, kernel, stride, padding),
        })),
    ),
  );
});

describe('an activation', () => {
  const x = tensorOf('float32', [2, 8], [-9, -3, -2.5, -1, -0.5, 0, 0.1, 0.5, 1, 2, 3, 5, 6, 7, 20, -20]);
  const theirs: Record<string, (x: tf.Tensor) => tf.Tensor> = {
    relu: tf.relu,
    relu6: tf.relu6,
    elu: tf.elu,
    selu: tf.selu,
    leakyrelu: (v) => tf.leakyRelu(v, 0.2),
    sigmoid: tf.sigmoid,
    hard_sigmoid: (v) => tf.clipByValue(tf.add(tf.mul(v, 0.2), 0.5), 0, 1),
    tanh: tf.tanh,
    softplus: tf.softplus,
    softsign: (v) => tf.div(v, tf.add(tf.abs(v), 1)),
    softmax: (v) => tf.softmax(v),
    log_softmax: (v) => tf.logSoftmax(v),
    gelu: (v) => tf.mul(tf.mul(v, 0.5), tf.add(tf.erf(tf.div(v, Math.SQRT2)), 1)),
    mish: (v) => tf.mul(v, tf.tanh(tf.softplus(v))),
    swish: (v) => tf.mul(v, tf.sigmoid(v)),
    linear: (v) => v,
  };
  check(
    Object.entries(theirs).map(([name, f]) => ({
      name,
      x,
      ours: (e, v) => emit.activation(e, name, v),
      theirs: f,
    })),
  );
  it('that is not known is refused, with the node', () => {
    const e = emit.createEmitter(createModel(), tfjsOperatorForm).at('Dense', 'head');
    const v = createValue(e.model.names, 'x', tensorType('float32', [1]));
    expect(() => emit.activation(e, 'cubed', v)).toThrow(
      expect.objectContaining({ code: 'TFJS_OPERATOR_FORM', message: expect.stringContaining('"head"') }),
    );
  });
});

describe('a resize', () => {
  const flags = [{}, { alignCorners: true }, { halfPixelCenters: true }];
  check(
    (['bilinear', 'nearest'] as const).flatMap((method) =>
      flags.flatMap((flag) =>
        [
          [10, 8],
          [3, 2],
          [7, 9],
          [1, 1],
        ].flatMap(([h, w]) =>
          [false, true].map((open) => ({
            name: `${method} ${JSON.stringify(flag)} to ${h}×${w}${open ? ', open sizes' : ''}`,
            open,
            x: normalTensor([2, 5, 4, 3], 1),
            ours: (e: emit.Emitter, x: Value) => emit.resize(e, x, e.integers(h!, w!), { method, ...flag }),
            theirs: (x: tf.Tensor) =>
              tf.image[method === 'bilinear' ? 'resizeBilinear' : 'resizeNearestNeighbor'](
                x as tf.Tensor4D,
                [h!, w!],
                'alignCorners' in flag,
                'halfPixelCenters' in flag,
              ),
          })),
        ),
      ),
    ),
  );
});

describe('mirrored padding', () => {
  check(
    (['reflect', 'symmetric'] as const).flatMap((mode) =>
      [
        [
          [1, 2],
          [0, 3],
        ],
        [
          [0, 0],
          [2, 0],
        ],
      ].map((pads) => ({
        name: `${mode} ${JSON.stringify(pads)}`,
        x: normalTensor([4, 5], 1),
        ours: (e: emit.Emitter, x: Value) => emit.mirrorPad(e, x, pads as [number, number][], mode),
        theirs: (x: tf.Tensor) => tf.mirrorPad(x, pads as [number, number][], mode),
      })),
    ),
  );
});

describe('batch normalisation', () => {
  check(
    [
      [2, 3, 4, 5],
      [3, 5],
      [2, 4, 5],
    ].map((dims) => ({
      name: `of rank ${dims.length}`,
      x: normalTensor(dims, 1),
      weights: [
        normalTensor([5], 2),
        normalTensor([5], 3),
        normalTensor([5], 4),
        tensorOf('float32', [5], [0.5, 1, 2, 3, 4]),
      ],
      ours: (e: emit.Emitter, x: Value, ...[scale, offset, mean, variance]: Value[]) =>
        emit.batchNormalization(e, x, {
          scale: scale!,
          offset: offset!,
          mean: mean!,
          variance: variance!,
          epsilon: 1e-3,
        }),
      theirs: (x: tf.Tensor, ...[scale, offset, mean, variance]: tf.Tensor[]) =>
        tf.batchNorm(
          x,
          mean as tf.Tensor1D,
          variance as tf.Tensor1D,
          offset as tf.Tensor1D,
          scale as tf.Tensor1D,
          1e-3,
        ),
    })),
  );
});

describe('arithmetic of whole numbers', () => {
  const x = tensorOf('int32', [6], [-7, 7, -6, 6, 0, 5]);
  const divisor = tensorOf('int32', [6], [2, -2, 3, -3, 4, 5]);
  check([
    {
      name: 'divides downwards',
      x,
      weights: [divisor],
      ours: (e, a, b) => emit.divide(e, a, b!),
      theirs: (a, b) => tf.div(a, b!),
    },
    {
      name: 'gives remainders the sign of the divisor',
      x,
      weights: [divisor],
      ours: (e, a, b) => emit.floorModulo(e, a, b!),
      theirs: (a, b) => tf.mod(a, b!),
    },
    {
      name: 'gives remainders of floats the sign of the divisor',
      x: tensorOf('float32', [6], [-7.5, 7.5, -6, 6, 0, 5]),
      weights: [tensorOf('float32', [6], [2, -2, 3, -3, 4, 5])],
      ours: (e, a, b) => emit.floorModulo(e, a, b!),
      theirs: (a, b) => tf.mod(a, b!),
    },
  ]);
});

describe('constants and shapes', () => {
  it('leave no node where sizes are numbers', () => {
    const model = createModel();
    const x = addInput(model.graph, createValue(model.names, 'x', tensorType('float32', [2, 3, 4]), true));
    const e = emit.createEmitter(model, tfjsOperatorForm).at('Test', 'node');
    const size = emit.sizeOfAxis(e, x, 1);
    emit.reshape(e, x, emit.concat(e, [size, e.integers(-1)], 0));
    expect(model.graph.nodes.map((n) => n.opType)).toEqual(['Reshape']);
    expect(e.shape(model.graph.nodes[0]!.outputs[0]!)).toEqual([3, 8]);
  });
  it('join transposes that follow one another', () => {
    const model = createModel();
    const x = addInput(model.graph, createValue(model.names, 'x', tensorType('float32', [1, 2, 3, 4]), true));
    const e = emit.createEmitter(model, tfjsOperatorForm).at('Test', 'node');
    expect(emit.toChannelsLast(e, emit.toChannelsFirst(e, x))).toBe(x);
  });
});
