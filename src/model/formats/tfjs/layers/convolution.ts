/** Convolutions of one to three spatial axes.
 *  Source: keras src/layers/convolutional; tfjs-layers src/layers/convolutional.ts, convolutional_depthwise.ts. */
import type { Value } from '../../../ir/model.ts';
import type { Dim } from '../../../ir/type.ts';
import { add, multiply } from '../../../ops/dims.ts';
import {
  cast,
  convolution,
  depthwiseConvolution,
  type Padding,
  reshape,
  transposedConvolution,
} from '../../emit/index.ts';
import { channelsFirst, count, flag, oneOf, sizes, whole } from './config.ts';
import { activated, classes, fixed, type LayerCall, type LayerTable } from './layer.ts';

interface Geometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly padding: Padding;
  readonly isFirst: boolean;
  /** Channels of the input. */
  readonly inputs: number;
}

/** @param rank  spatial axes */
export function geometryOf(call: LayerCall, rank: number): Geometry {
  const { e, x, config } = call;
  if (e.rank(x) !== rank + 2) config.fail(`its input has ${e.rank(x)} axes, not ${rank + 2}`);
  const isFirst = channelsFirst(config);
  const ones = Array.from({ length: rank }, () => 1);
  const kernel = config.read('kernel_size', sizes(rank));
  const dilations = config.read('dilation_rate', sizes(rank), ones);
  const padding = config.read('padding', oneOf('valid', 'same', 'causal'), 'valid');
  return {
    kernel,
    dilations,
    strides: config.read('strides', sizes(rank), ones),
    // Causal: no output sees what comes later.
    padding: padding === 'causal' ? kernel.map((k, i) => [(k - 1) * dilations[i]!, 0] as const) : padding,
    isFirst,
    inputs: fixed(call, e.sizes(x).at(isFirst ? 1 : -1), 'the number of channels'),
  };
}

const biasOf = (call: LayerCall, outputs: number): Value | null =>
  call.config.read('use_bias', flag, true) ? call.weight('bias', [outputs]) : null;

const plain =
  (rank: number) =>
  (call: LayerCall): Value => {
    const { kernel, inputs, isFirst, ...window } = geometryOf(call, rank);
    const filters = call.config.read('filters', count);
    const groups = call.config.read('groups', count, 1);
    if (inputs % groups !== 0) call.config.fail(`${inputs} channels in ${groups} groups`);
    const filter = call.weight('kernel', [...kernel, inputs / groups, filters]);
    const options = { ...window, groups, bias: biasOf(call, filters), channelsFirst: isFirst };
    return activated(call, convolution(call.e, cast(call.e, call.x, 'float32'), filter, options));
  };

const depthwiseKernel = ['depthwise_kernel', 'kernel'];

/** The last axis of the kernel: TensorFlow.js forgets to write the setting of separable convolutions. */
const multiplierOf = (call: LayerCall, kernel: readonly number[]) =>
  call.config.has('depth_multiplier')
    ? call.config.read('depth_multiplier', count)
    : call.tensor(depthwiseKernel, [...kernel, null]).dims.at(-1)!;

/** Each channel by itself, `depth_multiplier` results of each. Of one axis: as of a picture one cell high. */
function depthwise(call: LayerCall, rank: number, x: Value, bias: (outputs: number) => Value | null): Value {
  const { e } = call;
  const { kernel, inputs, isFirst, ...window } = geometryOf(call, rank);
  const multiplier = multiplierOf(call, [...kernel, inputs]);
  const filter = call.weight(depthwiseKernel, [...kernel, inputs, multiplier]);
  const options = { ...window, bias: bias(inputs * multiplier), channelsFirst: isFirst };
  if (rank === 2) return depthwiseConvolution(e, x, filter, options);
  const weight = reshape(e, filter, [...kernel, 1, inputs * multiplier]);
  return convolution(e, x, weight, { ...options, groups: inputs });
}

/** A depthwise convolution, then one of single cells over all channels. */
function separable(call: LayerCall, rank: number): Value {
  const { e, config } = call;
  const { kernel, inputs, isFirst } = geometryOf(call, rank);
  const filters = config.read('filters', count);
  const channels = inputs * multiplierOf(call, [...kernel, inputs]);
  const ones = Array.from({ length: rank }, () => 1);
  const between = depthwise(call, rank, call.x, () => null);
  const filter = call.weight('pointwise_kernel', [...ones, channels, filters]);
  const options = {
    strides: ones,
    padding: 'valid',
    bias: biasOf(call, filters),
    channelsFirst: isFirst,
  } as const;
  return activated(call, convolution(e, between, filter, options));
}

const transposed =
  (rank: number) =>
  (call: LayerCall): Value => {
    const { e, x, config } = call;
    const { kernel, inputs, isFirst, strides, dilations, padding } = geometryOf(call, rank);
    const filters = config.read('filters', count);
    const filter = call.weight('kernel', [...kernel, filters, inputs]);
    const extents = kernel.map((k, i) => (k - 1) * dilations[i]! + 1);
    const outputSizes = config.has('output_padding')
      ? paddedSizes(call, spatial(call, isFirst), extents, strides, padding === 'same')
      : undefined;
    const options = {
      strides,
      dilations,
      padding,
      outputSizes,
      bias: biasOf(call, filters),
      channelsFirst: isFirst,
    };
    return activated(call, transposedConvolution(e, x, filter, options));
  };

const spatial = ({ e, x }: LayerCall, isFirst: boolean): readonly Dim[] =>
  isFirst ? e.sizes(x).slice(2) : e.sizes(x).slice(1, -1);

/** (size − 1) · stride + kernel − 2 · padding + output_padding, where 'same' pads by half a kernel. */
function paddedSizes(
  { config }: LayerCall,
  from: readonly Dim[],
  extents: readonly number[],
  strides: readonly number[],
  isSame: boolean,
): Dim[] {
  const extra = [config.read('output_padding', whole.or(whole.array()))].flat();
  return from.map((size, i) => {
    const rest = extents[i]! - (isSame ? 2 * Math.floor(extents[i]! / 2) : 0) + (extra[i] ?? extra[0]!);
    return add(multiply(add(size, -1), strides[i]!), rest);
  });
}

const ranks = [1, 2, 3] as const;
const names = (pattern: string, rank: number) => pattern.replaceAll('*', String(rank));

export const convolutionLayers: LayerTable = Object.assign(
  {},
  ...ranks.map((rank) => ({
    ...classes(names('Conv*D Convolution*D', rank), { write: plain(rank) }),
    ...classes(names('Conv*DTranspose Convolution*DTranspose', rank), { write: transposed(rank) }),
  })),
  ...([1, 2] as const).map((rank) => ({
    [`SeparableConv${rank}D`]: { write: (call: LayerCall) => separable(call, rank) },
    [`DepthwiseConv${rank}D`]: {
      write: (call: LayerCall) =>
        activated(
          call,
          depthwise(call, rank, call.x, (outputs) => biasOf(call, outputs)),
        ),
    },
  })),
);
