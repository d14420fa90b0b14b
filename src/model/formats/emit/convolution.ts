/** Convolutions over channels-last values of one to three spatial axes. */
import { shapeOf, type Value } from '../../ir/model.ts';
import type { Dim } from '../../ir/type.ts';
import { constantBehind } from '../../ops/constant-behind.ts';
import { add, multiply, subtract } from '../../ops/dims.ts';
import type { Emitter } from './emitter.ts';
import { reshape, toChannelsFirst, toChannelsLast, transpose } from './movement.ts';
import { type Padding, spatialSizes, windowAttributes } from './padding.ts';

export interface ConvolutionOptions {
  /** One for each spatial axis. */
  readonly strides: readonly number[];
  readonly padding: Padding;
  readonly dilations?: readonly number[] | undefined;
  readonly groups?: number | undefined;
  /** [out] */
  readonly bias?: Value | null | undefined;
  /** x and the result are [batch, channels, …spatial]. */
  readonly channelsFirst?: boolean | undefined;
}

/** y = x ∗ filter + bias. x [batch, …spatial, in], filter […kernel, in / groups, out] → [batch, …spatial, out]. */
export function convolution(e: Emitter, x: Value, filter: Value, options: ConvolutionOptions): Value {
  const rank = e.rank(filter);
  const spatial = Array.from({ length: rank - 2 }, (_, i) => i);
  return convolve(e, x, transpose(e, filter, [rank - 1, rank - 2, ...spatial]), options);
}

/** Each channel by itself. x [batch, h, w, in], filter [kh, kw, in, multiplier] → [batch, h, w, in · multiplier]; the
 *  results of one channel stand together. */
export function depthwiseConvolution(
  e: Emitter,
  x: Value,
  filter: Value,
  options: ConvolutionOptions,
): Value {
  const [height, width, channels, multiplier] = kernelSizes(e, filter);
  const moved = transpose(e, filter, [2, 3, 0, 1]);
  const weight = reshape(e, moved, [channels! * multiplier!, 1, height!, width!]);
  return convolve(e, x, weight, { ...options, groups: channels! });
}

/** Sizes of a filter, which must be numbers. */
export function kernelSizes(e: Emitter, filter: Value): number[] {
  const sizes = e.sizes(filter);
  return sizes.every((d) => typeof d === 'number')
    ? (sizes as number[])
    : e.refuse('the size of its filter is not known');
}

/** The same with the weight as ONNX has it: [out, in / groups, …kernel]. */
export function convolve(e: Emitter, x: Value, weight: Value, options: ConvolutionOptions): Value {
  const { strides, padding, dilations, groups = 1, bias, channelsFirst } = options;
  const first = channelsFirst ? x : toChannelsFirst(e, x);
  const window = {
    kernel: kernelSizes(e, weight).slice(2),
    strides,
    padding,
    dilations,
  };
  const y = e.emit('Conv', withBias([first, weight], bias), {
    ...windowAttributes(e, window, spatialSizes(e, first)),
    group: groups === 1 ? undefined : groups,
  });
  const added = bias && !isBias(bias) ? addChannels(e, y, bias) : y;
  return channelsFirst ? added : toChannelsLast(e, added);
}

/** Whether ONNX takes it as a bias: a constant of rank 1, be it stored in fewer bits. */
const isBias = (bias: Value) => constantBehind(bias) !== null && shapeOf(bias)?.length === 1;

const withBias = (inputs: readonly Value[], bias: Value | null | undefined) =>
  bias && isBias(bias) ? [...inputs, bias] : inputs;

/** A bias that is computed, or not of rank 1: added along the channels of a channels-first value. */
function addChannels(e: Emitter, y: Value, bias: Value): Value {
  const shape = [
    -1,
    ...e
      .sizes(y)
      .slice(2)
      .map(() => 1),
  ];
  return e.emit('Add', [y, reshape(e, bias, shape)]);
}

export interface TransposedOptions extends ConvolutionOptions {
  /** Spatial sizes of the result; by default those that Keras gives: size · stride for 'same', and
   *  (size − 1) · stride + kernel for 'valid'. */
  readonly outputSizes?: readonly Dim[] | undefined;
}

/** The gradient of a convolution with respect to its input. x [batch, …spatial, in], filter […kernel, out, in]
 *  → [batch, …spatial, out]. Padding and size as of the convolution that makes x of the result. */
export function transposedConvolution(
  e: Emitter,
  x: Value,
  filter: Value,
  options: TransposedOptions,
): Value {
  const rank = e.rank(filter);
  const spatial = Array.from({ length: rank - 2 }, (_, i) => i);
  return convolveTransposed(e, x, transpose(e, filter, [rank - 1, rank - 2, ...spatial]), options);
}

/** The same with the weight as ONNX has it: [in, out, …kernel]. */
export function convolveTransposed(e: Emitter, x: Value, weight: Value, options: TransposedOptions): Value {
  const { strides, padding, dilations, bias, channelsFirst } = options;
  const first = channelsFirst ? x : toChannelsFirst(e, x);
  const sizes = spatialSizes(e, first);
  const kernel = kernelSizes(e, weight).slice(2);
  const extents = kernel.map((k, i) => (k - 1) * (dilations?.[i] ?? 1) + 1);
  const fits = extents.map((extent, i) =>
    fitTransposed(e, sizes[i]!, options.outputSizes?.[i] ?? null, extent, strides[i]!, padding, i),
  );
  const pads = [...fits.map((f) => f.before), ...fits.map((f) => f.after)];
  const extra = fits.map((f) => f.extra);
  const y = e.emit('ConvTranspose', withBias([first, weight], bias), {
    kernel_shape: kernel,
    strides,
    dilations: dilations?.some((d) => d !== 1) ? dilations : undefined,
    pads: pads.some((p) => p !== 0) ? pads : undefined,
    output_padding: extra.some((p) => p !== 0) ? extra : undefined,
  });
  const added = bias && !isBias(bias) ? addChannels(e, y, bias) : y;
  return channelsFirst ? added : toChannelsLast(e, added);
}

/** Padding of one axis: (size − 1)·stride + extent − before − after + extra is the output's size. */
function fitTransposed(
  e: Emitter,
  size: Dim,
  output: Dim,
  extent: number,
  stride: number,
  padding: Padding,
  axis: number,
) {
  const full = add(multiply(add(size, -1), stride), extent);
  if (padding !== 'same' && padding !== 'valid') {
    const [before, after] = padding[axis]!;
    const extra = output === null ? 0 : difference(output, add(full, -before - after));
    return extra === null ? e.refuse('its output size is not known') : { before, after, extra };
  }
  const usual = padding === 'same' ? multiply(size, stride) : add(full, Math.max(stride - extent, 0));
  const over = difference(full, output ?? usual);
  if (over === null) return e.refuse('its output size does not follow from its input size');
  if (padding === 'valid' && over > 0) e.refuse(`an output of ${String(output)} from ${String(size)}`);
  const total = Math.max(over, 0);
  const before = Math.floor(total / 2);
  return { before, after: total - before, extra: Math.max(-over, 0) };
}

/** a − b where it is a number. */
function difference(a: Dim, b: Dim): number | null {
  const over = subtract(a, b);
  return typeof over === 'number' ? over : null;
}
