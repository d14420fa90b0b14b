/** Default attribute values where passes need them, and helpers that resolve groups of attributes. */
import { intAttribute, intsAttribute, textAttribute } from '../ir/attribute.ts';
import { type Node, opKey, shapeOf } from '../ir/model.ts';
import type { Dim, Shape } from '../ir/type.ts';

/** Number, list or text that an absent attribute stands for. 'since' tells from which opset on. */
interface Default {
  readonly since: number;
  readonly value: number | string | readonly number[];
}

const always = (value: Default['value']): Default[] => [{ since: 1, value }];

/** opKey → attribute → its defaults, newest first. Attributes whose default depends on the inputs are not here:
 *  see convGeometry, transposePermutation. */
const table: Readonly<Record<string, Readonly<Record<string, readonly Default[]>>>> = {
  ArgMax: { axis: always(0), keepdims: always(1), select_last_index: always(0) },
  ArgMin: { axis: always(0), keepdims: always(1), select_last_index: always(0) },
  AveragePool: { ceil_mode: always(0), count_include_pad: always(0), auto_pad: always('NOTSET') },
  BatchNormalization: {
    epsilon: always(1e-5),
    momentum: always(0.9),
    training_mode: always(0),
    spatial: always(1),
  },
  Celu: { alpha: always(1) },
  Concat: { axis: always(1) },
  Conv: { group: always(1), auto_pad: always('NOTSET') },
  ConvInteger: { group: always(1), auto_pad: always('NOTSET') },
  ConvTranspose: { group: always(1), auto_pad: always('NOTSET') },
  DequantizeLinear: { axis: always(1), block_size: always(0) },
  Dropout: { ratio: always(0.5) },
  Elu: { alpha: always(1) },
  Flatten: { axis: always(1) },
  Gather: { axis: always(0) },
  GatherElements: { axis: always(0) },
  Gelu: { approximate: always('none') },
  Gemm: { alpha: always(1), beta: always(1), transA: always(0), transB: always(0) },
  GRU: { direction: always('forward'), layout: always(0), linear_before_reset: always(0) },
  GroupNormalization: { epsilon: always(1e-5) },
  HardSigmoid: { alpha: always(0.2), beta: always(0.5) },
  Hardmax: { axis: [{ since: 13, value: -1 }, ...always(1)] },
  InstanceNormalization: { epsilon: always(1e-5) },
  LayerNormalization: { axis: always(-1), epsilon: always(1e-5), stash_type: always(1) },
  LeakyRelu: { alpha: always(0.01) },
  LogSoftmax: { axis: [{ since: 13, value: -1 }, ...always(1)] },
  LpNormalization: { axis: always(-1), p: always(2) },
  LRN: { alpha: always(1e-4), beta: always(0.75), bias: always(1) },
  LSTM: { direction: always('forward'), layout: always(0), input_forget: always(0) },
  MaxPool: { ceil_mode: always(0), storage_order: always(0), auto_pad: always('NOTSET') },
  Mod: { fmod: always(0) },
  Pad: { mode: always('constant'), value: always(0) },
  QLinearConv: { group: always(1), auto_pad: always('NOTSET') },
  QuantizeLinear: { axis: always(1), block_size: always(0), saturate: always(1) },
  Resize: {
    mode: always('nearest'),
    coordinate_transformation_mode: always('half_pixel'),
    nearest_mode: always('round_prefer_floor'),
    cubic_coeff_a: always(-0.75),
    exclude_outside: always(0),
    extrapolation_value: always(0),
    antialias: always(0),
  },
  RMSNormalization: { axis: always(-1), epsilon: always(1e-5) },
  RNN: { direction: always('forward'), layout: always(0) },
  Selu: { alpha: always(1.6732632423543772), gamma: always(1.0507009873554805) },
  Shrink: { lambd: always(0.5), bias: always(0) },
  Softmax: { axis: [{ since: 13, value: -1 }, ...always(1)] },
  Split: { axis: always(0) },
  Swish: { alpha: always(1) },
  ThresholdedRelu: { alpha: always(1) },
  TopK: { axis: always(-1), largest: always(1), sorted: always(1) },
  Trilu: { upper: always(1) },
  'com.microsoft:FusedConv': { group: always(1), auto_pad: always('NOTSET') },
  'com.microsoft:FusedGemm': { alpha: always(1), beta: always(1), transA: always(0), transB: always(0) },
  'com.microsoft:FusedMatMul': { alpha: always(1), transA: always(0), transB: always(0) },
  'com.microsoft:MatMulNBits': { bits: always(4), accuracy_level: always(0) },
  'com.microsoft:SkipLayerNormalization': { epsilon: always(1e-12) },
  'com.microsoft:SkipSimplifiedLayerNormalization': { epsilon: always(1e-12) },
  SimplifiedLayerNormalization: { axis: always(-1), epsilon: always(1e-5), stash_type: always(1) },
};

