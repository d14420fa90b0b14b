/** Groups of attributes with their defaults filled in. */
import { intAttribute, intsAttribute, textAttribute } from '../ir/attribute.ts';
import { type Node, shapeOf } from '../ir/model.ts';
import type { Dim, Shape } from '../ir/type.ts';
import { matrixOf } from './weights.ts';

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

/** Resolves kernel, strides, dilations, pads, group and auto_pad of Conv, ConvTranspose, the quantised forms and the
 *  pooling operators. `shapes` stands in for the types of the values while those are being inferred.
 *  @returns null when the kernel size is not known */
export function convGeometry(
  node: Node,
  shapes: { input?: Shape | null; weight?: Shape | null } = {},
): ConvGeometry | null {
  const weight = shapes.weight ?? kernelShape(node);
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

/** Shape of the kernel that a convolution reads; null for poolings. */
function kernelShape(node: Node): Shape | null {
  const kernel = matrixOf(node);
  return kernel && shapeOf(node.inputs[kernel.index]);
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
