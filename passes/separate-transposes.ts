/** Keeps a rotation of leading axes apart from the float16 product that reads it.
 *    MatMul(Transpose(x, [1 … r−2, 0, r−1]), w)   ⇒   Squeeze(MatMul(Unsqueeze(Transpose(x), 0), w), 0)
 *  so for both orders of the last two axes of the Transpose, and either factor. onnxruntime up to 1.30 fuses such a
 *  Transpose into the product and dies when that is turned into float32, where no float16 kernel is: the process ends
 *  without an error. With an axis of size 1 before it the fusion doesn't match, and nothing is moved in memory.
 *  Left alone: other types, other orders of axes, factors of unknown rank.
 *  Source: onnxruntime's MatmulTransposeFusion. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { intsAttribute } from '../src/model/ir/attribute.ts';
import { dtypeOf, isOp, type Value } from '../src/model/ir/model.ts';
import { tensorOf } from '../src/model/ir/tensor.ts';
import { applyRules } from '../src/model/rewrite/apply.ts';
import { rankOf } from '../src/model/rewrite/arguments.ts';
import { op, value } from '../src/model/rewrite/pattern.ts';
import { defineRule, skip } from '../src/model/rewrite/rule.ts';

const left = value();
const right = value();

const separate = defineRule({
  name: 'separate-transpose',
  match: op('MatMul', [left, right]),
  rewrite(m, emit) {
    const factors = [m.get(left), m.get(right)];
    if (factors.some((v) => dtypeOf(v) !== 'float16') || !factors.some(isRotated)) return null;
    const ranks = factors.map((v) => (isRotated(v) ? rotation(v)!.length : rankOf(v)));
    if (ranks.some((rank) => rank === null)) return skip('rank-unknown');
    const axis = tensorOf('int64', [1], [0]);
    const apart = factors.map((v) => (isRotated(v) ? emit('Unsqueeze', [v, axis]) : v));
    const product = emit('MatMul', apart);
    const [most, widened] = [
      Math.max(...(ranks as number[])),
      Math.max(...(ranks as number[]).map((rank, i) => rank + (apart[i] === factors[i] ? 0 : 1))),
    ];
    // A factor with more axes has some before the new one.
    return widened > most ? emit('Squeeze', [product, axis]) : product;
  },
});

const rotation = ({ producer }: Value) =>
  producer && isOp(producer, 'Transpose') ? intsAttribute(producer, 'perm') : undefined;

/** Whether it is a Transpose whose first axis becomes one of the last two, all others staying in order. */
function isRotated(v: Value): boolean {
  const perm = rotation(v);
  if (!perm || perm.length < 3) return false;
  const leading = perm.slice(0, -2).every((axis, i) => axis === i + 1);
  return leading && perm.slice(-2).includes(0);
}

export const separateTransposes = definePass({
  name: 'separate-transposes',
  summary: 'Keeps Transposes of leading axes apart from float16 products, which onnxruntime dies of fusing',
  effect: 'exact',
  describe: counted('Transpose kept apart', 'Transposes kept apart'),
  needs: () => ({ opset: 13 }),
  options: z.strictObject({}),
  apply: (model) => applyRules(model, [separate]),
});
