/** One-operator models in float, static int8 (Q/DQ) and dynamic int8, for the kernel bench. */
import { buildKernel, type KernelBuilder } from '../src/compute/engine/kernel.ts';
import type { Model, Value } from '../src/model/ir/model.ts';
import { elementCount, scalar, type Tensor, tensorOf } from '../src/model/ir/tensor.ts';
import { createRandom } from '../src/support/random.ts';

/** u8s8 has int8 weights, u8u8 uint8 weights with zero point 128. Static: Q/DQ, one scale a channel.
 *  integer: static range, but the integer product is scaled to float per channel instead of to uint8.
 *  float-island and static-island: with a float operator (Neg) after every layer, so that static int8 has to quantise
 *  and dequantise around each, as between float neighbours.
 *  float-relu and static-relu: with a Relu after every layer, which the range of static int8 stands for. */
export type Variant =
  | 'float'
  | 'static-u8s8'
  | 'static-u8u8'
  | 'dynamic-u8s8'
  | 'dynamic-u8u8'
  | 'integer-u8u8'
  | 'float-island'
  | 'static-island'
  | 'float-relu'
  | 'static-relu';

export type Shape = Conv | Product;

export interface Conv {
  readonly kind: 'conv' | 'depthwise';
  readonly kernel: number;
  /** Channels in and out. */
  readonly channels: readonly [number, number];
  /** Height and width. */
  readonly size: number;
}

/** [m, k] × [k, n] */
export interface Product {
  readonly kind: 'matmul' | 'gemm';
  readonly m: number;
  readonly k: number;
  readonly n: number;
}

export const multiplyAdds = (s: Shape) =>
  'm' in s
    ? s.m * s.k * s.n
    : s.size ** 2 * s.kernel ** 2 * s.channels[1] * (s.kind === 'depthwise' ? 1 : s.channels[0]);

export const formatOp = (s: Shape) =>
  'm' in s
    ? `${s.kind} [${s.m},${s.k}]×[${s.k},${s.n}]`
    : `${s.kind} ${s.kernel}×${s.kernel} ${s.channels[0]}→${s.channels[1]} @${s.size}²`;

/** A chain of `depth` operators, so that the quantisation of input and output is shared as it is in a network
 *  (in a Q/DQ network neighbours pass uint8 to one another). Channels or k and n must then be equal. */
export function buildCase(shape: Shape, variant: Variant, depth: number): Model {
  return buildKernel((b) => {
    const dims = inputDims(shape);
    const island = variant.endsWith('island');
    let value = b.input('x', 'float32', dims);
    for (let i = 0; i < depth; i++) {
      if (variant.startsWith('static') && (island || i === 0)) value = quantizeDequantize(b, value);
      value = layer(b, shape, variant, value, i);
      if (island) value = b.op('Neg', [value]);
    }
    b.output('y', value, 'float32');
  }, 17);
}

export const inputDims = (s: Shape) => ('m' in s ? [s.m, s.k] : [1, s.channels[0], s.size, s.size]);

export const caseFeeds = (shape: Shape): Record<string, Tensor> => {
  const dims = inputDims(shape);
  return { x: tensorOf('float32', dims, normal(elementCount(dims), 1)) };
};

const isFloat = (variant: Variant) => variant.startsWith('float');

const activationScale = 4 / 127;

/** `middle` 0: nothing below zero is kept, as behind a Relu. */
function quantizeDequantize(b: KernelBuilder, value: Value, middle = 128): Value {
  const scale = b.constant(scalar('float32', activationScale), 'scale');
  const zero = b.constant(scalar('uint8', middle), 'zero');
  return b.op('DequantizeLinear', [b.op('QuantizeLinear', [value, scale, zero]), scale, zero]);
}

function layer(b: KernelBuilder, shape: Shape, variant: Variant, x: Value, seed: number): Value {
  const weight = weightOf(b, shape, variant, seed + 1);
  if (variant.startsWith('dynamic')) return dynamicLayer(b, shape, weight, x);
  if (variant.startsWith('integer')) return integerLayer(b, shape, weight, x);
  const bias = biasOf(b, shape, variant);
  const y = applyOp(b, shape, x, isFloat(variant) ? weight.value : dequantized(b, shape, weight), bias);
  if (isFloat(variant)) return variant === 'float-relu' ? b.op('Relu', [y]) : y;
  return quantizeDequantize(b, y, variant === 'static-relu' ? 0 : 128);
}

interface Weight {
  readonly value: Value;
  readonly scale: Value;
  readonly zero: Value;
}

