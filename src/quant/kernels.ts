/** Which integer kernels are worth using on a target: measured facts, made again by bench/int8-kernels.ts. */
import { intAttribute } from '../ir/attribute.ts';
import { isOp, type Node, shapeOf } from '../ir/model.ts';
import { isDepthwise } from '../ops/quantization.ts';
import type { KernelAdvice } from './plan.ts';
import type { QuantDType } from './spec.ts';

export type TargetName = 'wasm' | 'webgpu' | 'node' | 'mobile';

export interface TargetFacts {
  readonly activation: QuantDType;
  /** uint8 with zero point 128 is exact on every CPU: x86 without VNNI saturates u8·s8 sums in 16 bits. */
  readonly weight: QuantDType;
  readonly advice: KernelAdvice;
}

const always: KernelAdvice = (node) =>
  isOp(node, 'ConvTranspose') ? 'no-integer-kernel: onnxruntime has no int8 ConvTranspose' : null;

const wasm: KernelAdvice = (node) => {
  const no = always(node);
  if (no) return no;
  if (!isOp(node, 'Conv')) return null;
  if (isDepthwise(node)) return 'slower-on-wasm: int8 depthwise convolution runs at half the speed of float';
  if (intAttribute(node, 'group', 1) > 1) return 'slower-on-wasm: int8 grouped convolution';
  return null;
};

export const targetFacts: Readonly<Record<TargetName, TargetFacts>> = {
  wasm: { activation: 'uint8', weight: 'uint8', advice: wasm },
  node: { activation: 'uint8', weight: 'uint8', advice: always },
  mobile: { activation: 'uint8', weight: 'int8', advice: always },
  webgpu: {
    activation: 'uint8',
    weight: 'uint8',
    advice: () => 'no-integer-kernel: the WebGPU provider has no int8 convolution or matrix product',
  },
};

export const weightShape = (node: Node) => shapeOf(node.inputs[1]);
