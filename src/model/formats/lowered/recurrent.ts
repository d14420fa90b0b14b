/** What LSTM, GRU and RNN say of themselves: gates, weights of each direction, and what writers have no form for. How a step is
 *  computed is theirs. Source: ONNX LSTM-22, GRU-22, RNN-22. */
import { floatAttribute, intAttribute } from '../../ir/attribute.ts';
import { type Node, shapeOf } from '../../ir/model.ts';
import { float32Values } from '../../ir/tensor.ts';
import { constantNumbers } from '../../rewrite/arguments.ts';
import { refuse } from './refusal.ts';
import { floatWeight, reshapedWeight, slicedWeight, type Weight } from './weights.ts';

export interface RecurrentKind {
  readonly gates: number;
  /** Activations of one direction. */
  readonly usual: readonly string[];
  readonly states: 1 | 2;
  /** Rows of the recurrent bias that join the input's; the others are added inside the step. */
  readonly joinsBias: (node: Node, gate: number) => boolean;
}

/** Gates i, o, f, c. */
export const lstmKind: RecurrentKind = {
  gates: 4,
  usual: ['Sigmoid', 'Tanh', 'Tanh'],
  states: 2,
  joinsBias: () => true,
};

/** Gates z, r, h. */
export const gruKind: RecurrentKind = {
  gates: 3,
  usual: ['Sigmoid', 'Tanh'],
  states: 1,
  joinsBias: (node, gate) => gate < 2 || !isResetLate(node),
};

export const rnnKind: RecurrentKind = { gates: 1, usual: ['Tanh'], states: 1, joinsBias: () => true };

/** Whether a GRU's reset gate multiplies the product with the state, its bias too, and not the state. */
export const isResetLate = (node: Node): boolean => intAttribute(node, 'linear_before_reset', 0) !== 0;

export interface Direction {
  readonly node: Node;
  readonly hidden: number;
  /** [gates·hidden, input], [gates·hidden, hidden], [2·gates·hidden]; of this direction. */
  readonly input: Weight;
  readonly recurrent: Weight;
  readonly bias: Weight | null;
  readonly peepholes: Weight | null;
  /** Names of its activations, in lower case. */
  readonly activations: readonly string[];
}

/** Weights of each direction, without the axis of directions.
 *  @throws RefusedNode when they are computed, or for settings that writers have no form for */
export function directionsOf(
  node: Node,
  kind: RecurrentKind,
  weightOf: (value: Node['inputs'][number] | undefined) => Weight | null,
): Direction[] {
  checkSettings(node);
  const weightAt = (index: number) =>
    weightOf(node.inputs[index]) ?? refuse(node, 'its weights are computed while it runs');
  const optional = (index: number) => (node.inputs[index] ? weightAt(index) : null);
  const [input, recurrent] = [weightAt(1), weightAt(2)];
  const [bias, peepholes] = [optional(3), kind.states === 2 ? optional(7) : null];
  const hidden = recurrent.tensor.dims.at(-1)!;
  return Array.from({ length: recurrent.tensor.dims[0]! }, (_, i) => {
    const own = (w: Weight) => {
      const one = slicedWeight(w, 0, i, i + 1);
      return reshapedWeight(one, one.tensor.dims.slice(1));
    };
    return {
      ...{ node, hidden, input: own(input), recurrent: own(recurrent) },
      bias: bias && own(bias),
      peepholes: peepholes && own(peepholes),
      activations: activationsOf(node, i, kind.usual),
    };
  });
}

/** Those whose slope or shift an attribute may set. */
const settable = new Set(['hardsigmoid', 'elu', 'leakyrelu', 'thresholdedrelu', 'affine', 'scaledtanh']);

/** Of one direction. @throws RefusedNode for those that are set otherwise than usual */
function activationsOf(node: Node, direction: number, usual: readonly string[]): string[] {
  const a = node.attributes.get('activations');
  const given = a?.type === 'strings' ? a.value.map((s) => new TextDecoder().decode(s)) : [];
  const names = usual.map((name, i) => (given[direction * usual.length + i] ?? name).toLowerCase());
  const isSet = node.attributes.has('activation_alpha') || node.attributes.has('activation_beta');
  const set = isSet ? names.find((name) => settable.has(name)) : undefined;
  return set ? refuse(node, `its activation ${set} has settings of its own`) : names;
}

function checkSettings(node: Node): void {
  if (floatAttribute(node, 'clip', 0) !== 0) refuse(node, 'it clips its gates');
  if (intAttribute(node, 'input_forget', 0) !== 0) refuse(node, 'it couples input and forget gate');
  const lengths = node.inputs[4];
  const steps = shapeOf(node.inputs[0])?.[intAttribute(node, 'layout', 0) === 0 ? 0 : 1];
  if (lengths && !constantNumbers(lengths)?.every((n) => n === steps))
    refuse(node, 'its sequences have lengths of their own');
}

/** Bias of the input's products: the input's own, plus what of the recurrent one can be added at once; null without one. */
export function joinedBias({ node, bias, hidden }: Direction, kind: RecurrentKind): number[] | null {
  if (!bias) return null;
  const values = Array.from(float32Values(floatWeight(bias)));
  const rows = kind.gates * hidden;
  return values
    .slice(0, rows)
    .map((v, i) => (kind.joinsBias(node, Math.floor(i / hidden)) ? v + values[rows + i]! : v));
}
