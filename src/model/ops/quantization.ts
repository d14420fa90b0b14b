/** How each op that holds no weight behaves under quantisation: one row an op. Products are found in the weights table
 *  (weights.ts), by what their weight can become; what is in neither stays in float.
 *  Sources: ONNX operator specs; onnxruntime's QDQ selectors (which DQ → op → Q groups have an integer kernel). */
import { constantOf, isOp, type Node, opKey, shapeOf } from '../ir/model.ts';
import { rulesOf } from './operators.ts';
import type { QuantizationTrait } from './types.ts';
import { type NodeWeight, weightsOf } from './weights.ts';

const sameAsInput: QuantizationTrait = { kind: 'same-as-input' };
const elementwise: QuantizationTrait = { kind: 'elementwise' };
const clamp: QuantizationTrait = { kind: 'clamp' };

export const quantizationTraits: ReadonlyMap<string, QuantizationTrait> = new Map<string, QuantizationTrait>([
  ...Object.entries(rulesOf('quantization')),
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

/** The weight of a product that has an integer kernel, be it constant or not; null: there is no such kernel. */
export function integerProduct(node: Node): NodeWeight | null {
  const found = weightsOf(node, 'int8-static');
  return found.kind === 'known' ? (found.weights[0] ?? null) : null;
}

/** Integer kernels that exist only where the output is quantised as well. */
export const needsQuantizedOutput = (node: Node) => isOp(node, 'Conv');

/** Groups of a convolution equal to its input channels: each filter sees one channel. */
export const isDepthwise = ({ node, index, layout }: NodeWeight): boolean =>
  (layout?.groups ?? 1) > 1 && shapeOf(node.inputs[index])?.[1] === 1;

/** Interval that a clamp op lets through; null when a bound is computed at run time. */
export function clampInterval(node: Node): [number, number] | null {
  if (isOp(node, 'Relu')) return [0, Number.POSITIVE_INFINITY];
  if (!isOp(node, 'Clip')) return null;
  const bound = (index: number, name: string, open: number): number | null => {
    const value = node.inputs[index];
    if (value) {
      const t = constantOf(value);
      return t && t.dtype === 'float32'
        ? new DataView(new Uint8Array(t.bytes()).buffer).getFloat32(0, true)
        : null;
    }
    const a = node.attributes.get(name);
    return a?.type === 'float' ? a.value : open;
  };
  const low = bound(1, 'min', Number.NEGATIVE_INFINITY);
  const high = bound(2, 'max', Number.POSITIVE_INFINITY);
  return low === null || high === null ? null : [low, high];
}
