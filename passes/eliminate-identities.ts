/** Removes nodes that pass their input on unchanged; readers read the input instead.
 *  Which nodes those are stands in src/model/rewrite/identities.ts, with the condition for each op. Graph outputs keep their
 *  names. Left alone: an identity between a graph input (or weight) and a graph output, which is all there is between; a
 *  Dropout whose mask is used. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { canReplaceAllUses } from '../src/model/ir/edit.ts';
import { opKey } from '../src/model/ir/model.ts';
import { applyRules } from '../src/model/rewrite/apply.ts';
import { identities } from '../src/model/rewrite/identities.ts';
import { op } from '../src/model/rewrite/pattern.ts';
import { defineRule, skip } from '../src/model/rewrite/rule.ts';
import { own } from '../src/support/own.ts';

const passOn = defineRule({
  name: 'pass-input-on',
  match: op(Object.keys(identities), [], { rest: true }),
  rewrite(m, emit) {
    const { root } = m;
    const same = own(identities, opKey(root))?.(root, emit.opset) ?? null;
    const [out, ...others] = root.outputs;
    if (!same || !out || !canReplaceAllUses(out, same)) return null;
    if (others.some((v) => v && v.uses.length > 0)) return skip('second-output-used');
    return [same, ...others.map(() => null)];
  },
});

export const eliminateIdentities = definePass({
  name: 'eliminate-identities',
  summary: 'Removes nodes that pass their input on unchanged',
  effect: 'exact',
  describe: counted('node that did nothing removed', 'nodes that did nothing removed'),
  prominence: 40,
  options: z.strictObject({}),
  apply: (model) => applyRules(model, [passOn]),
});
