/** A recurrent cell: one step forwards, written so that what the way back needs is put out, and the way back through
 *  time. T steps, batch B, hidden H, k gates. */

import { isOp, type Node, type Value } from '../../../model/ir/model.ts';
import { defineNote } from '../../../model/ir/note.ts';
import type { Emitter } from '../emitter.ts';
import { emitLoop, isReversed } from '../scan.ts';

export interface Cell {
  /** k */
  readonly gates: number;
  /** Hidden state, and cell state of an LSTM. */
  readonly states: 1 | 2;
  /** Whether the recurrent bias is added inside the step rather than to the projected input. */
  readonly innerBias: boolean;
  /** What the steps read of the graph around them: [H, k·H] and, where innerBias, [k·H], in the form they need. */
  weights(e: Emitter, recurrent: Value, bias: Value | null): readonly Value[];
  /** @param projected  [B, k·H] W·x and the biases of this step
   *  @returns next states [B, H] (hidden state first) and what to keep of the step */
  forward(
    body: Emitter,
    states: readonly Value[],
    projected: Value,
    weights: readonly Value[],
  ): { readonly states: readonly Value[]; readonly saved: readonly Value[] };
  backward(b: Backward): CellGradients;
}

/** What the way back starts from. Sequences are [T, B, …]. */
interface Backward {
  readonly e: Emitter;
  /** The way back runs from the last step of the way forward to its first. */
  readonly reverse: boolean;
  readonly first: readonly Value[];
  /** Hidden state after every step, [T, B, H]. */
  readonly hidden: Value;
  readonly saved: readonly Value[];
  readonly recurrent: Value;
  /** Gradient by `hidden`; null when only the last states count. */
  readonly dHidden: Value | null;
  /** Gradients by the states after the last step, [B, H] each. */
  readonly dLast: readonly Value[];
  /** A sequence of states as seen before each step: `first`, then all but the last. */
  before(sequence: Value, first: Value): Value;
}

interface CellGradients {
  readonly states: readonly Value[];
  /** [T, B, k·H] */
  readonly projected: Value;
  /** [H, k·H] */
  readonly recurrent: Value;
  /** [k·H] where innerBias. */
  readonly bias: Value | null;
}

const noted = defineNote<Node, Noted>('recurrent cell');

interface Noted {
  readonly cell: Cell;
  readonly recurrent: Value;
  readonly bias: Value | null;
}

/** The Scan over time of a cell, noted as one for its gradient rule.
 *  @returns hidden states [T, B, H] and the last states [B, H] */
export function emitCell(
  e: Emitter,
  cell: Cell,
  first: readonly Value[],
  projected: Value,
  read: { readonly recurrent: Value; readonly bias: Value | null },
  reverse: boolean,
): { readonly hidden: Value; readonly last: readonly Value[] } {
  const weights = cell.weights(e, read.recurrent, read.bias);
  const { node, states, outputs } = emitLoop(e, {
    states: first,
    sequences: [projected],
    reverse,
    step(body, now, [slice]) {
      const next = cell.forward(body, now, slice as Value, weights);
      return { states: next.states, outputs: [next.states[0] as Value, ...next.saved] };
    },
  });
  noted.set(node, { cell, ...read });
  return { hidden: outputs[0] as Value, last: states };
}

/** The cell that a Scan of ours runs; null for a Scan of the model's own. */
export const notedCell = (node: Node): Noted | null =>
  isOp(node, 'Scan') ? (noted.get(node) ?? null) : null;

/** What backward() is told of a Scan that emitCell made. */
export function backwardOf(
  e: Emitter,
  node: Node,
  noted: Noted,
  gradient: (output: number) => Value | null,
): Backward {
  const { cell, recurrent } = noted;
  const reverse = !isReversed(node);
  const first = node.inputs.slice(0, cell.states) as Value[];
  const hidden = node.outputs[cell.states] as Value;
  const steps = e.dims(hidden)[0] as number;
  return {
    e,
    reverse,
    first,
    hidden,
    saved: node.outputs.slice(cell.states + 1) as Value[],
    recurrent,
    dHidden: gradient(cell.states),
    dLast: first.map((v, i) => gradient(i) ?? e.full(e.dims(v), 0)),
    before(sequence, start) {
      const lead = e.reshape(start, [1, ...e.dims(start)]);
      if (steps === 1) return lead;
      const [from, to] = reverse ? [0, steps - 1] : [1, steps];
      const rest = e.op('Slice', [sequence, e.ints([from]), e.ints([to]), e.ints([0])]);
      return e.op('Concat', reverse ? [lead, rest] : [rest, lead], { axis: 0 });
    },
  };
}

/** Gradient by the recurrent weight [H, k·H]: one product over all steps.
 *  @param before  [T, B, H], what the weight multiplied  @param d  [T, B, k·H] */
export function overTime(e: Emitter, before: Value, d: Value): Value {
  const flat = (v: Value) => {
    const [steps = 1, batch = 1, size = 1] = e.dims(v);
    return e.reshape(v, [steps * batch, size]);
  };
  return e.op('Gemm', [flat(before), flat(d)], { transA: 1 });
}

/** [T, B, k] summed over time and batch. */
export function sumOverTime(e: Emitter, d: Value): Value {
  const [steps = 1, batch = 1, size = 1] = e.dims(d);
  return e.op('ReduceSum', [e.reshape(d, [steps * batch, size]), e.ints([0])], { keepdims: 0 });
}

/** Equal parts along the last axis. */
export const split = (e: Emitter, v: Value, parts: number): Value[] =>
  e.ops('Split', [v], parts, { axis: -1, num_outputs: parts });

export const join = (e: Emitter, ...parts: Value[]): Value =>
  parts.length === 1 ? (parts[0] as Value) : e.op('Concat', parts, { axis: -1 });

/** s·(1 − s) of a sigmoid's value s. */
export const sigmoidSlope = (e: Emitter, s: Value): Value => e.op('Mul', [s, e.op('Sub', [1, s])]);
/** 1 − t² of a hyperbolic tangent's value t. */
export const tanhSlope = (e: Emitter, t: Value): Value => e.op('Sub', [1, e.op('Mul', [t, t])]);
