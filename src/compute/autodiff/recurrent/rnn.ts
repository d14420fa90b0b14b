/** The plain recurrent cell: H = f(x·W + H'·R + b), dz = dH⊙f'(z), dH' = dz·Rᵀ. f' follows from H: 1 − H² for tanh,
 *  1 where H > 0 for Relu. Source: ONNX RNN-14. */
import type { Value } from '../../../model/ir/model.ts';
import { emitLoop } from '../scan.ts';
import { type Cell, overTime, tanhSlope } from './cell.ts';

export const rnn = (activation: 'Tanh' | 'Relu'): Cell => ({
  gates: 1,
  states: 1,
  innerBias: false,

  weights: (_, recurrent) => [recurrent],

  forward(b, [hidden], projected, [recurrent]) {
    const next = b.op(activation, [b.op('Gemm', [hidden as Value, recurrent as Value, projected])]);
    return { states: [next], saved: [] };
  },

  backward({ e, reverse, first, hidden, recurrent, dHidden, dLast, before }) {
    const slope =
      activation === 'Tanh' ? tanhSlope(e, hidden) : e.op('Cast', [e.op('Greater', [hidden, 0])], { to: 1 });
    const back = e.transpose(recurrent, [1, 0]);
    const { states, outputs } = emitLoop(e, {
      states: dLast,
      sequences: [slope, dHidden].filter((v) => v !== null),
      reverse,
      step(b, [later], [factor, given]) {
        const dh = given ? b.op('Add', [later as Value, given]) : (later as Value);
        const dz = b.op('Mul', [dh, factor as Value]);
        return { states: [b.op('MatMul', [dz, back])], outputs: [dz] };
      },
    });
    const dz = outputs[0] as Value;
    return {
      states,
      projected: dz,
      recurrent: overTime(e, before(hidden, first[0] as Value), dz),
      bias: null,
    };
  },
});
