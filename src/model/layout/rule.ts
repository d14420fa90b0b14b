/** What a rule of this room says of an operator: how it computes on a tensor whose axes stand in another order. */
import { constantOf, type Node, shapeOf, type Value } from '../ir/model.ts';
import { elementCount, type Tensor } from '../ir/tensor.ts';
import type { Permutation } from './permutation.ts';

/** One input or output of a node. */
export interface Port {
  readonly side: 'input' | 'output';
  readonly index: number;
}

/** How a node goes along when one of its ports is permuted: what every other port has to be permuted by. */
export interface Ports {
  /** null: this input stays as it is. */
  readonly inputs: readonly (Permutation | null)[];
  /** null: this output stays as it is. */
  readonly outputs: readonly (Permutation | null)[];
  /** Constants that get a copy of their own: extended to the rank by leading axes, permuted. */
  readonly constants: readonly { readonly index: number; readonly perm: Permutation }[];
}

/** What a rule may do beside setting attributes. */
export interface Edit {
  readonly opset: number;
  /** A one-dimensional value with its elements in another order: a constant, or a Gather where it is computed. */
  reorder(vector: Value, order: readonly number[]): Value;
  /** The same for a node's first output: its readers get the elements in that order. */
  reorderOutput(node: Node, order: readonly number[]): void;
  /** A new constant. In the place of another one that nothing reads any more it takes over its name. */
  constant(name: string | Value, tensor: Tensor): Value;
}

export interface LayoutRule {
  /** null: the node can't go along; it wants this port as it is. */
  ports(node: Node, at: Port, perm: Permutation, opset: number): Ports | null;
  /** Settings that name axes, for ports permuted so. Absent: there are none. Types are still those from before. */
  move?(node: Node, ports: Ports, edit: Edit): void;
}

export type LayoutTable = Readonly<Record<string, LayoutRule>>;

/** Larger constants that others read as well get no copy. */
const copiedElements = 64;

/** The same for constants of a lower rank, which mostly are biases. */
const copiedBias = 4096;

/** Whether the input takes a copy of its constant, in another order. */
export function isCopied(v: Value, rank: number): boolean {
  const tensor = constantOf(v);
  if (!tensor || tensor.dims.length > rank) return false;
  const most = tensor.dims.length < rank ? copiedBias : copiedElements;
  return v.uses.length === 1 || elementCount(tensor.dims) <= most;
}

/** Ports of a node whose inputs `data` and all outputs have the same axes in the same order.
 *  @returns null when a rank is another or not known */
export function alike(
  node: Node,
  at: Port,
  perm: Permutation,
  data: (index: number) => boolean,
): Ports | null {
  if (at.side === 'input' && !data(at.index)) return null;
  const constants: { index: number; perm: Permutation }[] = [];
  const inputs: (Permutation | null)[] = [];
  for (const [index, v] of node.inputs.entries()) {
    if (v && data(index) && shapeOf(v)?.length !== perm.length) return null;
    const copied = v && data(index) && isCopied(v, perm.length);
    if (copied) constants.push({ index, perm });
    inputs.push(v && data(index) && !copied ? perm : null);
  }
  return { inputs, outputs: node.outputs.map((v) => v && perm), constants };
}

export const first = (index: number): boolean => index === 0;
export const every = (): boolean => true;

/** Where each of a list of axes goes. */
export const movedAxes = (axes: readonly number[], perm: Permutation): number[] =>
  axes.map((a) => perm.indexOf(a < 0 ? a + perm.length : a));

/** Whether `count` axes at the front, or at the end (negative), stay where they are. */
export const fixes = (perm: Permutation, count: number) =>
  (count < 0 ? perm.slice(count) : perm.slice(0, count)).every((from, i) =>
    count < 0 ? from === perm.length + count + i : from === i,
  );

/** The permutation of the first port that has one. */
export const dataPermutation = (ports: Ports): Permutation =>
  [...ports.inputs, ...ports.outputs].find((p) => p !== null)!;
