/** Rules: a pattern and what to put in its place. */
import type { AttributeInit } from '../ir/attribute.ts';
import type { Model, Node, Value } from '../ir/model.ts';
import type { Tensor } from '../ir/tensor.ts';
import type { ValueType } from '../ir/type.ts';
import type { Match } from './match.ts';
import type { OpPattern } from './pattern.ts';

export interface Rule {
  /** For messages and tests: what it does, "fold-batchnorm-into-conv". */
  readonly name: string;
  readonly match: OpPattern;
  /** Returns what replaces the root's outputs, in order (one value when there is one), made with `emit` or there already;
   *  `skip(reason)` to leave a near match alone and say so; null when it wasn't a match after all. Never edits the
   *  graph itself: the driver does, and takes back what was emitted when the answer is not a replacement. */
  rewrite(match: Match, emit: Emit): Replacement;
}

export type Replacement = Value | readonly (Value | null)[] | Skipped | null;

export interface Skipped {
  readonly skip: string;
}

export const skip = (reason: string): Skipped => ({ skip: reason });

export const defineRule = (rule: Rule): Rule => rule;

export interface EmitOptions {
  readonly attributes?: Readonly<Record<string, AttributeInit | undefined>> | Node['attributes'];
  readonly domain?: string;
  /** Type of the (first) output, where the rule knows it; the replacement of an old value takes over that one's. */
  readonly type?: ValueType | null;
  /** Node name; by default that of a replaced node: of the same type, else the innermost; then derived from the root's. */
  readonly name?: string;
}

/** Makes nodes in front of the match's root. Tensors as inputs become initializers. */
export interface Emit {
  /** A node with one output. */
  (opType: string, inputs: readonly EmitInput[], options?: EmitOptions): Value;
  /** A node with several outputs. */
  node(opType: string, inputs: readonly EmitInput[], outputs: number, options?: EmitOptions): Node;
  /** An initializer. Takes over the name of `like` when that value disappears with the match. */
  constant(tensor: Tensor, like: Value | string): Value;
  readonly model: Model;
  /** Version of ai.onnx that the emitted nodes must conform to. */
  readonly opset: number;
}

export type EmitInput = Value | Tensor | null;
