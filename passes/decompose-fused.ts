/** Takes operators apart that an optimiser fused around a weight, so that later passes meet the weight in a standard
 *  operator and can store or compute it in fewer bits. onnxruntime joins most of the pieces again when it loads the model.
 *  The table is src/model/rewrite/fused/: FusedConv, FusedGemm, FusedMatMul, GemmFastGelu, ConvTransposeWithDynamicPads,
 *  EmbedLayerNormalization, Attention (whose projection comes out, the rest becomes MultiHeadAttention).
 *  Left alone: operators that hold no constant weight of `minElements` (SkipLayerNormalization, BiasGelu and the like
 *  have only vectors; nothing is said of these), and forms that nothing standard computes exactly, with the reason.
 *  Source: onnxruntime ContribOperators.md and its CPU kernels. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { isFloat } from '../src/model/ir/dtype.ts';
import { dtypeOf, type Node, shapeOf, type Value } from '../src/model/ir/model.ts';
import { elementCount } from '../src/model/ir/tensor.ts';
import { isStatic } from '../src/model/ir/type.ts';
import { inferShapes } from '../src/model/ops/shapes.ts';
import { applyRules } from '../src/model/rewrite/apply.ts';
import { followsFromConstants } from '../src/model/rewrite/constant-region.ts';
import { type FusedOperator, fusedOperators } from '../src/model/rewrite/fused/index.ts';
import { op } from '../src/model/rewrite/pattern.ts';
import { defineRule, type Rule } from '../src/model/rewrite/rule.ts';

const options = z.strictObject({
  /** Operators to take apart, by type. */
  ops: z.array(z.string()).default(Object.keys(fusedOperators).map(shortName)),
  /** Smaller weights are not worth it. */
  minElements: z.number().int().min(0).default(342),
});

type Options = z.infer<typeof options>;

function shortName(key: string): string {
  return key.slice(key.indexOf(':') + 1);
}

export const decomposeFused = definePass<Options>({
  name: 'decompose-fused',
  summary: 'Takes operators that an optimiser fused around a weight apart into standard ones',
  effect: 'exact',
  describe: counted('fused operator taken apart', 'fused operators taken apart'),
  prominence: 85,
  // Attention's projection is one product here and one a head there; the order of summation is the engine's own.
  tolerance: 1e-5,
  options,
  apply(model, o) {
    const chosen = Object.entries(fusedOperators).filter(([key]) => o.ops.includes(shortName(key)));
    const result = applyRules(
      model,
      chosen.map(([key, operator]) => ruleFor(key, operator, o.minElements)),
    );
    if (result.changed > 0) inferShapes(model);
    return result;
  },
});

const ruleFor = (key: string, operator: FusedOperator, least: number): Rule =>
  defineRule({
    name: `decompose-${shortName(key)}`,
    match: op(key, [], { rest: true, where: (node) => holdsWeight(node, operator, least) }),
    rewrite: (m, emit) => operator.apart(m.root, emit),
  });

const holdsWeight = (node: Node, { weights }: FusedOperator, least: number): boolean =>
  weights.some((index) => isWeight(node.inputs[index], least));

/** A constant, or computed from constants only, of two dimensions or more. */
function isWeight(value: Value | null | undefined, least: number): boolean {
  const shape = shapeOf(value);
  if (!value || !shape || shape.length < 2 || !followsFromConstants(value)) return false;
  return isFloat(dtypeOf(value)) && isStatic(shape) && elementCount(shape) >= least;
}
