/** Which integer kernels are worth using on a target. The thresholds were measured with bench/int8-kernels.ts
 *  (onnxruntime-web 1.30, one thread, x86-64) and are made again by it.
 *  On wasm a static int8 convolution costs about 0.0235·K + 1.6 ns an output element (the constant requantises),
 *  float 0.062·K, with K = input channels a group × kernel elements: equal near K = 41. Behind a Relu or Clip about half
 *  of the outputs are cut off while requantising, which takes 2 to 4 ns more (by its dependence on the data, a branch that
 *  can't be predicted): equal near K = 100 for 3×3 kernels and small maps, near 160 for 1×1 on large ones. */
import { isOp, type Node, opKey } from '../../model/ir/model.ts';
import { integerProduct, isDepthwise, needsQuantizedOutput, traitOf } from '../../model/ops/quantization.ts';
import type { QuantizationTrait } from '../../model/ops/types.ts';
import type { NodeWeight } from '../../model/ops/weights.ts';
import type { QuantDType, WeightDType } from '../../model/quantization/spec.ts';
import type { TargetName } from '../../support/target.ts';
import { isChoice, isClamped, kernelKind, productsAnOutput } from './kernel-kinds.ts';
import { litertKernels } from './litert-kernels.ts';
import { padsZeros, staysInRange } from './moves.ts';
import type { IntegerKernels, KernelAdvice } from './plan.ts';
import { rows } from './rows.ts';

interface TargetFacts {
  readonly activation: QuantDType;
  /** uint8 with zero point 128 is exact on every processor, but natively runs at half the speed of int8. */
  readonly weight: QuantDType;
  /** Some processors that it runs on add two products of uint8 and int8 in 16 bits: x86 without VNNI. */
  readonly addsIn16Bits: boolean;
  /** Where ranges are calibrated. */
  readonly kernels: IntegerKernels;
  /** Of products whose ranges are found while running. */
  readonly dynamic: KernelAdvice;
}

/** Beside those of traitOf: operators that onnxruntime has QDQ groups for, and those that only move values, which cost less between
 *  integers than what follows them would in floats. */
const onnxruntimeTraits: Readonly<Record<string, QuantizationTrait>> = {
  Mul: { kind: 'elementwise' },
  LeakyRelu: { kind: 'elementwise' },
  Sigmoid: { kind: 'fixed', range: [0, 255 / 256] },
  Slice: { kind: 'same-as-input' },
  Split: { kind: 'same-as-input' },
};

function onnxruntimeTrait(node: Node): QuantizationTrait | undefined {
  const moved: QuantizationTrait = { kind: 'same-as-input' };
  if (isOp(node, 'Pad')) return padsZeros(node) ? moved : undefined;
  if (isOp(node, 'Resize')) return staysInRange(node) ? moved : undefined;
  const key = opKey(node);
  return traitOf(node) ?? (Object.hasOwn(onnxruntimeTraits, key) ? onnxruntimeTraits[key] : undefined);
}

export const onnxruntimeKernels = (advice: KernelAdvice): IntegerKernels => ({
  advice,
  trait: onnxruntimeTrait,
  scalesResult: needsQuantizedOutput,
});

const leastConvProducts = 48;
const leastClampedProducts = 100;
const leastMatrixProducts = 64;
const leastRows = 8;

const exists: KernelAdvice = (node) =>
  isOp(node, 'ConvTranspose') ? 'no-integer-kernel: onnxruntime has no int8 ConvTranspose' : null;

const wasm: KernelAdvice = (node) => {
  const missing = exists(node);
  if (missing) return missing;
  if (isOp(node, 'LSTM')) return 'slower-on-wasm: the int8 LSTM runs at 0.6 to 0.7 times the speed of float';
  const product = integerProduct(node);
  if (!product) return null;
  return isOp(node, 'Conv') ? convOnWasm(product) : matrixOnWasm(product);
};

function convOnWasm(weight: NodeWeight): string | null {
  if (isDepthwise(weight))
    return 'slower-on-wasm: int8 depthwise runs at 0.2 to 0.6 times the speed of float';
  if ((weight.layout?.groups ?? 1) > 1) return 'slower-on-wasm: int8 grouped convolution';
  const least = isClamped(weight.node) ? leastClampedProducts : leastConvProducts;
  return productsAnOutput(weight) < least ? fewProducts(least) : null;
}

const fewProducts = (least: number) =>
  `slower-on-wasm: few products an output (fewer than ${least}) don't pay for requantising`;

function matrixOnWasm(weight: NodeWeight): string | null {
  if (weight.layout && productsAnOutput(weight) < leastMatrixProducts)
    return fewProducts(leastMatrixProducts);
  return rows(weight) < leastRows
    ? `slower-on-wasm: int8 pays from ${leastRows} rows, and one sample has fewer`
    : null;
}

/** A target's advice, with what was measured in place of the table.
 *  @param faster  by kind: whether int8 is the faster one */
export function measuredKernels(
  kernels: IntegerKernels,
  faster: Readonly<Record<string, boolean>>,
  target: TargetName,
): IntegerKernels {
  const advice: KernelAdvice = (node) => {
    const kind = isChoice(node) ? kernelKind(node) : null;
    if (kind === null || !Object.hasOwn(faster, kind)) return kernels.advice(node);
    return faster[kind] ? null : `slower-on-${target}: measured for this model`;
  };
  return { ...kernels, advice };
}

const onWebGpu: KernelAdvice = () => 'no-integer-kernel: the WebGPU provider computes no products in int8';

export const targetFacts: Readonly<Record<TargetName, TargetFacts>> = {
  wasm: {
    activation: 'uint8',
    weight: 'uint8',
    addsIn16Bits: false,
    kernels: onnxruntimeKernels(wasm),
    dynamic: wasm,
  },
  node: {
    activation: 'uint8',
    weight: 'int8',
    addsIn16Bits: true,
    kernels: onnxruntimeKernels(exists),
    dynamic: exists,
  },
  mobile: {
    activation: 'uint8',
    weight: 'int8',
    addsIn16Bits: false,
    kernels: onnxruntimeKernels(exists),
    dynamic: exists,
  },
  litert: {
    activation: 'uint8',
    weight: 'int8',
    addsIn16Bits: false,
    kernels: litertKernels,
    dynamic: litertKernels.dynamic,
  },
  webgpu: {
    activation: 'uint8',
    weight: 'uint8',
    addsIn16Bits: false,
    kernels: onnxruntimeKernels(onWebGpu),
    dynamic: onWebGpu,
  },
};

/** Whether a target's weights must keep their sums of two within 16 bits. */
export const addsInPairs = (target: TargetName, weight: WeightDType): boolean =>
  weight === 'int8' && targetFacts[target].addsIn16Bits;

/** Why neither way of computing in int8 pays on a target; null where one does. */
export const eitherAdvice =
  (target: TargetName): KernelAdvice =>
  (node) =>
    targetFacts[target].dynamic(node) === null ? null : targetFacts[target].kernels.advice(node);
