/** Convolutions, fused ones too. TensorFlow's strides and dilations have four numbers (NHWC). */
import type { Value } from '../../../ir/model.ts';
import type { Dim } from '../../../ir/type.ts';
import { kernelSizes } from '../../emit/convolution.ts';
import {
  activation,
  type ConvolutionOptions,
  cast,
  convolution,
  depthwiseConvolution,
  type Emitter,
  type Padding,
  pad,
  slice,
  transposedConvolution,
} from '../../emit/index.ts';
import { samePadding } from '../../emit/padding.ts';
import { inputOf, type Operator, type OperatorCall, type OperatorTable } from './operator.ts';

type Write = (e: Emitter, x: Value, filter: Value, options: ConvolutionOptions) => Value;

/** What the attributes of a convolution over `axes` spatial axes say. */
function optionsOf(call: OperatorCall, axes: number): ConvolutionOptions {
  const { attributes } = call;
  const channelsFirst = attributes.text('data_format', 'NHWC').toUpperCase().startsWith('NC');
  const spatial = (numbers: readonly number[]) => numbers.slice(channelsFirst ? 2 : 1).slice(0, axes);
  const dilations = spatial(attributes.ints('dilations', []));
  return {
    strides: spatial(attributes.ints('strides', Array<number>(axes + 2).fill(1))),
    dilations: dilations.length === axes ? dilations : undefined,
    padding: paddingOf(call, channelsFirst),
    channelsFirst,
  };
}

/** SAME, VALID, or EXPLICIT with the numbers of all axes, those of batch and channels 0. */
export function paddingOf({ e, attributes }: OperatorCall, channelsFirst: boolean): Padding {
  const name = attributes.text('padding', 'VALID').toLowerCase();
  if (name === 'same' || name === 'valid') return name;
  if (name !== 'explicit') return e.refuse(`padding "${name}"`);
  const flat = attributes.ints('explicit_paddings', []);
  const all = Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i]!, flat[2 * i + 1]!] as const);
  return channelsFirst ? all.slice(2) : all.slice(1, -1);
}

const plain =
  (write: Write, axes: number): Operator =>
  (call) =>
    write(call.e, ...operands(call), optionsOf(call, axes));

const operands = (call: OperatorCall): [Value, Value] => [
  cast(call.e, inputOf(call, 0), 'float32'),
  inputOf(call, 1),
];

export interface Fusion {
  readonly bias: Value | null;
  /** Name of an activation, and the slopes of prelu. */
  readonly activation: string;
  readonly slope: Value | null;
  readonly alpha: number;
}

/** fused_ops: BiasAdd, then an activation; their tensors from input `first` on. */
export function fusionOf(call: OperatorCall, first: number): Fusion {
  const [extra, then = 'linear'] = call.attributes.texts('fused_ops').map((name) => name.toLowerCase());
  if (extra !== undefined && extra !== 'biasadd') call.e.refuse(`fused ${extra}`);
  const rest = call.inputs.slice(extra === undefined ? first : first + 1);
  return {
    bias: extra === undefined ? null : inputOf(call, first),
    activation: then,
    slope: rest[0] ?? null,
    alpha: call.attributes.float('leakyrelu_alpha', 0.2),
  };
}

const fused =
  (write: Write): Operator =>
  (call) => {
    const fusion = fusionOf(call, 2);
    const y = write(call.e, ...operands(call), { ...optionsOf(call, 2), bias: fusion.bias });
    return activation(call.e, fusion.activation, y, activationOptions(fusion));
  };

/** Only leakyrelu has a slope of its own here. */
export const activationOptions = ({ activation: name, slope, alpha }: Fusion) => ({
  slope,
  alpha: name === 'leakyrelu' ? alpha : undefined,
});

const conv1d: Operator = (call) => {
  const { attributes } = call;
  return convolution(call.e, ...operands(call), {
    strides: [attributes.int('stride', 1)],
    dilations: [attributes.int('dilation', 1)],
    padding: paddingOf(call, false),
  });
};

/** Inputs: size of the result [4], filter HWOI, x. */
const backpropInput: Operator = (call) => {
  const { e } = call;
  const size: readonly Dim[] = e.data(inputOf(call, 0)) ?? [];
  const { dilations: _, ...options } = optionsOf(call, 2);
  return transposedConvolution(e, cast(e, inputOf(call, 2), 'float32'), inputOf(call, 1), {
    ...options,
    channelsFirst: false,
    outputSizes: size.length === 4 ? size.slice(1, 3) : undefined,
  });
};

/** Grey-scale dilation: the largest of x + filter over a window; outside lies −∞. x NHWC, filter [kh, kw, channels]. */
const dilation2d: Operator = (call) => {
  const { e, attributes } = call;
  const [x, filter] = operands(call);
  const [rows, columns] = kernelSizes(e, filter) as [number, number];
  const strides = attributes.ints('strides', [1, 1, 1, 1]).slice(1, 3);
  const rates = attributes.ints('rates', [1, 1, 1, 1]).slice(1, 3);
  const sizes = e.sizes(x).slice(1, 3);
  const extents = [(rows - 1) * rates[0]! + 1, (columns - 1) * rates[1]! + 1];
  const pads = extents.map((extent, i) =>
    paddingOf(call, false) === 'same' ? samePadding(sizes[i]!, extent, strides[i]!) : [0, 0],
  );
  if (sizes.some((s) => typeof s !== 'number') || pads.some((p) => p === null))
    e.refuse('dilation over sizes that are not known');
  const all = [[0, 0], ...(pads as [number, number][]), [0, 0]] as [number, number][];
  if (!(rows * columns > 0 && rows * columns <= mostTaps))
    e.refuse(`a filter of ${rows} × ${columns} places`);
  const padded = pad(e, x, all, e.scalar('float32', Number.NEGATIVE_INFINITY));
  const counts = extents.map((extent, i) =>
    Math.floor(((sizes[i] as number) + pads[i]![0] + pads[i]![1] - extent) / strides[i]!),
  );
  const taps = Array.from({ length: rows * columns }, (_, at) => {
    const [row, column] = [Math.floor(at / columns), at % columns];
    const starts = [row * rates[0]!, column * rates[1]!];
    const ends = starts.map((start, i) => start + counts[i]! * strides[i]! + 1);
    const places = e.emit('Slice', [
      padded,
      e.integers(...starts),
      e.integers(...ends),
      e.integers(1, 2),
      e.integers(...strides),
    ]);
    return e.emit('Add', [places, slice(e, slice(e, filter, 0, row, row + 1), 1, column, column + 1)]);
  });
  return e.emit('Max', taps);
};

/** Each place of a filter is a node. */
const mostTaps = 1 << 12;

export const convolutionOperators: OperatorTable = {
  Conv1D: conv1d,
  Conv2D: plain(convolution, 2),
  _FusedConv2D: fused(convolution),
  Conv2DBackpropInput: backpropInput,
  Conv2dTranspose: backpropInput,
  DepthwiseConv2d: plain(depthwiseConvolution, 2),
  DepthwiseConv2dNative: plain(depthwiseConvolution, 2),
  FusedDepthwiseConv2dNative: fused(depthwiseConvolution),
  Conv3D: plain(convolution, 3),
  Dilation2D: dilation2d,
};
