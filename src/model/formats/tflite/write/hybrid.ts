/** Products that find the range of their input while they run, as compress --int8 makes them, joined again: LiteRT's fully connected
 *  layers do that themselves where activations are floats and weights int8.
 *    xq, s, z = DynamicQuantizeLinear(x);  y = MatMulInteger(xq, Wq, z, zw)·(s·sw)   ⇒   y = x·W, marked
 *  LiteRT takes a range for each row, not one for the tensor: results are as close to the float ones, not the same. Left alone:
 *  weights that are computed. Source: ONNX DynamicQuantizeLinear-11; XNNPACK's qd8 kernels. */
import { intAttribute } from '../../../ir/attribute.ts';
import { isOp, type Model, type Node } from '../../../ir/model.ts';
import { elementCount, float32Values, tensorOf } from '../../../ir/tensor.ts';
import { applyRules } from '../../../rewrite/apply.ts';
import { constant, op, value } from '../../../rewrite/pattern.ts';
import { defineRule, skip } from '../../../rewrite/rule.ts';

/** Of a MatMul that exists only in memory. */
const mark = 'edgepress_finds_range';

/** Whether a product finds the range of its input while it runs. */
export const findsRange = (node: Node): boolean => intAttribute(node, mark, 0) !== 0;

const [codes, step, zero] = [value(), value(), value()];
const [weight, weightZero, weightStep] = [constant(), constant(), constant()];
const sums = op('MatMulInteger', [codes, weight, zero, weightZero]);

const rule = defineRule({
  name: 'join-dynamic-product',
  match: op('Mul', [op('Cast', [sums]), op('Mul', [step, weightStep])]),
  rewrite(m, emit) {
    const quantize = m.get(codes).producer;
    if (!isOp(quantize, 'DynamicQuantizeLinear') || quantize.outputs[1] !== m.get(step)) return null;
    if (quantize.outputs[2] !== m.get(zero)) return null;
    const scale = m.get(weightStep).constant!;
    const rank = m.get(weight).constant!.dims.length;
    const count = elementCount(scale.dims);
    if (rank !== 2 || (count > 1 && scale.dims.at(-1) !== count)) return skip('weight-not-a-matrix');
    const steps = tensorOf('float32', count === 1 ? [] : [count], float32Values(scale));
    const zeros = m.get(weightZero).constant!;
    const each = elementCount(zeros.dims) === count && count > 1;
    const points = each || elementCount(zeros.dims) === 1 ? zeros : null;
    if (!points) return skip('zero-points-not-of-columns');
    const real = emit('DequantizeLinear', [m.get(weight), steps, spread(points, count)], {
      attributes: { axis: 1 },
    });
    return emit('MatMul', [quantize.inputs[0]!, real], { attributes: { [mark]: 1 } });
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
export const joinDynamicProducts = (model: Model): void => void applyRules(model, [rule]);