function weightOf(b: KernelBuilder, shape: Shape, variant: Variant, seed: number): Weight {
  const dims = weightDims(shape);
  const fan = 'm' in shape ? shape.k : elementCount(dims.slice(1));
  const values = normal(elementCount(dims), seed).map((v) => v / Math.sqrt(fan));
  const channels = 'm' in shape ? shape.n : shape.channels[1];
  const none = b.constant(scalar('float32', 1));
  if (isFloat(variant))
    return { value: b.constant(tensorOf('float32', dims, values)), scale: none, zero: none };
  const unsigned = !variant.endsWith('u8s8');
  const dtype = unsigned ? 'uint8' : 'int8';
  const middle = unsigned ? 128 : 0;
  const step = 4 / Math.sqrt(fan) / 127;
  const codes = values.map((v) => Math.max(-127, Math.min(127, Math.round(v / step))) + middle);
  // ConvInteger takes one weight scale only; the others have one a channel.
  const perChannel = variant.startsWith('static');
  const scales = perChannel ? new Float32Array(channels).fill(step) : Float32Array.of(step);
  return {
    value: b.constant(tensorOf(dtype, dims, codes), 'w'),
    scale: b.constant(tensorOf('float32', perChannel ? [channels] : [], scales), 'w_scale'),
    zero: b.constant(
      tensorOf(dtype, perChannel ? [channels] : [], new Array(scales.length).fill(middle)),
      'w_zero',
    ),
  };
}

const weightDims = (s: Shape) =>
  'm' in s ? [s.k, s.n] : [s.channels[1], s.kind === 'depthwise' ? 1 : s.channels[0], s.kernel, s.kernel];

const dequantized = (b: KernelBuilder, shape: Shape, w: Weight) =>
  b.op('DequantizeLinear', [w.value, w.scale, w.zero], { axis: 'm' in shape ? 1 : 0 });

function biasOf(b: KernelBuilder, shape: Shape, variant: Variant): Value | null {
  if (shape.kind === 'matmul') return null;
  const n = 'm' in shape ? shape.n : shape.channels[1];
  if (isFloat(variant)) return b.constant(tensorOf('float32', [n], new Float32Array(n)), 'bias');
  const fan = 'm' in shape ? shape.k : elementCount(weightDims(shape).slice(1));
  const step = activationScale * (4 / Math.sqrt(fan) / 127);
  const inputs = [
    b.constant(tensorOf('int32', [n], new Int32Array(n)), 'bias'),
    b.constant(tensorOf('float32', [n], new Float32Array(n).fill(step)), 'bias_scale'),
  ];
  return b.op('DequantizeLinear', inputs, { axis: 0 });
}

function applyOp(b: KernelBuilder, shape: Shape, x: Value, w: Value, bias: Value | null): Value {
  if (shape.kind === 'matmul') return b.op('MatMul', [x, w]);
  if (shape.kind === 'gemm') return b.op('Gemm', [x, w, bias]);
  return b.op('Conv', [x, w, bias], convAttributes(shape as Conv));
}

const convAttributes = (s: Conv) => ({
  kernel_shape: [s.kernel, s.kernel],
  pads: new Array(4).fill((s.kernel - 1) / 2),
  group: s.kind === 'depthwise' ? s.channels[0] : 1,
});

/** As onnxruntime's dynamic quantisation writes it: DynamicQuantizeLinear, integer product, scaled to float. */
function dynamicLayer(b: KernelBuilder, shape: Shape, w: Weight, x: Value): Value {
  const [q, scale, zero] = b.ops('DynamicQuantizeLinear', [x], 3) as [Value, Value, Value];
  return b.op('Mul', [integerProduct(b, shape, w, q, zero), b.op('Mul', [scale, w.scale])]);
}

function integerLayer(b: KernelBuilder, shape: Shape, w: Weight, x: Value): Value {
  const zero = b.constant(scalar('uint8', 128), 'zero');
  const q = b.op('QuantizeLinear', [x, b.constant(scalar('float32', activationScale)), zero]);
  const dims = 'm' in shape ? [shape.n] : [shape.channels[1], 1, 1];
  const perChannel = (value: number) =>
    b.constant(tensorOf('float32', dims, new Float32Array(elementCount(dims)).fill(value)));
  const scaled = b.op('Mul', [integerProduct(b, shape, w, q, zero), perChannel(activationScale / 500)]);
  return shape.kind === 'matmul' ? scaled : b.op('Add', [scaled, perChannel(0.1)]);
}

/** float32, not yet scaled */
function integerProduct(b: KernelBuilder, shape: Shape, w: Weight, q: Value, zero: Value): Value {
  const product =
    'm' in shape
      ? b.op('MatMulInteger', [q, w.value, zero, w.zero])
      : b.op('ConvInteger', [q, w.value, zero, w.zero], convAttributes(shape));
  return b.op('Cast', [product], { to: 1 });
}

function normal(n: number, seed: number): Float32Array {
  const random = createRandom(seed);
  return Float32Array.from({ length: n }, () => random.normal());
}
