/** Convolutions and products with weights. Weights have their outputs first: [out, …kernel, in]. */
import type { Value } from '../../../../ir/model.ts';
import type { Dim } from '../../../../ir/type.ts';
import {
  type ConvolutionOptions,
  convolution,
  convolve,
  convolveTransposed,
  type Emitter,
  matmul,
  reshape,
  transpose,
  transposedConvolution,
} from '../../../emit/index.ts';
import { dequantizeBias } from '../quantized.ts';
import {
  activated,
  flag,
  inputOf,
  int,
  type Operator,
  type OperatorCall,
  type OperatorTable,
  paddingOf,
  wordsOf,
} from './operator.ts';
import { unpadded } from './padded.ts';

/** [out], or null where there is none. */
function biasOf(call: OperatorCall, index: number): Value | null {
  const tensor = call.inputTensors[index];
  const stored = call.stored(index);
  return tensor && stored ? dequantizeBias(call.e, tensor, stored) : null;
}

const optionsOf = (call: OperatorCall, bias: number): ConvolutionOptions => ({
  strides: [int(call, 'strideH'), int(call, 'strideW')],
  dilations: [int(call, 'dilationHFactor', 1), int(call, 'dilationWFactor', 1)],
  padding: paddingOf(call),
  bias: biasOf(call, bias),
});

function convolvePadded(call: OperatorCall, given: Value, weight: Value, groups: number): Value {
  const options = optionsOf(call, 2);
  const { x, padding } = unpadded(call.e, given, options.padding);
  return convolve(call.e, x, weight, { ...options, padding, groups });
}

/** Channels of a value that must be a number. */
function channelsOf(e: Emitter, x: Value, axis: number): number {
  const size = e.sizes(x).at(axis);
  return typeof size === 'number' && size > 0 ? size : e.refuse('the number of its channels is not known');
}

/** Filter [out, kh, kw, in / groups]. */
const conv2d: Operator = (call) => {
  const { e } = call;
  const [x, filter] = [inputOf(call, 0), inputOf(call, 1)];
  const [channels, each] = [channelsOf(e, x, -1), channelsOf(e, filter, -1)];
  if (channels % each !== 0) e.refuse(`${channels} channels for a filter of ${each}`);
  const weight = transpose(e, filter, [0, 3, 1, 2]);
  return activated(call, convolvePadded(call, x, weight, channels / each));
};

/** Filter [1, kh, kw, in · multiplier]; the results of one channel stand together. */
const depthwise: Operator = (call) => {
  const { e } = call;
  const [x, filter] = [inputOf(call, 0), inputOf(call, 1)];
  const [channels, outputs] = [channelsOf(e, x, -1), channelsOf(e, filter, -1)];
  if (outputs % channels !== 0 || e.sizes(filter)[0] !== 1)
    e.refuse(`${channels} channels for a filter [${e.sizes(filter)}]`);
  const weight = transpose(e, filter, [3, 0, 1, 2]);
  return activated(call, convolvePadded(call, x, weight, channels));
};

/** Inputs: size of the result [4], filter [out, kh, kw, in], x, and maybe a bias. */
const transposeConv: Operator = (call) => {
  const { e } = call;
  const size: readonly Dim[] = e.data(inputOf(call, 0)) ?? [];
  const weight = transpose(e, inputOf(call, 1), [3, 0, 1, 2]);
  const y = convolveTransposed(e, inputOf(call, 2), weight, {
    strides: [int(call, 'strideH'), int(call, 'strideW')],
    padding: paddingOf(call),
    bias: biasOf(call, 3),
    outputSizes: size.length === 4 ? size.slice(1, 3) : undefined,
  });
  return activated(call, y);
};

/** Over volumes. Filter [kd, kh, kw, in / groups, out]. */
const conv3d: Operator = (call) => {
  const { e } = call;
  const [x, filter] = [inputOf(call, 0), inputOf(call, 1)];
  const [channels, each] = [channelsOf(e, x, -1), channelsOf(e, filter, -2)];
  if (channels % each !== 0) e.refuse(`${channels} channels for a filter of ${each}`);
  const y = convolution(e, x, filter, { ...volumeOf(call, 2), groups: channels / each });
  return activated(call, y);
};

