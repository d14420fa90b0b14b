/** What a gradient rule and a lowering see of their node. The tables are in rules/ and lowerings/. */
import type { Node, Value } from '../../model/ir/model.ts';
import { defineNote } from '../../model/ir/note.ts';
import type { Emitter } from './emitter.ts';

export interface RuleContext extends Emitter {
  readonly node: Node;
  /** Input `index`; the rule knows that it is there. @throws GRAPH_INVALID when it is left out */
  input(index: number): Value;
  /** Whether the loss's derivative by this input is asked for; a rule needn't compute the others. */
  wants(index: number): boolean;
  output(index: number): Value;
  /** Derivative of the loss by output `index`, with that output's shape; null when the loss doesn't depend on it. */
  gradient(index: number): Value | null;
}

/** Derivative of the loss by each input, in order: same shape as the input, null where there is none or it isn't wanted.
 *  Called only when the gradient of at least one output is there. Emits ONNX nodes of opset 18 or later, float32. */
export type GradientRule = (c: RuleContext) => readonly (Value | null)[];
export type GradientTable = Readonly<Record<string, GradientRule>>;

export interface LoweringContext extends Emitter {
  readonly node: Node;
  /** 'train': batch statistics, dropout; 'infer': as deployed. */
  readonly mode: 'train' | 'infer';
  input(index: number): Value;
  has(index: number): boolean;
  /** Uniform random numbers in [0, 1), new in every step and the same again for the same seed and step. */
  random(dims: readonly number[]): Value;
  /** After the step, initialiser `state` (a running mean) is to hold `next`. */
  update(state: Value, next: Value): void;
}

/** The node's outputs in terms of simpler operators, null for outputs nobody reads; or null to leave the node as it is. */
export type Lowering = (c: LoweringContext) => readonly (Value | null)[] | null;
export type LoweringTable = Readonly<Record<string, Lowering>>;

/** On a Round of a fake quantisation: its gradient passes as if it weren't there. */
export const straightThrough = defineNote<Node, true>('straight through');
