/** LSTM, gates in ONNX's order i o f c:
 *    i, o, f = σ(z…)   g = tanh(z_c)   C = f⊙C' + i⊙g   H = o⊙tanh(C),  z = x·W + H'·R + b
 *  Back, for each step (all factors known beforehand, computed for all steps at once):
 *    dC += dH⊙o⊙(1 − tanh²C)   dz = (dC⊙g⊙i(1−i), dH⊙tanh(C)⊙o(1−o), dC⊙C'⊙f(1−f), dC⊙i⊙(1−g²))
 *    dH' = dz·Rᵀ   dC' = dC⊙f
 *  Source: ONNX LSTM-14. */
import type { Value } from '../../../model/ir/model.ts';
import { emitLoop } from '../scan.ts';
import { type Cell, join, overTime, sigmoidSlope, split, tanhSlope } from './cell.ts';

export const lstm: Cell = {
  gates: 4,
  states: 2,
  innerBias: false,

  weights: (_, recurrent) => [recurrent],

  forward(b, [hidden, cell], projected, [recurrent]) {
    const h = b.dims(hidden as Value)[1] as number;
    const z = b.op('Gemm', [hidden as Value, recurrent as Value, projected]);
    const [gates, candidate] = b.ops('Split', [z, b.ints([3 * h, h])], 2, { axis: -1 }) as [Value, Value];
    const open = b.op('Sigmoid', [gates]);
    const [i, o, f] = split(b, open, 3) as [Value, Value, Value];
    const g = b.op('Tanh', [candidate]);
    const next = b.op('Add', [b.op('Mul', [f, cell as Value]), b.op('Mul', [i, g])]);
    const squashed = b.op('Tanh', [next]);
    return { states: [b.op('Mul', [o, squashed]), next], saved: [open, g, next, squashed] };
  },

  backward({ e, reverse, first, hidden, saved, recurrent, dHidden, dLast, before }) {
    const [open, g, cells, squashed] = saved as [Value, Value, Value, Value];
    const [i, o, f] = split(e, open, 3) as [Value, Value, Value];
    const [di, dO, df] = split(e, sigmoidSlope(e, open), 3) as [Value, Value, Value];
    const factors = join(
      e,
      e.op('Mul', [g, di]),
      e.op('Mul', [squashed, dO]),
      e.op('Mul', [before(cells, first[1] as Value), df]),
      e.op('Mul', [i, tanhSlope(e, g)]),
    );
    const throughCell = e.op('Mul', [o, tanhSlope(e, squashed)]);
    const back = e.transpose(recurrent, [1, 0]);
    const { states, outputs } = emitLoop(e, {
      states: dLast,
      sequences: [factors, throughCell, f, dHidden].filter((v) => v !== null),
      reverse,
      step(b, [later, laterCell], [factor, through, forget, given]) {
        const dh = given ? b.op('Add', [later as Value, given]) : (later as Value);
        const dc = b.op('Add', [laterCell as Value, b.op('Mul', [dh, through as Value])]);
        const dz = b.op('Mul', [factor as Value, join(b, dc, dh, dc, dc)]);
        return {
          states: [b.op('MatMul', [dz, back]), b.op('Mul', [dc, forget as Value])],
          outputs: [dz],
        };
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
};
