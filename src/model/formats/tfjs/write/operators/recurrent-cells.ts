/** What one step of LSTM, GRU and RNN computes.
 *  Source: ONNX LSTM-22, GRU-22, RNN-22. */
import type { Node } from '../../../../ir/model.ts';
import {
  type Direction,
  gruKind,
  isResetLate,
  lstmKind,
  type RecurrentKind,
  rnnKind,
} from '../../../lowered/recurrent.ts';
import { permuted, slicedWeight, type Weight } from '../../../lowered/weights.ts';
import { type Emitter, refuse } from '../emitter.ts';
import type { Ref } from '../graph.ts';

type Activate = (e: Emitter, x: Ref) => Ref;

const plainActivations: Readonly<Record<string, string>> = {
  sigmoid: 'Sigmoid',
  tanh: 'Tanh',
  relu: 'Relu',
  softplus: 'Softplus',
  elu: 'Elu',
};

/** @param name  in lower case */
function activation(node: Node, name: string): Activate {
  if (name === 'hardsigmoid')
    return (e, x) =>
      e.op('ClipByValue', [
        e.op('AddV2', [e.op('Mul', [x, e.float(0.2)]), e.float(0.5)]),
        e.float(0),
        e.float(1),
      ]);
  const op = Object.hasOwn(plainActivations, name) ? plainActivations[name] : undefined;
  return op ? (e, x) => e.op(op, [x]) : refuse(node, `its activation is ${name}`);
}

const activationsOf = (d: Direction): Activate[] => d.activations.map((name) => activation(d.node, name));

export interface Step {
  /** [hidden, rows] */
  readonly matrices: readonly Weight[];
  /** What a step makes of the state: the input's part of the gates [batch, gates·hidden], the states [batch, hidden].
   *  @param recurrent  the matrices
   *  @returns the states after it, the output first */
  readonly advance: (
    e: Emitter,
    gates: Ref,
    states: readonly Ref[],
    recurrent: readonly Ref[],
  ) => readonly Ref[];
}

export interface Kind extends RecurrentKind {
  readonly step: (d: Direction) => Step;
}

export const times = (e: Emitter, x: Ref, matrix: Ref): Ref =>
  e.op('MatMul', [x, matrix], { transpose_a: { bool: false }, transpose_b: { bool: false } });

export const turnedMatrix = (weight: Weight): Weight => permuted(weight, [1, 0]);

const split = (e: Emitter, x: Ref, count: number): Ref[] =>
  e.ops('Split', [e.int(1), x], Array(count).fill('float32'), { num_split: { int: count } });

const add = (e: Emitter, a: Ref, b: Ref) => e.op('AddV2', [a, b]);
const mul = (e: Emitter, a: Ref, b: Ref) => e.op('Mul', [a, b]);

export const lstm: Kind = {
  ...lstmKind,
  step(d) {
    const [f, g, h] = activationsOf(d) as [Activate, Activate, Activate];
    const advance: Step['advance'] = (e, gates, [hidden, cell], [recurrent]) => {
      const [i, o, forget, c] = split(e, add(e, gates, times(e, hidden!, recurrent!)), 4) as [
        Ref,
        Ref,
        Ref,
        Ref,
      ];
      const seen = (x: Ref, gate: number, state: Ref) =>
        d.peepholes
          ? add(
              e,
              x,
              mul(e, state, e.weight(slicedWeight(d.peepholes, 0, gate * d.hidden, (gate + 1) * d.hidden))),
            )
          : x;
      const kept = mul(e, f(e, seen(forget, 2, cell!)), cell!);
      const next = add(e, kept, mul(e, f(e, seen(i, 0, cell!)), g(e, c)));
      return [mul(e, f(e, seen(o, 1, next)), h(e, next)), next];
    };
    return { matrices: [turnedMatrix(d.recurrent)], advance };
  },
};

export const gru: Kind = {
  ...gruKind,
  step(d) {
    const [f, g] = activationsOf(d) as [Activate, Activate];
    const late = isResetLate(d.node);
    const rows = (from: number, to: number) =>
      turnedMatrix(slicedWeight(d.recurrent, 0, from * d.hidden, to * d.hidden));
    const advance: Step['advance'] = (e, gates, [hidden], [both, own]) => {
      const [xz, xr, xh] = split(e, gates, 3) as [Ref, Ref, Ref];
      const [hz, hr] = split(e, times(e, hidden!, both!), 2) as [Ref, Ref];
      const z = f(e, add(e, xz, hz));
      const r = f(e, add(e, xr, hr));
      const candidate = late
        ? mul(e, r, lateBias(e, d, times(e, hidden!, own!)))
        : times(e, mul(e, r, hidden!), own!);
      const fresh = g(e, add(e, xh, candidate));
      return [add(e, fresh, mul(e, z, e.op('Sub', [hidden!, fresh])))];
    };
    return { matrices: [rows(0, 2), rows(2, 3)], advance };
  },
};

/** The recurrent bias of gate h, which the reset gate multiplies too. */
const lateBias = (e: Emitter, d: Direction, x: Ref): Ref =>
  d.bias ? add(e, x, e.weight(slicedWeight(d.bias, 0, 5 * d.hidden, 6 * d.hidden))) : x;

export const rnn: Kind = {
  ...rnnKind,
  step(d) {
    const [f] = activationsOf(d) as [Activate];
    return {
      matrices: [turnedMatrix(d.recurrent)],
      advance: (e, gates, [hidden], [recurrent]) => [f(e, add(e, gates, times(e, hidden!, recurrent!)))],
    };
  },
};
