/** Folds a constant factor per channel into the Conv or ConvTranspose before it.
 *    y = (W∗x + b)·c   ⇒   W' = W·c,  b' = b·c          (and y = (W∗x + b)/c with 1/c)
 *  c: a scalar, or one value per output channel ([C,1,1], [1,C,1,1]).
 *  Left alone: output used elsewhere, weights or bias computed at run time, a factor that varies over positions, a weight that
 *  others read otherwise (it would be there twice). */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { elementCount } from '../src/model/ir/tensor.ts';
import { applyRules } from '../src/model/rewrite/apply.ts';
import { perChannel } from '../src/model/rewrite/arguments.ts';
import { float64Values, scaleChannels, shiftBias } from '../src/model/rewrite/channel-scale.ts';
import { constant, op, optional, value } from '../src/model/rewrite/pattern.ts';
import { defineRule, skip } from '../src/model/rewrite/rule.ts';
import { foldsAlike } from '../src/model/rewrite/shared-weight.ts';
import { channelCount, outputChannelAxis } from '../src/model/rewrite/weight-layout.ts';

const x = value();
const w = constant({ otherwise: 'weight-not-constant' });
const b = optional(constant({ otherwise: 'bias-not-constant' }));
const c = constant();
const conv = op(['Conv', 'ConvTranspose'], [x, w, b]);

const fold = (root: 'Mul' | 'Div', copyShared: boolean) =>
  defineRule({
    name: `fold-${root.toLowerCase()}-into-conv`,
    match: op(root, [conv, c]),
    rewrite(m, emit) {
      const weight = m.get(w);
      const bias = m.get(b);
      if (!copyShared && !foldsAlike(weight, m.root)) return skip('weight-shared');
      if (weight.constant.dtype !== 'float32') return skip(`weight-is-${weight.constant.dtype}`);
      const layout = outputChannelAxis(m.get(conv), weight.constant);
      if (!layout) return skip('weight-layout');
      const channels = channelCount(layout, weight.constant);
      const factor = perChannel(m.get(c).constant, weight.constant.dims.length, 1, channels);
      if (!factor) return skip('not-per-channel');
      if (root === 'Div' && factor.includes(0)) return skip('division-by-zero');
      const scale = root === 'Div' ? factor.map((v) => 1 / v) : factor;
      if (bias && elementCount(bias.constant.dims) !== channels) return skip('bias-not-per-channel');
      const affine = { scale, shift: new Float64Array(channels) };
      const inputs = [
        m.get(x),
        emit.constant(scaleChannels(weight.constant, layout, scale), weight),
        ...(bias ? [emit.constant(shiftBias(float64Values(bias.constant), affine, [channels]), bias)] : []),
      ];
      return emit(m.get(conv).opType, inputs, { attributes: m.get(conv).attributes });
    },
  });

const options = z.strictObject({
  /** Fold into a weight that others read otherwise, too: it is then there twice. */
  copyShared: z.boolean().default(false),
});

export const fuseConvMul = definePass({
  name: 'fuse-conv-mul',
  summary: 'Folds a constant factor per channel into the convolution before it',
  effect: 'exact',
  describe: counted('factor folded', 'factors folded'),
  prominence: 75,
  // Rounding of the folded weights, relative to outputs of order 1 to 10.
  tolerance: 1e-4,
  options,
  apply: (model, { copyShared }) => applyRules(model, [fold('Mul', copyShared), fold('Div', copyShared)]),
});
