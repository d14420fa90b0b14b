/** Folds a constant per channel that is added to (or subtracted from) a Conv or ConvTranspose into its bias.
 *    y = W∗x + b + c   ⇒   b' = b + c
 *  c: a scalar, or one value per output channel ([C,1,1], [1,C,1,1]).
 *  Left alone: output used elsewhere, bias computed at run time, a constant that varies over positions. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { elementCount } from '../src/model/ir/tensor.ts';
import { applyRules } from '../src/model/rewrite/apply.ts';
import { perChannel } from '../src/model/rewrite/arguments.ts';
import { float64Values, shiftBias } from '../src/model/rewrite/channel-scale.ts';
import { constant, op, optional, value } from '../src/model/rewrite/pattern.ts';
import { defineRule, skip } from '../src/model/rewrite/rule.ts';
import { channelCount, outputChannelAxis } from '../src/model/rewrite/weight-layout.ts';

const x = value();
const w = constant({ otherwise: 'weight-not-constant' });
const b = optional(constant({ otherwise: 'bias-not-constant' }));
const c = constant();
const conv = op(['Conv', 'ConvTranspose'], [x, w, b]);

const fold = (root: 'Add' | 'Sub') =>
  defineRule({
    name: `fold-${root.toLowerCase()}-into-conv`,
    match: op(root, [conv, c]),
    rewrite(m, emit) {
      const weight = m.get(w);
      const bias = m.get(b);
      const addend = m.get(c);
      if (addend.constant.dtype !== 'float32') return skip(`constant-is-${addend.constant.dtype}`);
      const layout = outputChannelAxis(m.get(conv), weight.constant);
      if (!layout) return skip('weight-layout');
      const channels = channelCount(layout, weight.constant);
      const values = perChannel(addend.constant, weight.constant.dims.length, 1, channels);
      if (!values) return skip('not-per-channel');
      if (bias && elementCount(bias.constant.dims) !== channels) return skip('bias-not-per-channel');
      const shift = root === 'Sub' ? values.map((v) => -v) : values;
      const affine = { scale: new Float64Array(channels).fill(1), shift };
      const sum = shiftBias(bias ? float64Values(bias.constant) : null, affine, [channels]);
      const inputs = [m.get(x), weight, emit.constant(sum, bias ?? addend)];
      return emit(m.get(conv).opType, inputs, { attributes: m.get(conv).attributes });
    },
  });

const rules = [fold('Add'), fold('Sub')];

export const fuseConvAdd = definePass({
  name: 'fuse-conv-add',
  summary: 'Folds a constant per channel that is added after a convolution into its bias',
  effect: 'exact',
  describe: counted('bias folded', 'biases folded'),
  prominence: 70,
  // The sum is rounded once instead of twice.
  tolerance: 1e-5,
  options: z.strictObject({}),
  apply: (model) => applyRules(model, rules),
});
