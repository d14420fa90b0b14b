/** Folds BatchNormalization into the Conv, ConvTranspose, Gemm or MatMul before it.
 *    y = γ·(W∗x + b − μ)/σ + β,  σ = √(var + ε)   ⇒   W' = W·γ/σ,  b' = (b − μ)·γ/σ + β
 *  W [out, in/group, …k] (ConvTranspose [in, out/group, …k]; Gemm and MatMul 2-D), γ β μ var [out].
 *  Left alone: output used elsewhere, weights computed at run time, training mode, a weight that others read otherwise
 *  (it would be there twice). A MatMul becomes a Gemm, so its
 *  input must have rank 2.
 *  Source: ONNX BatchNormalization-15; Jacob et al. 2018, arXiv:1712.05877, section 3.2. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { floatAttribute, intAttribute } from '../src/model/ir/attribute.ts';
import { isOp, type Node } from '../src/model/ir/model.ts';
import { elementCount, type Tensor } from '../src/model/ir/tensor.ts';
import { applyRules } from '../src/model/rewrite/apply.ts';
import { perChannel, rankOf } from '../src/model/rewrite/arguments.ts';
import { batchNormAffine, scaleChannels, shiftBias } from '../src/model/rewrite/channel-scale.ts';
import { constant, op, optional, value } from '../src/model/rewrite/pattern.ts';
import { defineRule, skip } from '../src/model/rewrite/rule.ts';
import { foldsAlike } from '../src/model/rewrite/shared-weight.ts';
import { outputChannelAxis } from '../src/model/rewrite/weight-layout.ts';

const x = value();
const w = constant({ otherwise: 'weight-not-constant' });
const b = optional(constant({ otherwise: 'bias-not-constant' }));
const linear = op(['Conv', 'ConvTranspose', 'Gemm', 'MatMul'], [x, w, b]);
const [gamma, beta, mean, variance] = [parameter(), parameter(), parameter(), parameter()];
const norm = op('BatchNormalization', [linear, gamma, beta, mean, variance], { where: isInference });

const fold = (copyShared: boolean) =>
  defineRule({
    name: 'fold-batchnorm',
    match: norm,
    rewrite(m, emit) {
      const node = m.get(linear);
      const weight = m.get(w);
      if (!copyShared && !foldsAlike(weight, m.root)) return skip('weight-shared');
      if (weight.constant.dtype !== 'float32') return skip(`weight-is-${weight.constant.dtype}`);
      const layout = outputChannelAxis(node, weight.constant);
      if (!layout) return skip('weight-layout');
      if (isOp(node, 'MatMul') && rankOf(m.get(x)) !== 2) return skip('input-rank-not-2');
      const of = (p: typeof gamma): Tensor => m.get(p).constant;
      const channels = elementCount(of(gamma).dims);
      const bias = m.get(b);
      const old = bias && biasOf(node, bias.constant, channels);
      if (bias && !old) return skip('bias-not-per-channel');
      const epsilon = floatAttribute(m.root, 'epsilon', 1e-5);
      const affine = batchNormAffine(of(gamma), of(beta), of(mean), of(variance), epsilon);
      const newWeight = emit.constant(
        scaleChannels(weight.constant, layout, alpha(node, affine.scale)),
        weight,
      );
      const newBias = emit.constant(shiftBias(old, affine, [channels]), bias ?? m.get(beta));
      const opType = node.opType === 'MatMul' ? 'Gemm' : node.opType;
      const attributes = new Map(node.attributes);
      if (opType === 'Gemm') for (const name of ['alpha', 'beta']) attributes.delete(name);
      return emit(opType, [m.get(x), newWeight, newBias], { attributes });
    },
  });

/** γ, β, μ or var: one float per channel. */
function parameter() {
  return constant({
    otherwise: 'statistics-not-constant',
    where: (v) => v.constant.dtype === 'float32' || `statistics-are-${v.constant.dtype}`,
  });
}

function isInference(node: Node) {
  if (intAttribute(node, 'spatial', 1) !== 1) return 'not-spatial';
  const training = intAttribute(node, 'training_mode', 0) !== 0;
  return training || node.outputs.slice(1).some((v) => v && v.uses.length > 0) ? 'training-mode' : true;
}

/** Gemm multiplies its product by alpha and its bias by beta; both go into the constants. */
const alpha = (node: Node, scale: Float64Array) => {
  const factor = isOp(node, 'Gemm') ? floatAttribute(node, 'alpha', 1) : 1;
  return factor === 1 ? scale : scale.map((s) => s * factor);
};

/** The bias for each channel; null when it varies along the batch (which Gemm allows). */
const biasOf = (node: Node, bias: Tensor, channels: number) => {
  const values = isOp(node, 'Gemm') ? perChannel(bias, 2, 1, channels) : perChannel(bias, 1, 0, channels);
  const factor = isOp(node, 'Gemm') ? floatAttribute(node, 'beta', 1) : 1;
  return values?.map((v) => v * factor) ?? null;
};

const options = z.strictObject({
  /** Fold into a weight that others read otherwise, too: it is then there twice. */
  copyShared: z.boolean().default(false),
});

export const fuseConvBatchnorm = definePass({
  name: 'fuse-conv-batchnorm',
  summary: 'Folds BatchNormalization into the convolution or matrix product before it',
  effect: 'exact',
  describe: counted('BatchNormalization folded', 'BatchNormalizations folded'),
  prominence: 80,
  // Rounding of the folded weights, relative to outputs of order 1 to 10.
  tolerance: 1e-4,
  options,
  apply: (model, { copyShared }) => applyRules(model, [fold(copyShared)]),
});
