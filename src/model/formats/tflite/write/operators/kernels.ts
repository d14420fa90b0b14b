/** Weights and biases of convolutions and fully connected layers, in floats or in integers. */
import type { Node, Value } from '../../../../ir/model.ts';
import { float32Values } from '../../../../ir/tensor.ts';
import { channelScales } from '../../../lowered/grid.ts';
import { floatWeight, type Weight } from '../../../lowered/weights.ts';
import { type Emitter, refuse } from '../emitter.ts';
import type { LiteTensor } from '../graph.ts';
import { constantTensor, storedCodes } from '../stored.ts';

/** Whether a weight can be the integers of a kernel: 8 bits around zero, one scale, or one an output channel.
 *  @param axis  of the output channels */
export function isKernel(weight: Weight | null, axis: number): boolean {
  if (!weight?.grid) return false;
  const { tensor, grid } = weight;
  const scales = channelScales(grid, tensor.dims);
  const centre = tensor.dtype === 'uint8' ? 128 : 0;
  if (!scales || (tensor.dtype !== 'uint8' && tensor.dtype !== 'int8')) return false;
  return scales.zero.every((z) => z === centre) && (scales.scale.length === 1 || scales.axis === axis);
}

export const kernelOf = (e: Emitter, weight: Weight): LiteTensor =>
  e.integers ? storedCodes(weight, e.name('weight'))! : e.weight(weight);

/** Whether a bias is constant or left out. */
export const isBias = (value: Value | null | undefined, e: Emitter): boolean =>
  !value || e.weightOf(value) !== null;

/** One number a channel, zeros where there is none, without which runtimes don't take a convolution; in integers at the scale of the products. @param times  what it is multiplied by */
export function biasOf(
  node: Node,
  e: Emitter,
  { index, x, kernel, channels, times = 1 }: BiasParts,
): LiteTensor {
  const value = node.inputs[index];
  const weight = value ? e.weightOf(value) : undefined;
  if (weight === null) return refuse(node, 'its bias is computed while it runs');
  const given = weight ? float32Values(floatWeight(weight)) : new Float32Array(1);
  const real = Float32Array.from({ length: channels }, (_, i) => given[given.length === 1 ? 0 : i]! * times);
  const shape = [channels];
  if (!e.integers)
    return constantTensor(e.name('bias'), { type: 'float32', shape, quantization: null }, real);
  const scale = kernel.quantization!.scale.map((s) => Math.fround(s * x.quantization!.scale[0]!));
  const quantization = { scale, zeroPoint: scale.map(() => 0), axis: 0 };
  const codes = Int32Array.from(real, (v, i) => held(Math.round(v / scale[scale.length === 1 ? 0 : i]!)));
  return constantTensor(e.name('bias'), { type: 'int32', shape, quantization }, codes);
}

interface BiasParts {
  readonly index: number;
  readonly x: LiteTensor;
  readonly kernel: LiteTensor;
  readonly channels: number;
  readonly times?: number;
}

const held = (code: number) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, code));