/** Default of an operator's attribute at an opset, undefined when it has none (or depends on the inputs). */
export function attributeDefault(
  key: string,
  name: string,
  opset: number,
): number | string | readonly number[] | undefined {
  if (key.startsWith('Reduce') && name === 'keepdims') return 1;
  if (key.startsWith('Reduce') && name === 'noop_with_empty_axes') return 0;
  return table[key]?.[name]?.find((d) => opset >= d.since)?.value;
}

/** Permutation of a Transpose: its attribute, else the axes reversed; null while the rank is unknown. */
export function transposePermutation(node: Node, rank = shapeOf(node.inputs[0])?.length): number[] | null {
  const perm = intsAttribute(node, 'perm');
  if (perm) return perm;
  return rank === undefined ? null : Array.from({ length: rank }, (_, i) => rank - 1 - i);
}

/** Window of a convolution or pooling with every default filled in. Lists have one entry a spatial axis. */
export interface ConvGeometry {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Begin then end of every axis [2·n]; null for SAME padding over sizes that aren't numbers. */
  readonly pads: readonly number[] | null;
  readonly group: number;
  readonly autoPad: 'NOTSET' | 'SAME_UPPER' | 'SAME_LOWER' | 'VALID';
  readonly ceilMode: boolean;
  /** ConvTranspose only; zeros elsewhere. */
  readonly outputPadding: readonly number[];
  /** ConvTranspose only: the spatial output sizes asked for. */
  readonly outputShape: readonly number[] | null;
}

/** Position of the weight among the inputs of the convolutions. */
const weightInput: Readonly<Record<string, number>> = {
  Conv: 1,
  ConvTranspose: 1,
  ConvInteger: 1,
  DeformConv: 1,
  QLinearConv: 3,
  'com.microsoft:FusedConv': 1,
  'com.microsoft:NhwcFusedConv': 1,
  'com.microsoft:QLinearConvTranspose': 3,
};

/** Input that holds the weight of a convolution; undefined for other operators. */
export const convWeightInput = (node: Node): number | undefined => weightInput[opKey(node)];

/** Resolves kernel, strides, dilations, pads, group and auto_pad of Conv, ConvTranspose, the quantised forms and the
 *  pooling operators. `shapes` stands in for the types of the values while those are being inferred.
 *  @returns null when the kernel size is not known */
export function convGeometry(
  node: Node,
  shapes: { input?: Shape | null; weight?: Shape | null } = {},
): ConvGeometry | null {
  const at = convWeightInput(node);
  const weight = shapes.weight ?? (at === undefined ? null : shapeOf(node.inputs[at]));
  const kernel = intsAttribute(node, 'kernel_shape') ?? weight?.slice(2);
  if (!kernel?.every((k) => typeof k === 'number')) return null;
  const n = kernel.length;
  const list = (name: string, fallback: number) => intsAttribute(node, name, Array<number>(n).fill(fallback));
  const strides = list('strides', 1);
  const dilations = list('dilations', 1);
  const autoPad = textAttribute(node, 'auto_pad', 'NOTSET') as ConvGeometry['autoPad'];
  const spatial = (shapes.input ?? shapeOf(node.inputs[0]))?.slice(2);
  const same = () => samePads(node, kernel, strides, dilations, spatial, autoPad === 'SAME_LOWER');
  return {
    kernel,
    strides,
    dilations,
    pads:
      autoPad === 'NOTSET'
        ? intsAttribute(node, 'pads', zeros(2 * n))
        : autoPad === 'VALID'
          ? zeros(2 * n)
          : same(),
    group: intAttribute(node, 'group', 1),
    autoPad,
    ceilMode: intAttribute(node, 'ceil_mode', 0) !== 0,
    outputPadding: list('output_padding', 0),
    outputShape: intsAttribute(node, 'output_shape')?.slice(-n) ?? null,
  };
}

const zeros = (n: number) => Array<number>(n).fill(0);

/** Pads that make the output ⌈in/stride⌉ (in·stride for a transposed convolution); the odd one at the end, or at
 *  the beginning for SAME_LOWER. */
function samePads(
  node: Node,
  kernel: readonly number[],
  strides: readonly number[],
  dilations: readonly number[],
  spatial: readonly Dim[] | undefined,
  lower: boolean,
): number[] | null {
  const transposed = node.opType === 'ConvTranspose';
  if (!transposed && !spatial?.every((d) => typeof d === 'number')) return null;
  const totals = kernel.map((k, i) => {
    const extent = (k - 1) * dilations[i]! + 1;
    if (transposed) return Math.max(0, extent - strides[i]!);
    const size = spatial![i] as number;
    return Math.max(0, (Math.ceil(size / strides[i]!) - 1) * strides[i]! + extent - size);
  });
  const begin = totals.map((t) => (lower ? Math.ceil(t / 2) : Math.floor(t / 2)));
  return [...begin, ...totals.map((t, i) => t - begin[i]!)];
}
