/** LSTM, GRU and RNN, step by step: the products with the input are one for the whole sequence. LiteRT's own sequence kernels
 *  keep their state from one run to the next, so that a second run would give other results.
 *  Source: ONNX LSTM-22, GRU-22, RNN-22. */
import { intAttribute, textAttribute } from '../../../../ir/attribute.ts';
import type { Node, Value } from '../../../../ir/model.ts';
import { tensorOf } from '../../../../ir/tensor.ts';
import {
  type Direction,
  directionsOf,
  gruKind,
  isResetLate,
  joinedBias,
  lstmKind,
  type RecurrentKind,
  rnnKind,
} from '../../../lowered/recurrent.ts';
import { floatWeight, plainWeight, slicedWeight, type Weight } from '../../../lowered/weights.ts';
import { type Emitter, type LiteRow, type LiteRows, refuse, reshaped, shaped } from '../emitter.ts';
import type { LiteTensor } from '../graph.ts';
import { hardSigmoid } from './activations.ts';
import { binary, gathered, unary } from './arithmetic.ts';
import { concat, transposed } from './shaping.ts';
import { cutAlong } from './slicing.ts';

/** Longer ones would be files of tens of thousands of operators. */
const mostSteps = 512;

type Activate = (e: Emitter, x: LiteTensor) => LiteTensor;

const ownActivations = { sigmoid: 'LOGISTIC', tanh: 'TANH', relu: 'RELU', elu: 'ELU' } as const;

/** @param name  in lower case */
function activation(node: Node, name: string): Activate {
  if (name === 'hardsigmoid') return (e, x) => hardSigmoid(e, x, 0.2, 0.5);
  const op = Object.hasOwn(ownActivations, name) ? ownActivations[name as keyof typeof ownActivations] : null;
  return op ? (e, x) => unary(e, op, x) : refuse(node, `its activation is ${name}`);
}

const activationsOf = (d: Direction): Activate[] => d.activations.map((name) => activation(d.node, name));

/** What a step makes of the state: the input's part of the gates [batch, gates·hidden], the states [batch, hidden].
 *  @returns the states after it, the output first */
type Step = (gates: LiteTensor, states: readonly LiteTensor[]) => readonly LiteTensor[];

interface Kind extends RecurrentKind {
  readonly step: (d: Direction, e: Emitter) => Step;
}

/** x [rows, in] times weights [out, in], plus a bias [out]. */
function layer(e: Emitter, x: LiteTensor, weight: LiteTensor, bias: LiteTensor): LiteTensor {
  const type = shaped(x, [x.shape[0]!, weight.shape[0]!]);
  return e.op('FULLY_CONNECTED', [x, weight, bias], type, ['FullyConnectedOptions', {}]);
}

const zeros = (e: Emitter, count: number) =>
  e.constant(tensorOf('float32', [count], new Float32Array(count)));

/** Columns of [batch, count·hidden], one tensor each. */
function gatesOf(e: Emitter, x: LiteTensor, count: number): LiteTensor[] {
  const types = Array(count).fill(shaped(x, [x.shape[0]!, x.shape[1]! / count]));
  return e.ops('SPLIT', [e.int(1), x], types, ['SplitOptions', { numSplits: count }]);
}

const add = (e: Emitter, a: LiteTensor, b: LiteTensor) => binary(e, 'ADD', a, b);
const mul = (e: Emitter, a: LiteTensor, b: LiteTensor) => binary(e, 'MUL', a, b);

const lstm: Kind = {
  ...lstmKind,
  step(d, e) {
    const [f, g, h] = activationsOf(d) as [Activate, Activate, Activate];
    const weight = e.weight(d.recurrent);
    const none = zeros(e, 4 * d.hidden);
    const holes = d.peepholes;
    const views =
      holes && [0, 1, 2].map((i) => e.weight(slicedWeight(holes, 0, i * d.hidden, (i + 1) * d.hidden)));
    const seen = (x: LiteTensor, gate: number, state: LiteTensor) =>
      views ? add(e, x, mul(e, state, views[gate]!)) : x;
    return (gates, [hidden, cell]) => {
      const all = add(e, gates, layer(e, hidden!, weight, none));
      const [i, o, forget, c] = gatesOf(e, all, 4) as [LiteTensor, LiteTensor, LiteTensor, LiteTensor];
      const kept = mul(e, f(e, seen(forget, 2, cell!)), cell!);
      const next = add(e, kept, mul(e, f(e, seen(i, 0, cell!)), g(e, c)));
      return [mul(e, f(e, seen(o, 1, next)), h(e, next)), next];
    };
  },
};

const gru: Kind = {
  ...gruKind,
  step(d, e) {
    const [f, g] = activationsOf(d) as [Activate, Activate];
    const late = isResetLate(d.node);
    const rows = (from: number, to: number) =>
      e.weight(slicedWeight(d.recurrent, 0, from * d.hidden, to * d.hidden));
    const [outer, inner] = [rows(0, 2), rows(2, 3)];
    const none = zeros(e, 2 * d.hidden);
    // The recurrent bias of gate h, which the reset gate multiplies too.
    const bias =
      late && d.bias ? e.weight(slicedWeight(d.bias, 0, 5 * d.hidden, 6 * d.hidden)) : zeros(e, d.hidden);
    return (gates, [hidden]) => {
      const [xz, xr, xh] = gatesOf(e, gates, 3) as [LiteTensor, LiteTensor, LiteTensor];
      const [hz, hr] = gatesOf(e, layer(e, hidden!, outer, none), 2) as [LiteTensor, LiteTensor];
      const z = f(e, add(e, xz, hz));
      const r = f(e, add(e, xr, hr));
      const candidate = late
        ? mul(e, r, layer(e, hidden!, inner, bias))
        : layer(e, mul(e, r, hidden!), inner, bias);
      const fresh = g(e, add(e, xh, candidate));
      return [add(e, fresh, mul(e, z, binary(e, 'SUB', hidden!, fresh)))];
    };
  },
};

