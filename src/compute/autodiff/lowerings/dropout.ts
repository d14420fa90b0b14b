/** Dropout. In training each element is kept with probability 1 − ratio and divided by that (arXiv:1207.0580); as
 *  deployed it does nothing. The node's own training_mode is how the file was exported, so it doesn't count. */
import { constantOf } from '../../../model/ir/model.ts';
import { numbers, tensorOf } from '../../../model/ir/tensor.ts';
import type { Lowering, LoweringTable } from '../rule.ts';

const dropout: Lowering = (c) => {
  const x = c.input(0);
  const given = c.has(1) ? constantOf(c.input(1)) : null;
  const ratio = given ? (numbers(given)[0] ?? 0.5) : c.has(1) ? c.input(1) : 0.5;
  const reads = (i: number) => (c.node.outputs[i]?.uses.length ?? 0) > 0;
  const kept = () => c.op('Expand', [c.constant(tensorOf('bool', [], [1])), c.ints(c.dims(x))]);
  if (c.mode === 'infer' || ratio === 0) return [c.op('Identity', [x]), reads(1) ? kept() : null];
  if (typeof ratio === 'number' && ratio >= 1)
    return [c.op('Mul', [x, 0]), reads(1) ? c.op('Not', [kept()]) : null];
  const keep = c.op('GreaterOrEqual', [c.random(c.dims(x)), ratio]);
  const share = typeof ratio === 'number' ? 1 / (1 - ratio) : c.op('Reciprocal', [c.op('Sub', [1, ratio])]);
  const factor = c.op('Mul', [c.op('Cast', [keep], { to: 1 }), share]);
  return [c.op('Mul', [x, factor]), keep];
};

export const dropoutLowerings: LoweringTable = { Dropout: dropout };
