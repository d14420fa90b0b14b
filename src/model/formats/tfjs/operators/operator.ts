/** What an operator of a graph-model is to the reader. */
import type { Value } from '../../../ir/model.ts';
import type { Emitter } from '../../emit/index.ts';
import type { Attributes } from '../graph/attributes.ts';

export interface OperatorCall {
  /** Named after the node. */
  readonly e: Emitter;
  readonly inputs: readonly Value[];
  readonly attributes: Attributes;
}

/** Writes the node. @returns its outputs, in order of their ports */
export type Operator = (call: OperatorCall) => Value | readonly Value[];
export type OperatorTable = Readonly<Record<string, Operator>>;

/** An input that the operator can't do without. @throws TFJS_OPERATOR_FORM */
export const inputOf = ({ e, inputs }: OperatorCall, index: number): Value =>
  inputs[index] ?? e.refuse(`it has ${inputs.length} inputs, and none at ${index}`);

/** The first two inputs. */
export const pairOf = (call: OperatorCall): [Value, Value] => [inputOf(call, 0), inputOf(call, 1)];

/** Numbers that the operator takes as an input and ONNX as an attribute. */
export const numbersOf = (call: OperatorCall, index: number, what: string): number[] =>
  call.e.known(inputOf(call, index), what);

/** An axis from the front. @throws TFJS_OPERATOR_FORM outside the rank */
export function axisWithin({ e }: OperatorCall, axis: number, rank: number): number {
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(at) || at < 0 || at >= rank) e.refuse(`axis ${axis} of rank ${rank}`);
  return at;
}
