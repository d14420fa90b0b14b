/** Kinds of products, by what decides whether an integer kernel is faster than the float one: what is measured is remembered by kind. */
import { isOp, type Node, readers, shapeOf } from '../../model/ir/model.ts';
import { integerProduct, isDepthwise, traitOf } from '../../model/ops/quantization.ts';
import type { NodeWeight } from '../../model/ops/weights.ts';

/** Products an output: 27 and 24 are one kind, 27 and 144 are not. */
const steps = [0, 16, 32, 64, 128] as const;

/** "Conv 128+ clamped", "Conv depthwise 0-15", "Gemm 64-127"; null for what is no product. */
export function kernelKind(node: Node): string | null {
  const product = integerProduct(node);
  if (!product) return null;
  const form = isDepthwise(product) ? ' depthwise' : (product.layout?.groups ?? 1) > 1 ? ' grouped' : '';
  return `${node.opType}${form} ${bucket(productsAnOutput(product))}${isClamped(node) ? ' clamped' : ''}`;
}

function bucket(products: number): string {
  const at = steps.findLastIndex((step) => products >= step);
  const next = steps[at + 1];
  return next === undefined ? `${steps[at]}+` : `${steps[at]}-${next - 1}`;
}

/** Sizes of the axes that are summed over, multiplied; those that are open count 1. */
export function productsAnOutput({ node, index, layout }: NodeWeight): number {
  const shape = shapeOf(node.inputs[index]);
  const sizes = (layout?.reduced ?? []).map((axis) => shape?.[axis]);
  return sizes.reduce<number>((n, d) => n * (typeof d === 'number' ? d : 1), 1);
}

/** Whether a Relu or Clip alone reads it: the range then ends where that cuts off. */
export function isClamped(node: Node): boolean {
  const output = node.outputs[0]!;
  const [reader] = readers(output);
  return output.uses.length === 1 && reader !== undefined && traitOf(reader)?.kind === 'clamp';
}

/** Kinds in which there is nothing to choose: no kernel, or recurrent ones, which are measured in other ways. */
export const isChoice = (node: Node): boolean => isOp(node, 'Conv', 'MatMul', 'Gemm');
