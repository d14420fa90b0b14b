/** GRU, gates in ONNX's order z r h:  z, r = σ(…)   H = (1 − z)⊙n + z⊙H'
 *    linear_before_reset 0:  n = tanh(x·Wn + (r⊙H')·Rn + b)
 *    linear_before_reset 1:  n = tanh(x·Wn + b + r⊙q),  q = H'·Rn + bR
 *  Back: dz = dH⊙(H' − n)⊙z(1−z)   dn = dH⊙(1 − z)⊙(1 − n²)   dr, dH' by the chain through n.
 *  Source: ONNX GRU-14. */
import type { Value } from '../../../model/ir/model.ts';
import type { Emitter } from '../emitter.ts';
import { emitLoop } from '../scan.ts';
import { type Cell, join, overTime, sigmoidSlope, split, sumOverTime, tanhSlope } from './cell.ts';

/** First two parts of three together, and the third. */
const twoAndOne = (e: Emitter, v: Value): [Value, Value] => {
  const size = (e.dims(v).at(-1) as number) / 3;
  return e.ops('Split', [v, e.ints([2 * size, size])], 2, { axis: -1 }) as [Value, Value];
};

/** (1 − z)⊙n + z⊙H' = n + z⊙(H' − n) */
const blend = (b: Emitter, update: Value, candidate: Value, hidden: Value) =>
  b.op('Add', [candidate, b.op('Mul', [update, b.op('Sub', [hidden, candidate])])]);

/** dz and dn as factors of dH, [T, B, H] each. */
function outerFactors(e: Emitter, update: Value, candidate: Value, before: Value): [Value, Value] {
  return [
    e.op('Mul', [e.op('Sub', [before, candidate]), sigmoidSlope(e, update)]),
    e.op('Mul', [e.op('Sub', [1, update]), tanhSlope(e, candidate)]),
  ];
}

const incoming = (b: Emitter, later: Value, given: Value | undefined) =>
  given ? b.op('Add', [later, given]) : later;

/** linear_before_reset = 1, PyTorch's form. */
export const gruAfter: Cell = {
  gates: 3,
  states: 1,
  innerBias: true,

  weights: (_, recurrent, bias) => (bias ? [recurrent, bias] : [recurrent]),

  forward(b, [hidden], projected, weights) {
    const [gatesX, candidateX] = twoAndOne(b, projected);
    const sums = b.op('Gemm', [hidden as Value, ...weights]);
    const [gatesH, q] = twoAndOne(b, sums);
    const open = b.op('Sigmoid', [b.op('Add', [gatesX, gatesH])]);
    const [update, reset] = split(b, open, 2) as [Value, Value];
    const candidate = b.op('Tanh', [b.op('Add', [candidateX, b.op('Mul', [reset, q])])]);
    return { states: [blend(b, update, candidate, hidden as Value)], saved: [open, candidate, q] };
  },

  backward(given) {
    const { e, reverse, first, hidden, saved, recurrent, dHidden, dLast } = given;
    const [open, candidate, q] = saved as [Value, Value, Value];
    const [update, reset] = split(e, open, 2) as [Value, Value];
    const before = given.before(hidden, first[0] as Value);
    const [byUpdate, byCandidate] = outerFactors(e, update, candidate, before);
    const byReset = e.op('Mul', [byCandidate, e.op('Mul', [q, sigmoidSlope(e, reset)])]);
    const factors = join(e, byUpdate, byReset, e.op('Mul', [byCandidate, reset]));
    const back = e.transpose(recurrent, [1, 0]);
    const { states, outputs } = emitLoop(e, {
      states: dLast,
      sequences: [factors, update, dHidden].filter((v) => v !== null),
      reverse,
      step(b, [later], [factor, keep, more]) {
        const dh = incoming(b, later as Value, more);
        const sums = b.op('Mul', [factor as Value, join(b, dh, dh, dh)]);
        // dH' = sums·Rᵀ + dH⊙z
        const kept = b.op('Mul', [dh, keep as Value]);
        return { states: [b.op('Gemm', [sums, back, kept])], outputs: [sums, dh] };
      },
    });
    const [sums, dh] = outputs as [Value, Value];
    const [gates] = twoAndOne(e, sums);
    return {
      states,
      projected: join(e, gates, e.op('Mul', [dh, byCandidate])),
      recurrent: overTime(e, before, sums),
      bias: sumOverTime(e, sums),
    };
  },
};

/** linear_before_reset = 0, ONNX's default. */
export const gruBefore: Cell = {
  gates: 3,
  states: 1,
  innerBias: false,

  weights: (e, recurrent) => twoAndOne(e, recurrent),

  forward(b, [hidden], projected, [gatesR, candidateR]) {
    const [gatesX, candidateX] = twoAndOne(b, projected);
    const open = b.op('Sigmoid', [b.op('Gemm', [hidden as Value, gatesR as Value, gatesX])]);
    const [update, reset] = split(b, open, 2) as [Value, Value];
    const shown = b.op('Mul', [reset, hidden as Value]);
    const candidate = b.op('Tanh', [b.op('Gemm', [shown, candidateR as Value, candidateX])]);
    return { states: [blend(b, update, candidate, hidden as Value)], saved: [open, candidate] };
  },

  backward(given) {
    const { e, reverse, first, hidden, saved, recurrent, dHidden, dLast } = given;
    const [open, candidate] = saved as [Value, Value];
    const [update, reset] = split(e, open, 2) as [Value, Value];
    const before = given.before(hidden, first[0] as Value);
    const [byUpdate, byCandidate] = outerFactors(e, update, candidate, before);
    const byReset = e.op('Mul', [before, sigmoidSlope(e, reset)]);
    const [gatesBack, candidateBack] = twoAndOne(e, recurrent).map((v) => e.transpose(v, [1, 0])) as [
      Value,
      Value,
    ];
    const { states, outputs } = emitLoop(e, {
      states: dLast,
      sequences: [byUpdate, byCandidate, byReset, update, reset, dHidden].filter((v) => v !== null),
      reverse,
      step(b, [later], [zFactor, nFactor, rFactor, keep, shown, more]) {
        const dh = incoming(b, later as Value, more);
        const dn = b.op('Mul', [dh, nFactor as Value]);
        const through = b.op('MatMul', [dn, candidateBack]);
        const gates = join(b, b.op('Mul', [dh, zFactor as Value]), b.op('Mul', [through, rFactor as Value]));
        const kept = b.op('Add', [b.op('Mul', [dh, keep as Value]), b.op('Mul', [through, shown as Value])]);
        return { states: [b.op('Gemm', [gates, gatesBack, kept])], outputs: [gates, dn] };
      },
    });
    const [gates, dn] = outputs as [Value, Value];
    return {
      states,
      projected: join(e, gates, dn),
      recurrent: join(e, overTime(e, before, gates), overTime(e, e.op('Mul', [reset, before]), dn)),
      bias: null,
    };
  },
};
