/** Products of integers, whose sums are exact while they stay below 2^24, and are rounded to the result's steps by one
 *  factor, as onnxruntime does.
 *    y = round((Σ(x − z_x)·(w − z_w) + b)·s_x·s_w/s_y) + z_y
 *  Sources: ONNX ConvInteger-10, QLinearConv-10, QLinearMatMul-21; onnxruntime's QGemm, MatMulIntegerToFloat,
 *  DynamicQuantizeMatMul, QAttention; mlas/lib/quantize.cpp for the order of the roundings. */
import { floatAttribute, intAttribute } from '../../ir/attribute.ts';
import { dtypes } from '../../ir/dtype.ts';
import { constantOf, type Node, shapeOf, type Value } from '../../ir/model.ts';
import { slicedTensor } from '../../ir/slice.ts';
import { elementCount, numbers, type Tensor, tensorOf } from '../../ir/tensor.ts';
import { type Apart, type FusedOperators, inputAt, without } from '../fused/apart.ts';
import { type Emit, skip } from '../rule.ts';
import { asFloats, centred, largestExact, ratioOf, real, rounded, scalesOf } from './integers.ts';

const inputs = (node: Node, count: number) => Array.from({ length: count }, (_, i) => inputAt(node, i));

const toFloat = { attributes: { to: dtypes.float32.code } };
const toInt = { attributes: { to: dtypes.int32.code } };

/** [N, …, C] → [N, C, …], and back. */
const turned = (emit: Emit, x: Value, rank: number, back: boolean): Value => {
  const middle = Array.from({ length: rank - 2 }, (_, i) => i + (back ? 2 : 1));
  const perm = back ? [0, ...middle, 1] : [0, rank - 1, ...middle];
  return emit('Transpose', [x], { attributes: { perm } });
};

/** A convolution of values whose channels may be last, as onnxruntime's own have them. @param compute  with channels first */
export function convolved(
  node: Node,
  emit: Emit,
  rank: number,
  x: Value,
  compute: (x: Value) => Value,
): Value {
  if (intAttribute(node, 'channels_last', 0) === 0) return compute(x);
  return turned(emit, compute(turned(emit, x, rank, false)), rank, true);
}

const qLinearConv: Apart = (node, emit) => {
  const [x, xScale, xZero, w, wScale, wZero, yScale, yZero, bias] = inputs(node, 9);
  const scales = scalesOf(xScale!, wScale!, yScale!);
  const weight = constantOf(w);
  if (!x || !w || !weight || !scales || (bias && !constantOf(bias)))
    return skip('weights-computed-at-run-time');
  const rank = weight.dims.length;
  const ratio = ratioOf(scales[0]!, scales[1]!, scales[2]![0]!);
  const attributes = without(node, 'channels_last');
  return convolved(node, emit, rank, x, (own) => {
    const input = centred(emit, own, xZero ?? null);
    const sums = emit('Conv', [input, centred(emit, w, wZero ?? null, 0), asFloats(bias ?? null)], {
      attributes,
    });
    const each = ratio.length === 1 ? [] : [ratio.length, ...Array<number>(rank - 2).fill(1)];
    const steps = emit('Mul', [sums, tensorOf('float32', each, ratio)]);
    return rounded(emit, steps, { zero: yZero ?? null, like: x });
  });
};

const convInteger: Apart = (node, emit) => {
  const [x, w, xZero, wZero] = inputs(node, 4);
  const weight = constantOf(w);
  const zero = wZero ? constantOf(wZero) : null;
  if (!x || !w || !weight || (wZero && !zero)) return skip('weights-computed-at-run-time');
  const parts = exactParts(weight, zero);
  if (parts.length > 1 && intAttribute(node, 'group', 1) !== 1) return skip('sums-beyond-what-a-float-holds');
  const input = centred(emit, x, xZero ?? null);
  const attributes = without(node);
  const sums = parts.map(([from, to]) => {
    const whole = parts.length === 1;
    const part = whole ? w : slicedTensor(weight, 1, from, to);
    const filter = centred(emit, whole ? w : emit.constant(part as Tensor, w), wZero ?? null, 0);
    const taken = whole ? input : slicedChannels(emit, input, from, to);
    return emit('Cast', [emit('Conv', [taken, filter], { attributes })], toInt);
  });
  return sums.reduce((a, b) => emit('Add', [a, b]));
};

const slicedChannels = (emit: Emit, x: Value, from: number, to: number): Value => {
  const int = (value: number) => tensorOf('int64', [1], [value]);
  return emit('Slice', [x, int(from), int(to), int(1)]);
};

/** Input channels [from, to) whose products with 8-bit numbers a float can sum up exactly. */
function exactParts(weight: Tensor, zero: Tensor | null): readonly (readonly [number, number])[] {
  const [out, channels] = weight.dims as readonly [number, number];
  const inner = elementCount(weight.dims.slice(2));
  const zeros = zero ? numbers(zero) : [0];
  const most = new Float64Array(channels);
  const codes = numbers(weight);
  for (let at = 0; at < out * channels; at++) {
    const centre = zeros[zeros.length === out ? Math.floor(at / channels) : 0]!;
    const window = codes.slice(at * inner, (at + 1) * inner);
    const sum = window.reduce((total, code) => total + Math.abs(code - centre), 0);
    most[at % channels] = Math.max(most[at % channels]!, 255 * sum);
  }
  const parts: [number, number][] = [[0, 0]];
  let total = 0;
  most.forEach((sum, channel) => {
    if (total + sum > largestExact && channel > parts.at(-1)![0]) {
      parts.push([channel, channel]);
      total = 0;
    }
    total += sum;
    parts.at(-1)![1] = channel + 1;
  });
  return parts;
}

