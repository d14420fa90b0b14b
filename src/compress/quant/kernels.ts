/** Which integer kernels are worth using on a target. The thresholds were measured with bench/int8-kernels.ts
 *  (onnxruntime-web 1.30, one thread, x86-64) and are made again by it.
 *  On wasm a static int8 convolution costs about 0.0235·K + 1.6 ns an output element (the constant requantises),
 *  float 0.062·K, with K = input channels a group × kernel elements: equal near K = 41. Behind a Relu or Clip about half
 *  of the outputs are cut off while requantising, which takes 2 to 4 ns more (by its dependence on the data, a branch that
 *  can't be predicted): equal near K = 100 for 3×3 kernels and small maps, near 160 for 1×1 on large ones. */
import { intAttribute } from '../../model/ir/attribute.ts';
import { type Graph, isOp, type Node, readers, shapeOf } from '../../model/ir/model.ts';
import type { Dim } from '../../model/ir/type.ts';
import { isDepthwise, traitOf } from '../../model/ops/quantization.ts';
import type { QuantDType } from '../../model/quantization/spec.ts';
import type { KernelAdvice } from './plan.ts';

export type TargetName = 'wasm' | 'webgpu' | 'node' | 'mobile';

export interface TargetFacts {
  readonly activation: QuantDType;
  /** uint8 with zero point 128 is exact on every CPU: x86 without VNNI saturates u8·s8 sums in 16 bits. */
  readonly weight: QuantDType;
  readonly advice: KernelAdvice;
}

const leastConvProducts = 48;
const leastClampedProducts = 100;
const leastMatrixProducts = 64;
const leastRows = 8;

const exists: KernelAdvice = (node) =>
  isOp(node, 'ConvTranspose') ? 'no-integer-kernel: onnxruntime has no int8 ConvTranspose' : null;

const wasm: KernelAdvice = (node) => {
  const missing = exists(node);
  if (missing) return missing;
  if (isOp(node, 'Conv')) return convOnWasm(node);
  if (isOp(node, 'LSTM')) return 'slower-on-wasm: the int8 LSTM runs at 0.6 to 0.7 times the speed of float';
  if (isOp(node, 'Gemm', 'MatMul')) return matrixOnWasm(node);
  return null;
};

function convOnWasm(node: Node): string | null {
  if (isDepthwise(node)) return 'slower-on-wasm: int8 depthwise runs at 0.2 to 0.6 times the speed of float';
  if (intAttribute(node, 'group', 1) > 1) return 'slower-on-wasm: int8 grouped convolution';
  const products = (shapeOf(node.inputs[1]) ?? [])
    .slice(1)
    .reduce<number>((n, d) => n * (typeof d === 'number' ? d : 1), 1);
  const least = isClamped(node) ? leastClampedProducts : leastConvProducts;
  return products < least
    ? `slower-on-wasm: few products an output (fewer than ${least}) don't pay for requantising`
    : null;
}

/** Whether a Relu or Clip alone reads it: the range then ends where that cuts off. */
function isClamped(node: Node): boolean {
  const output = node.outputs[0]!;
  const [reader] = readers(output);
  return output.uses.length === 1 && reader !== undefined && traitOf(reader)?.kind === 'clamp';
}

function matrixOnWasm(node: Node): string | null {
  const weight = shapeOf(node.inputs[1]);
  const inner = isOp(node, 'Gemm') && intAttribute(node, 'transB', 0) ? weight?.[1] : weight?.at(-2);
  if (typeof inner === 'number' && inner < leastMatrixProducts)
    return `slower-on-wasm: few products an output (fewer than ${leastMatrixProducts}) don't pay for requantising`;
  return rows(node) < leastRows
    ? `slower-on-wasm: int8 pays from ${leastRows} rows, and one sample has fewer`
    : null;
}

/** Rows of the left matrix for one sample: batch dimensions count 1, other unknown ones as many. */
function rows(node: Node): number {
  const shape = shapeOf(node.inputs[0]);
  if (!shape) return Number.POSITIVE_INFINITY;
  const batch = batchSymbols(node.graph);
  const size = (d: Dim) =>
    typeof d === 'number' ? d : d !== null && batch.has(d) ? 1 : Number.POSITIVE_INFINITY;
  return shape.slice(0, -1).reduce<number>((n, d) => n * size(d), 1);
}

/** Symbols that name the first dimension of a graph input with more than one. */
const batchSymbols = (graph: Graph): Set<Dim> =>
  new Set(graph.inputs.flatMap((v) => ((shapeOf(v)?.length ?? 0) > 1 ? [shapeOf(v)![0]!] : [])));

export const targetFacts: Readonly<Record<TargetName, TargetFacts>> = {
  wasm: { activation: 'uint8', weight: 'uint8', advice: wasm },
  node: { activation: 'uint8', weight: 'uint8', advice: exists },
  mobile: { activation: 'uint8', weight: 'int8', advice: exists },
  webgpu: {
    activation: 'uint8',
    weight: 'uint8',
    advice: () => 'no-integer-kernel: the WebGPU provider computes no products in int8',
  },
};
