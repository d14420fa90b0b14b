/** Operators that optimisers fused around a weight, taken apart into standard ones. */
import { type Attribute, textAttribute } from '../../ir/attribute.ts';
import type { Node, Value } from '../../ir/model.ts';
import { type Emit, type Replacement, skip } from '../rule.ts';

/** Emits what a fused node computes, in standard operators (or, inside attention, in onnxruntime's own without weights);
 *  `skip(reason)` where there is no exact form. The replacement is that of a rule. */
export type Apart = (node: Node, emit: Emit) => Replacement;

/** By opKey. */
export type FusedOperators = Readonly<Record<string, Apart>>;

/** Whether an output of the node is read by anything. */
export const isRead = (node: Node, output: number): boolean => (node.outputs[output]?.uses.length ?? 0) > 0;

export const inputAt = (node: Node, index: number): Value | null => node.inputs[index] ?? null;

/** The node's attributes but these. */
export const without = (node: Node, ...names: string[]): Map<string, Attribute> =>
  new Map([...node.attributes].filter(([name]) => !names.includes(name)));

export const unknownActivation = (node: Node) =>
  skip(`activation-has-no-standard-form: ${textAttribute(node, 'activation', '')}`);
