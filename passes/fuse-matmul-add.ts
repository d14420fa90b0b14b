/** Joins a MatMul with a constant matrix and the constant bias after it into a Gemm.
 *    y = x·W + b   ⇒   Gemm(x, W, b)
 *  x [M, K] of rank 2, W [K, N], b a scalar or [N] or [1, N]. Worth it because quantisers and kernels know Gemm's bias.
 *  Left alone: inputs of higher rank (Gemm takes matrices only), a product that others read.
 *  Source: ONNX Gemm-13. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { isFloat } from '../src/model/ir/dtype.ts';
import { applyRules } from '../src/model/rewrite/apply.ts';
import { perChannel, rankOf } from '../src/model/rewrite/arguments.ts';
import { constant, op, value } from '../src/model/rewrite/pattern.ts';
import { defineRule, skip } from '../src/model/rewrite/rule.ts';

const x = value();
const w = constant({ where: (v) => v.constant.dims.length === 2 && isFloat(v.constant.dtype) });
const b = constant();
const product = op('MatMul', [x, w]);

const join = defineRule({
  name: 'matmul-add-to-gemm',
  match: op('Add', [product, b]),
  rewrite(m, emit) {
    const rank = rankOf(m.get(x));
    if (rank === null) return skip('input-rank-unknown');
    if (rank !== 2) return null;
    if (!perChannel(m.get(b).constant, 2, 1, m.get(w).constant.dims[1]!)) return skip('not-a-bias');
    return emit('Gemm', [m.get(x), m.get(w), m.get(b)]);
  },
});

export const fuseMatmulAdd = definePass({
  name: 'fuse-matmul-add',
  summary: 'Joins MatMul and the bias added after it into Gemm',
  effect: 'exact',
  describe: counted('MatMul and Add joined', 'MatMul and Add joined'),
  prominence: 65,
  // The order of summation is the engine's own.
  tolerance: 1e-5,
  options: z.strictObject({}),
  apply: (model) => applyRules(model, [join]),
});
