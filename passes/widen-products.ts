/** Lets products that integer kernels can take compute in float32 where the graph computes in another float type, for integer
 *  kernels start from float32.
 *    y₁₆ = f(x₁₆, W₁₆, b₁₆)   ⇒   y = Cast₁₆( f( Cast₃₂(x), Cast₃₂(W), Cast₃₂(b) ) )
 *  float16 and bfloat16 fit into float32 whole; float64 loses what int8 would lose many times over. Quantisation takes the Casts of
 *  weight and bias away again.
 *  Left alone: products whose integer kernel doesn't pay on the target, or that has none; nothing is said of these, for
 *  quantisation says why.
 *  Source: onnxruntime's MatMulIntegerToFloat, QLinearConv and DynamicQuantizeLinear kernels, which read float32. */
import { z } from 'zod';
import { filledBy } from '../src/compress/pipeline/option-fields.ts';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { eitherAdvice } from '../src/compress/quant/integer-kernels.ts';
import { formObstacle, type KernelAdvice, productObstacle } from '../src/compress/quant/plan.ts';
import { dtypes } from '../src/model/ir/dtype.ts';
import { dtypeOf, type Node, shapeOf, type Value } from '../src/model/ir/model.ts';
import { tensorType } from '../src/model/ir/type.ts';
import { integerProduct } from '../src/model/ops/quantization.ts';
import { inferShapes } from '../src/model/ops/shapes.ts';
import { operatorsWith } from '../src/model/ops/weights.ts';
import { applyRules } from '../src/model/rewrite/apply.ts';
import { op } from '../src/model/rewrite/pattern.ts';
import { defineRule, type Emit } from '../src/model/rewrite/rule.ts';

const others = ['float16', 'bfloat16', 'float64'] as const;
type Other = (typeof others)[number];

const isOther = (dtype: string | null): dtype is Other =>
  (others as readonly (string | null)[]).includes(dtype);

export const widenProducts = definePass({
  name: 'widen-products',
  summary:
    'Products of float16, bfloat16 and float64 graphs in float32, so that integer kernels can take them',
  effect: 'exact',
  describe: counted('product widened to float32', 'products widened to float32'),
  prominence: 40,
  // onnxruntime's CPU kernels round float16 at other places; float64 is rounded to 24 bits.
  tolerance: 1e-2,
  options: z.strictObject({
    /** Also those whose int8 kernel is slower than float on the target. */
    everywhere: filledBy(z.boolean().default(false), 'everywhere'),
  }),
  needs: () => ({ opset: 13 }),
  apply(model, { everywhere }, { target }) {
    const advice: KernelAdvice = everywhere ? () => null : eitherAdvice(target);
    const rules = operatorsWith('int8-static').map((type) =>
      defineRule({
        name: `widen-${type.toLowerCase()}`,
        match: op(type, [], { rest: true, where: (node) => narrowType(node, advice) !== null }),
        rewrite: ({ root }, emit) => widened(root, narrowType(root, advice)!, emit),
      }),
    );
    const result = applyRules(model, rules);
    if (result.changed > 0) inferShapes(model);
    return result;
  },
});

/** The type that a product computes in, where only that keeps it from an integer kernel. */
function narrowType(node: Node, advice: KernelAdvice): Other | null {
  const product = integerProduct(node);
  if (!product || productObstacle(product) || formObstacle(product)) return null;
  const dtype = dtypeOf(node.inputs[product.activation ?? 0]);
  return isOther(dtype) && advice(node) === null ? dtype : null;
}

function widened(node: Node, dtype: Other, emit: Emit): Value {
  const cast = (v: Value, to: 'float32' | Other) =>
    emit('Cast', [v], { attributes: { to: dtypes[to].code }, type: tensorType(to, shapeOf(v)) });
  const inputs = node.inputs.map((v) => (v && dtypeOf(v) === dtype ? cast(v, 'float32') : v));
  const type = tensorType('float32', shapeOf(node.outputs[0]));
  return cast(emit(node.opType, inputs, { attributes: node.attributes, type }), dtype);
}
