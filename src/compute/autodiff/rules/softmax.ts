/** Softmax and its logarithm along one axis (opset 13 on), from the output that is there already. */
import { intAttribute } from '../../../model/ir/attribute.ts';
import type { Value } from '../../../model/ir/model.ts';
import type { GradientTable, RuleContext } from '../rule.ts';

const sumAlong = (c: RuleContext, v: Value) => {
  const rank = c.dims(v).length;
  const axis = intAttribute(c.node, 'axis', -1);
  return c.op('ReduceSum', [v, c.ints([axis < 0 ? axis + rank : axis])], { keepdims: 1 });
};

export const softmax: GradientTable = {
  /** dx = y·(dy − Σ dy·y), as dy·y − y·Σ dy·y: the product is made once. */
  Softmax: (c) => {
    const y = c.output(0);
    const weighted = c.op('Mul', [c.gradient(0), y]);
    return [c.op('Sub', [weighted, c.op('Mul', [y, sumAlong(c, weighted)])])];
  },
  /** dx = dy − softmax(x)·Σ dy. */
  LogSoftmax: (c) => {
    const g = c.gradient(0) as Value;
    return [c.op('Sub', [g, c.op('Mul', [c.op('Exp', [c.output(0)]), sumAlong(c, g)])])];
  },
};
