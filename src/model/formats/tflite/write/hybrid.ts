/** Products that find the range of their input while they run, as compress --int8 and onnxruntime's quantize_dynamic make them,
 *  joined again: LiteRT's fully connected layers do that themselves where activations are floats and weights int8.
 *    xq, s, z = DynamicQuantizeLinear(x);  y = MatMulInteger(xq, Wq, z, zw)·(s·sw)   ⇒   y = x·W, marked
 *    …  ConvInteger(xq, Wq, z, zw)·(s·sw)                                            ⇒   y = Conv(x, W), marked
 *    …  MatMulInteger(aq, bq, za, zb)·(sa·sb)                                        ⇒   y = a·b, marked
 *  LiteRT takes a range for each row, not one for the tensor: results are as close to the float ones, not the same. What it has no
 *  such kernel for is computed in floats. Left alone: weights with several zero points and one scale.
 *  Source: ONNX DynamicQuantizeLinear-11, ConvInteger-10; XNNPACK's qd8 kernels. */
import { int, intAttribute } from '../../../ir/attribute.ts';
import { isOp, type Model, type Node, type Value } from '../../../ir/model.ts';
import { elementCount, float32Values, tensorOf } from '../../../ir/tensor.ts';
import { applyRules } from '../../../rewrite/apply.ts';
import type { Match } from '../../../rewrite/match.ts';
import { constant, op, optional, value } from '../../../rewrite/pattern.ts';
import { dynamicProducts } from '../../../rewrite/quantized/products.ts';
import { defineRule, type Emit, skip } from '../../../rewrite/rule.ts';
import { apartRules } from '../../lowered/lower.ts';

/** Of a MatMul or Conv that exists only in memory. */
const mark = 'edgepress_finds_range';

/** Whether a product finds the range of its input while it runs. */
export const findsRange = (node: Node): boolean => intAttribute(node, mark, 0) !== 0;

const [codes, step, zero] = [value(), value(), value()];
const [weight, weightStep] = [constant(), constant()];
const weightZero = optional(constant());
const sums = op('MatMulInteger', [codes, weight, zero, weightZero]);
const planeSums = op('ConvInteger', [codes, weight, zero, weightZero]);
const [otherCodes, otherStep, otherZero] = [value(), value(), value()];
const productSums = op('MatMulInteger', [codes, otherCodes, zero, otherZero]);

/** What DynamicQuantizeLinear made codes, step and zero point of; null where they aren't its. */
function foundFrom(parts: readonly [codes: Value, step: Value, zero: Value]): Value | null {
  const quantize = parts[0].producer;
  if (!isOp(quantize, 'DynamicQuantizeLinear')) return null;
  return parts.every((v, i) => quantize.outputs[i] === v) ? (quantize.inputs[0] ?? null) : null;
}

/** Weights as numbers. @param axis  along which each index may have its own scale; a scale's size is 1 along the others */
function realWeight(m: Match, emit: Emit, axis: number): Value | ReturnType<typeof skip> {
  const scale = m.get(weightStep).constant;
  const { dims } = m.get(weight).constant;
  const count = elementCount(scale.dims);
  if (count > 1 && count !== dims[axis]) return skip('scales-not-of-columns');
  const steps = tensorOf('float32', count === 1 ? [] : [count], float32Values(scale));
  const zeros = m.get(weightZero)?.constant ?? tensorOf(m.get(weight).constant.dtype, [], [0]);
  const given = elementCount(zeros.dims);
  if (given !== 1 && given !== count) return skip('zero-points-not-of-columns');
  return emit('DequantizeLinear', [m.get(weight), steps, spread(zeros, count)], { attributes: { axis } });
}

const product = defineRule({
  name: 'join-dynamic-product',
  match: op('Mul', [op('Cast', [sums]), op('Mul', [step, weightStep])]),
  rewrite(m, emit) {
    const x = foundFrom([m.get(codes), m.get(step), m.get(zero)]);
    if (!x) return null;
    const scale = m.get(weightStep).constant;
    const isRow = elementCount(scale.dims) === 1 || scale.dims.at(-1) === elementCount(scale.dims);
    if (m.get(weight).constant.dims.length !== 2 || !isRow) return skip('weight-not-a-matrix');
    const real = realWeight(m, emit, 1);
    return 'skip' in real ? real : emit('MatMul', [x, real], { attributes: { [mark]: 1 } });
  },
});

const convolution = defineRule({
  name: 'join-dynamic-convolution',
  match: op('Mul', [op('Cast', [planeSums]), op('Mul', [step, weightStep])]),
  rewrite(m, emit) {
    const x = foundFrom([m.get(codes), m.get(step), m.get(zero)]);
    if (!x) return null;
    const { dims } = m.get(weightStep).constant;
    const rank = m.get(weight).constant.dims.length;
    const perChannel = dims.length >= rank - 1 && dims.at(1 - rank) === elementCount(dims);
    if (elementCount(dims) > 1 && !perChannel) return skip('scales-not-of-channels');
    const real = realWeight(m, emit, 0);
    if ('skip' in real) return real;
    const attributes = new Map([...m.get(planeSums).attributes, [mark, int(1)] as const]);
    return emit('Conv', [x, real], { attributes });
  },
});

const twoInputs = defineRule({
  name: 'join-dynamic-product-of-two',
  match: op('Mul', [op('Cast', [productSums]), op('Mul', [step, otherStep])]),
  rewrite(m, emit) {
    const a = foundFrom([m.get(codes), m.get(step), m.get(zero)]);
    const b = foundFrom([m.get(otherCodes), m.get(otherStep), m.get(otherZero)]);
    return a && b ? emit('MatMul', [a, b], { attributes: { [mark]: 1 } }) : null;
  },
});

/** DequantizeLinear wants as many zero points as scales. */
function spread(zeros: Parameters<typeof float32Values>[0], count: number) {
  const given = float32Values(zeros);
  const dims = count === 1 ? [] : [count];
  const values = Array.from({ length: count }, (_, i) => given[given.length === 1 ? 0 : i]!);
  return tensorOf(zeros.dtype, dims, values);
}

/** Edits the model in place. */
export function joinDynamicProducts(model: Model): void {
  applyRules(model, apartRules(dynamicProducts));
  applyRules(model, [product, convolution, twoInputs]);
}
