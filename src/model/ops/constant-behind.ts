/** Finds the constant that a node's input comes from. */

import { constantNodeTensor } from '../ir/constant-node.ts';
import { constantOf, isOp, type Node, type Value } from '../ir/model.ts';
import type { Tensor } from '../ir/tensor.ts';

interface ConstantBehind {
  /** As it is stored, before anything between it and the reader. */
  readonly tensor: Tensor;
  /** The initializer, or the output of the Constant node. */
  readonly value: Value;
  /** Nodes that the constant passes through, those nearest to it first; none when it is read bare. */
  readonly through: readonly Node[];
}

/** These hand their first input on. */
const passing = ['Cast', 'Identity', 'Transpose', 'Reshape', 'Squeeze', 'Unsqueeze', 'DequantizeLinear'];

/** The constant behind a value: bare, from a Constant node, or through nodes that only retype, move or expand it: Cast,
 *  Identity, Transpose, Reshape, Squeeze, Unsqueeze, DequantizeLinear, Mul by constants (Cast and Mul expand int8),
 *  and Gather from a palette of constants (the indices are what is stored).
 *  @returns null when the value depends on anything that is computed while running, or that a caller may override */
export function constantBehind(value: Value | null | undefined): ConstantBehind | null {
  if (!value) return null;
  const bare = constantOf(value);
  if (bare) return { tensor: bare, value, through: [] };
  const node = value.producer;
  if (!node) return null;
  const own = constantNodeTensor(node);
  if (own) return { tensor: own, value, through: [] };
  const next = nextInput(node);
  const behind = next === null ? null : constantBehind(node.inputs[next]);
  return behind && { ...behind, through: [...behind.through, node] };
}

/** Input that leads to the stored weight, the others being constants; null where the node does more than hand it on. */
function nextInput(node: Node): number | null {
  const rest = (index: number) => node.inputs.every((v, i) => i === index || !v || constantBehind(v));
  if (isOp(node, ...passing)) return rest(0) ? 0 : null;
  if (isOp(node, 'Gather')) return rest(0) && constantOf(node.inputs[0])?.dims.length === 1 ? 1 : null;
  if (!isOp(node, 'Mul')) return null;
  const [a, b] = node.inputs.map((v) => constantBehind(v));
  if (!a || !b) return null;
  return b.through.length > a.through.length ? 1 : 0;
}