const qLinearMatMul: Apart = (node, emit) => {
  const [a, aScale, aZero, b, bScale, bZero, yScale, yZero] = inputs(node, 8);
  const scales = scalesOf(aScale!, bScale!, yScale!);
  if (!a || !b || !scales) return skip('scales-computed-at-run-time');
  if (scales[0]!.length !== 1) return skip('a-scale-for-each-row');
  const rank = shapeOf(b)?.length;
  if (rank === undefined) return skip('input-rank-unknown');
  const right = centred(emit, b, bZero ?? null, rank - 1);
  const sums = emit('MatMul', [centred(emit, a, aZero ?? null), right]);
  return toSteps(emit, sums, ratioOf(scales[0]!, scales[1]!, scales[2]![0]!), {
    zero: yZero ?? null,
    like: a,
  });
};

/** @param ratio  one for the result, or one for each of its columns */
function toSteps(
  emit: Emit,
  sums: Value,
  ratio: Float32Array,
  to: { readonly zero: Value | null; readonly like: Value },
): Value {
  const factor = tensorOf('float32', ratio.length === 1 ? [] : [ratio.length], ratio);
  return rounded(emit, emit('Mul', [sums, factor]), to);
}

const qGemm: Apart = (node, emit) => {
  const [a, aScale, aZero, b, bScale, bZero, c, yScale, yZero] = inputs(node, 9);
  const scales = scalesOf(aScale!, bScale!);
  const yScales = yScale ? scalesOf(yScale) : [new Float32Array([1])];
  if (!a || !b || !scales || !yScales || (c && !constantOf(c))) return skip('scales-computed-at-run-time');
  const turnedB = intAttribute(node, 'transB', 0) !== 0;
  const product = [
    centred(emit, a, aZero ?? null),
    centred(emit, b, bZero ?? null, turnedB ? 0 : 1),
    asFloats(c ?? null),
  ];
  const sums = emit('Gemm', product, { attributes: without(node, 'alpha') });
  const alpha = new Float32Array([floatAttribute(node, 'alpha', 1)]);
  const ratio = ratioOf(ratioOf(alpha, scales[0]!, 1), scales[1]!, yScales[0]![0]!);
  if (yScale) return toSteps(emit, sums, ratio, { zero: yZero ?? null, like: a });
  return emit('Mul', [sums, tensorOf('float32', ratio.length === 1 ? [] : [ratio.length], ratio)]);
};

/** Σ(a − z_a)·(b − z_b)·s_a·s_b + bias */
const matMulIntegerToFloat: Apart = (node, emit) => {
  const [a, b, aScale, bScale, aZero, bZero, bias] = inputs(node, 7);
  if (!a || !b || !aScale || !bScale) return skip('input-missing');
  return realProduct(emit, [a, b, aZero ?? null, bZero ?? null], [aScale, bScale], bias ?? null);
};

function realProduct(
  emit: Emit,
  operands: readonly (Value | null)[],
  scales: readonly [Value, Value],
  bias: Value | null,
): Value {
  const sums = emit('Cast', [emit('MatMulInteger', operands)], toFloat);
  const y = emit('Mul', [sums, emit('Mul', scales)]);
  return bias ? emit('Add', [y, bias]) : y;
}

const dynamicQuantizeMatMul: Apart = (node, emit) => {
  const [a, b, bScale, bZero, bias] = inputs(node, 5);
  if (!a || !b || !bScale) return skip('input-missing');
  const [codes, scale, zero] = emit.node('DynamicQuantizeLinear', [a], 3).outputs as Value[];
  return realProduct(emit, [codes!, b, zero!, bZero ?? null], [scale!, bScale], bias ?? null);
};

/** Attention over what the integers stand for. */
const qAttention: Apart = (node, emit) => {
  const [x, w, bias, xScale, wScale, mask, xZero, wZero, past] = inputs(node, 9);
  if (!x || !w || !xScale || !wScale) return skip('input-missing');
  const weight = emit('DequantizeLinear', [w, wScale, wZero ?? null], { attributes: { axis: 1 } });
  const operands = [real(emit, x, xScale, xZero ?? null), weight, bias ?? null, mask ?? null, past ?? null];
  const made = emit.node('Attention', operands, node.outputs.length, {
    domain: 'com.microsoft',
    attributes: without(node),
  });
  return made.outputs;
};

/** Those with a step for their inputs that is found at run time, as MatMulInteger. */
export const dynamicProducts: FusedOperators = {
  'com.microsoft:MatMulIntegerToFloat': matMulIntegerToFloat,
  'com.microsoft:DynamicQuantizeMatMul': dynamicQuantizeMatMul,
};

export const quantizedProducts: FusedOperators = {
  ConvInteger: convInteger,
  QLinearConv: qLinearConv,
  'com.microsoft:QLinearConv': qLinearConv,
  QLinearMatMul: qLinearMatMul,
  'com.microsoft:QGemm': qGemm,
  ...dynamicProducts,
  'com.microsoft:QAttention': qAttention,
};
