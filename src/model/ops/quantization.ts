/** How each op behaves under quantisation: one row an op. What has no row stays in float.
 *  Sources: ONNX operator specs; onnxruntime's QDQ selectors (which DQ → op → Q groups have an integer kernel). */
import { intAttribute } from '../ir/attribute.ts';
import { constantOf, isOp, type Node, opKey, shapeOf } from '../ir/model.ts';

export type QuantizationTrait =
  /** A matrix product with a constant weight: `axis` of the weight is the output channel. */
  | {
      readonly kind: 'product';
      readonly activation: number;
      readonly weight: number;
      readonly bias: number | null;
      axis(node: Node, rank: number): number;
      /** The integer kernel exists only when the output is quantised as well. */
      readonly needsQuantizedOutput: boolean;
    }
  /** Two activations are multiplied (attention scores). */
  | { readonly kind: 'activation-product' }
  /** Values only move: output and first input share one scale. */
  | { readonly kind: 'same-as-input' }
  /** All inputs share the output's scale. */
  | { readonly kind: 'same-as-output' }
  /** Own output scale; integer kernel when all inputs and the output are quantised. */
  | { readonly kind: 'elementwise' }
  /** max(x, 0) or a clamp: folded into the range of what follows where that is exact. */
  | { readonly kind: 'clamp' };

const sameAsInput: QuantizationTrait = { kind: 'same-as-input' };
const elementwise: QuantizationTrait = { kind: 'elementwise' };
const clamp: QuantizationTrait = { kind: 'clamp' };

const conv: QuantizationTrait = {
  kind: 'product',
  activation: 0,
  weight: 1,
  bias: 2,
  axis: () => 0,
  needsQuantizedOutput: true,
};

export const quantizationTraits: ReadonlyMap<string, QuantizationTrait> = new Map<string, QuantizationTrait>([
  ['Conv', conv],
  [
    'Gemm',
    {
      kind: 'product',
      activation: 0,
      weight: 1,
      bias: 2,
      axis: (node) => (intAttribute(node, 'transB', 0) ? 0 : 1),
      needsQuantizedOutput: false,
    },
  ],
  [
    'MatMul',
    {
      kind: 'product',
      activation: 0,
      weight: 1,
      bias: null,
      axis: (_, rank) => rank - 1,
      needsQuantizedOutput: false,
    },
  ],
  ['Reshape', sameAsInput],
  ['Flatten', sameAsInput],
  ['Squeeze', sameAsInput],
  ['Unsqueeze', sameAsInput],
  ['Transpose', sameAsInput],
  ['MaxPool', sameAsInput],
  ['DepthToSpace', sameAsInput],
  ['SpaceToDepth', sameAsInput],
  ['Concat', { kind: 'same-as-output' }],
  ['Add', elementwise],
  ['AveragePool', elementwise],
  ['GlobalAveragePool', elementwise],
  ['Relu', clamp],
  ['Clip', clamp],
]);

export const traitOf = (node: Node) => quantizationTraits.get(opKey(node));

/** Groups of a convolution equal to its input channels: each filter sees one channel. */
export function isDepthwise(node: Node): boolean {
  const group = intAttribute(node, 'group', 1);
  const weight = shapeOf(node.inputs[1]);
  return isOp(node, 'Conv', 'ConvTranspose') && group > 1 && weight?.[1] === 1;
}

/** Interval that a clamp op lets through; null when a bound is computed at run time. */
export function clampInterval(node: Node): [number, number] | null {
  if (isOp(node, 'Relu')) return [0, Number.POSITIVE_INFINITY];
  if (!isOp(node, 'Clip')) return null;
  const bound = (index: number, name: string, open: number): number | null => {
    const value = node.inputs[index];
    if (value) {
      const t = constantOf(value);
      return t && t.dtype === 'float32' ? new DataView(t.bytes().slice().buffer).getFloat32(0, true) : null;
    }
    const a = node.attributes.get(name);
    return a?.type === 'float' ? a.value : open;
  };
  const low = bound(1, 'min', Number.NEGATIVE_INFINITY);
  const high = bound(2, 'max', Number.POSITIVE_INFINITY);
  return low === null || high === null ? null : [low, high];
}
