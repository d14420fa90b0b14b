/** Moves padding with zeros into the Conv that reads it.
 *    Conv(Pad(x, p), pads q)   ⇒   Conv(x, pads p + q)
 *  Left alone: other modes and values, padding of batch or channels, cropping (negative pads), pads known only at run
 *  time, auto_pad SAME (which depends on the padded size), a padded tensor that others read.
 *  Source: ONNX Pad-13, Conv-11. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import type { Node } from '../src/model/ir/model.ts';
import { applyRules } from '../src/model/rewrite/apply.ts';
import { explicitPads, rankOf } from '../src/model/rewrite/arguments.ts';
import { allPads, padsZeros } from '../src/model/rewrite/pads.ts';
import { op, optional, value } from '../src/model/rewrite/pattern.ts';
import { defineRule, skip } from '../src/model/rewrite/rule.ts';

const x = value();
const w = value();
const b = optional(value());
const pad = op('Pad', [x], { rest: true });

const join = defineRule({
  name: 'pad-into-conv',
  match: op('Conv', [pad, w, b]),
  rewrite(m, emit) {
    const conv = m.root;
    const rank = rankOf(m.get(w));
    if (rank === null) return skip('weight-rank-unknown');
    if (!padsZeros(m.get(pad))) return skip('pads-other-than-zero');
    const added = allPads(m.get(pad), rank);
    if (!added) return skip('pads-not-constant');
    if (added.some((p) => p < 0)) return skip('crops');
    const spatial = rank - 2;
    if ([0, 1, rank, rank + 1].some((i) => added[i] !== 0)) return skip('pads-batch-or-channels');
    const own = explicitPads(conv, spatial);
    if (!own) return skip('auto-pad');
    const pads = own.map((p, i) => p + added[i < spatial ? i + 2 : i - spatial + rank + 2]!);
    const attributes: Node['attributes'] = new Map(conv.attributes);
    attributes.delete('auto_pad');
    attributes.set('pads', { type: 'ints', value: pads.map(BigInt) });
    return emit('Conv', [m.get(x), m.get(w), m.get(b)], { attributes });
  },
});

export const fusePad = definePass({
  name: 'fuse-pad',
  summary: 'Moves padding with zeros into the convolution that reads it',
  effect: 'exact',
  describe: counted('padding folded', 'paddings folded'),
  prominence: 60,
  // Other kernels may sum in another order when they pad themselves.
  tolerance: 1e-5,
  options: z.strictObject({}),
  apply: (model) => applyRules(model, [join]),
});