const volumeOf = (call: OperatorCall, bias: number): ConvolutionOptions => ({
  strides: ['strideD', 'strideH', 'strideW'].map((name) => int(call, name)),
  dilations: ['dilationDFactor', 'dilationHFactor', 'dilationWFactor'].map((name) => int(call, name, 1)),
  padding: paddingOf(call),
  bias: biasOf(call, bias),
});

/** Inputs: size of the result [5], filter [kd, kh, kw, out, in], x, and maybe a bias. */
const conv3dTranspose: Operator = (call) => {
  const { e } = call;
  const size: readonly Dim[] = e.data(inputOf(call, 0)) ?? [];
  const y = transposedConvolution(e, inputOf(call, 2), inputOf(call, 1), {
    ...volumeOf(call, 3),
    outputSizes: size.length === 5 ? size.slice(1, 4) : undefined,
  });
  return activated(call, y);
};

/** Of MediaPipe: x, filter [out, kh, kw, in], bias. Its settings are TfLiteTransposeConvParams as they lie in memory:
 *  padding (1 SAME, 2 VALID), stride width, stride height, int32 each.
 *  Source: mediapipe/util/tflite/operations/transpose_conv_bias.cc. */
const transposeConvBias: Operator = (call) => {
  const { e } = call;
  const [padding, width, height] = wordsOf(call, 3) as [number, number, number];
  if (padding !== 1 && padding !== 2) e.refuse(`padding ${padding}`);
  const [x, filter] = [inputOf(call, 0), inputOf(call, 1)];
  const strides = [height, width];
  const pads = strides.map((stride, i) => {
    const [size, kernel] = [e.sizes(x)[1 + i], channelsOf(e, filter, 1 + i)];
    if (typeof size !== 'number' || !(stride > 0))
      return e.refuse(`strides [${strides}] over [${e.sizes(x)}]`);
    const total = padding === 2 ? 0 : Math.max(0, kernel - ((size - 1) % stride) - 1);
    return [Math.floor(total / 2), total - Math.floor(total / 2)] as const;
  });
  return convolveTransposed(e, x, transpose(e, filter, [3, 0, 1, 2]), {
    strides,
    padding: pads,
    bias: biasOf(call, 2),
  });
};

/** x · Wᵀ + b over the last axis of x, which is flattened to rows of W's length. W [out, in] → [rows, out], or x's axes with
 *  the last replaced. */
const fullyConnected: Operator = (call) => {
  const { e } = call;
  const [x, weight] = [inputOf(call, 0), inputOf(call, 1)];
  if (int(call, 'weightsFormat') !== 0) e.refuse('weights in a shuffled order');
  const length = channelsOf(e, weight, -1);
  const bias = biasOf(call, 2);
  const sizes = e.sizes(x);
  const keeps = flag(call, 'keepNumDims');
  if (keeps && sizes.at(-1) !== length) e.refuse(`rows of ${String(sizes.at(-1))} for weights of ${length}`);
  if (keeps && sizes.length !== 2)
    return activated(call, matmul(e, x, transpose(e, weight, [1, 0]), { bias }));
  const rows = sizes.length === 2 && sizes[1] === length ? x : reshape(e, x, [-1, length]);
  return activated(call, e.emit('Gemm', bias ? [rows, weight, bias] : [rows, weight], { transB: 1 }));
};

export const convolutionOperators: OperatorTable = {
  CONV_2D: conv2d,
  DEPTHWISE_CONV_2D: depthwise,
  TRANSPOSE_CONV: transposeConv,
  CONV_3D: conv3d,
  CONV_3D_TRANSPOSE: conv3dTranspose,
  Convolution2DTransposeBias: transposeConvBias,
  FULLY_CONNECTED: fullyConnected,
};