const rnn: Kind = {
  ...rnnKind,
  step(d, e) {
    const [f] = activationsOf(d) as [Activate];
    const weight = e.weight(d.recurrent);
    const none = zeros(e, d.hidden);
    return (gates, [hidden]) => [f(e, add(e, gates, layer(e, hidden!, weight, none)))];
  },
};

/** The model's weight in floats. */
const floatWeightOf =
  (e: Emitter) =>
  (value: Value | null | undefined): Weight | null => {
    const weight = e.weightOf(value);
    return weight && plainWeight(floatWeight(weight));
  };

function inputBias(e: Emitter, kind: Kind, d: Direction): LiteTensor {
  const rows = kind.gates * d.hidden;
  const values = joinedBias(d, kind);
  return values ? e.constant(tensorOf('float32', [rows], values)) : zeros(e, rows);
}

function checkSteps(node: Node, steps: number): void {
  if (steps === 0) refuse(node, 'it makes nothing: its sequences have no step');
  if (steps > mostSteps)
    refuse(node, `its sequences are ${steps} steps long, and at most ${mostSteps} are written out`);
}

const recurrentNetwork = (kind: Kind): LiteRow => ({
  emit(node, e) {
    const batchFirst = intAttribute(node, 'layout', 0) !== 0;
    const given = e.input(node, 0);
    const x = batchFirst ? transposed(e, given, [1, 0, 2]) : given;
    checkSteps(node, x.shape[0]!);
    const direction = textAttribute(node, 'direction', 'forward');
    const results = directionsOf(node, kind, floatWeightOf(e)).map((d, i) => {
      const start = Array.from({ length: kind.states }, (_, s) =>
        startState(node, e, { index: i, input: 5 + s, shape: [x.shape[1]!, d.hidden], batchFirst }),
      );
      return runDirection(e, kind, d, { x, reverse: direction === 'reverse' || i === 1, start });
    });
    return collect(node, e, results, batchFirst);
  },
});

interface Start {
  readonly index: number;
  readonly input: number;
  readonly shape: readonly number[];
  readonly batchFirst: boolean;
}

/** The state before the first step, [batch, hidden]: given for all directions, or zeros. */
function startState(node: Node, e: Emitter, { index, input, shape, batchFirst }: Start): LiteTensor {
  const value = node.inputs[input];
  if (value) return gathered(e, e.plain(value), e.int(index), batchFirst ? 1 : 0);
  return e.constant(tensorOf('float32', shape, new Float32Array(shape[0]! * shape[1]!)));
}

interface Result {
  /** The output of each step, [batch, hidden]. */
  readonly outputs: readonly LiteTensor[];
  readonly states: readonly LiteTensor[];
}

interface Run {
  readonly x: LiteTensor;
  readonly reverse: boolean;
  readonly start: readonly LiteTensor[];
}

function runDirection(e: Emitter, kind: Kind, d: Direction, { x, reverse, start }: Run): Result {
  const [steps, batch, width] = x.shape as readonly [number, number, number];
  const rows = reshaped(e, x, [steps * batch, width]);
  const gates = layer(e, rows, e.weight(d.input), inputBias(e, kind, d));
  const step = kind.step(d, e);
  const outputs: LiteTensor[] = [];
  let states = start;
  for (let i = 0; i < steps; i++) {
    const at = reverse ? steps - 1 - i : i;
    states = step(cutAlong(e, gates, 0, at * batch, (at + 1) * batch), states);
    outputs[at] = states[0]!;
  }
  return { outputs, states };
}

/** Y [steps, directions, batch, hidden], then the last states [directions, batch, hidden]; batch first where asked. */
function collect(
  node: Node,
  e: Emitter,
  results: readonly Result[],
  batchFirst: boolean,
): (LiteTensor | null)[] {
  const [batch, hidden] = results[0]!.states[0]!.shape as readonly [number, number];
  const stacked = (parts: readonly LiteTensor[], shape: readonly number[]) =>
    concat(
      e,
      parts.map((part) => reshaped(e, part, shape)),
      0,
      shape.with(0, parts.length),
    );
  const steps = results[0]!.outputs.length;
  const every = results[0]!.outputs.flatMap((_, i) => results.map((r) => r.outputs[i]!));
  const flat = stacked(every, [1, batch, hidden]);
  const sequence = reshaped(e, flat, [steps, results.length, batch, hidden]);
  const states = results[0]!.states.map((_, s) => {
    const all = stacked(
      results.map((r) => r.states[s]!),
      [1, batch, hidden],
    );
    return batchFirst ? transposed(e, all, [1, 0, 2]) : all;
  });
  return [batchFirst ? transposed(e, sequence, [2, 0, 1, 3]) : sequence, ...states].slice(
    0,
    node.outputs.length,
  );
}

export const recurrent: LiteRows = {
  LSTM: recurrentNetwork(lstm),
  GRU: recurrentNetwork(gru),
  RNN: recurrentNetwork(rnn),
};
