/** Takes operators apart that an optimiser fused around a weight, so that later passes meet the weight in a standard
 *  operator and can store or compute it in fewer bits. onnxruntime joins most of the pieces again when it loads the model.
 *  The table is src/model/rewrite/fused/: FusedConv, NhwcConv, FusedGemm, FusedMatMul, GemmFastGelu, ConvTransposeWithDynamicPads,
 *  EmbedLayerNormalization, Attention (whose projection comes out, the rest becomes MultiHeadAttention).
 *  Left alone: operators that hold no constant weight of `minElements` (SkipLayerNormalization, BiasGelu and the like
 *  have only vectors; nothing is said of these), and forms that nothing standard computes exactly, with the reason.
 *  Source: onnxruntime ContribOperators.md and its CPU kernels. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { intAttribute } from '../src/model/ir/attribute.ts';
import { isFloat } from '../src/model/ir/dtype.ts';
import { isOp, type Node, type Value } from '../src/model/ir/model.ts';
import { elementCount } from '../src/model/ir/tensor.ts';
import { constantBehind } from '../src/model/ops/constant-behind.ts';
import { inferShapes } from '../src/model/ops/shapes.ts';
import { isMatrixRole, weightsOf } from '../src/model/ops/weights.ts';
import { applyRules } from '../src/model/rewrite/apply.ts';
import type { Apart } from '../src/model/rewrite/fused/apart.ts';
import { fusedOperators } from '../src/model/rewrite/fused/index.ts';
import { op } from '../src/model/rewrite/pattern.ts';
import { defineRule, type Rule, skip } from '../src/model/rewrite/rule.ts';
import type { TargetName } from '../src/support/target.ts';

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
  opens: true,
  describe: counted('fused operator taken apart', 'fused operators taken apart'),
  prominence: 85,
  // Attention's projection is one product here and one a head there; the order of summation is the engine's own.
  tolerance: 1e-5,
  options,
  apply(model, o, { target }) {
    const chosen = Object.entries(fusedOperators).filter(([key]) => o.ops.includes(shortName(key)));
    const result = applyRules(
      model,
      chosen.map(([key, apart]) => ruleFor(key, apart, o.minElements, target)),
    );
    if (result.changed > 0) inferShapes(model);
    return result;
  },
});

const ruleFor = (key: string, apart: Apart, least: number, target: TargetName): Rule =>
  defineRule({
    name: `decompose-${shortName(key)}`,
    match: op(key, [], { rest: true, where: (node) => holdsWeight(node, least) }),
    rewrite(m, emit) {
      const refused = target === 'webgpu' && isOp(m.root, attention) && isCausal(m.root);
      return refused ? skip('causal-attention-stays-one-on-webgpu') : apart(m.root, emit);
    },
  });

/** onnxruntime's WebGPU kernels have causal Attention and no causal MultiHeadAttention. */
const attention = 'com.microsoft:Attention';
const isCausal = (node: Node) => intAttribute(node, 'unidirectional', 0) !== 0;

const holdsWeight = (node: Node, least: number): boolean => {
  const found = weightsOf(node);
  return (
    found.kind === 'known' &&
    found.weights.some(({ index, role }) => isMatrixRole(role) && isLarge(node.inputs[index], least))
  );
};

function isLarge(value: Value | null | undefined, least: number): boolean {
  const tensor = constantBehind(value)?.tensor;
  return tensor !== undefined && isFloat(tensor.dtype) && elementCount(tensor.dims) >= least;
}
