/** Joins a Transpose of a Transpose into one, and drops those that move nothing.
 *    Transpose(Transpose(x, p), q)   ⇒   Transpose(x, r),  r[i] = p[q[i]];  x itself when r is the identity
 *  The inner one stays where others read it; then the outer still reads x directly (one op less on its path).
 *  Left alone: without a perm, where the rank is not known. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { intsAttribute } from '../src/model/ir/attribute.ts';
import type { Node } from '../src/model/ir/model.ts';
import { applyRules } from '../src/model/rewrite/apply.ts';
import { rankOf } from '../src/model/rewrite/arguments.ts';
import { op, value } from '../src/model/rewrite/pattern.ts';
import { defineRule, skip } from '../src/model/rewrite/rule.ts';

const x = value();
const inner = op('Transpose', [x], { shared: true });

const join = defineRule({
  name: 'transpose-of-transpose',
  match: op('Transpose', [inner]),
  rewrite(m, emit) {
    const p = permOf(m.get(inner));
    const q = permOf(m.root);
    if (!p || !q) return skip('rank-unknown');
    const perm = q.map((i) => p[i]!);
    return isIdentity(perm) ? m.get(x) : emit('Transpose', [m.get(x)], { attributes: { perm } });
  },
});

const drop = defineRule({
  name: 'transpose-of-nothing',
  match: op('Transpose', [x]),
  rewrite(m) {
    const perm = permOf(m.root);
    return perm && isIdentity(perm) ? m.get(x) : null;
  },
});

/** perm, by default the axes reversed; null when that needs an unknown rank. */
function permOf(node: Node): number[] | null {
  const rank = rankOf(node.inputs[0]);
  const perm = intsAttribute(node, 'perm');
  if (perm) return perm;
  return rank === null ? null : Array.from({ length: rank }, (_, i) => rank - 1 - i);
}

const isIdentity = (perm: readonly number[]) => perm.every((p, i) => p === i);

export const collapseTransposes = definePass({
  name: 'collapse-transposes',
  summary: 'Joins transposes of transposes and drops those that move nothing',
  effect: 'exact',
  describe: counted('transpose joined', 'transposes joined'),
  prominence: 30,
  options: z.strictObject({}),
  apply: (model) => applyRules(model, [join, drop]),
});
