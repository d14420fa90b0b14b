/** Permutations of axes, as Transpose has them: axis i of the result is axis perm[i] of the source. */
import { isOp, type Node, shapeOf } from '../ir/model.ts';
import type { Shape, ValueType } from '../ir/type.ts';
import { transposePermutation } from '../ops/defaults.ts';

export type Permutation = readonly number[];

export const identityOf = (rank: number): number[] => Array.from({ length: rank }, (_, i) => i);

/** First p, then q. */
export const compose = (p: Permutation, q: Permutation): number[] => q.map((i) => p[i]!);

/** Undoes p; at the place of an axis stands where it goes. */
export function inverse(p: Permutation): number[] {
  const back = new Array<number>(p.length);
  p.forEach((from, to) => {
    back[from] = to;
  });
  return back;
}

export const isIdentity = (p: Permutation) => p.every((from, to) => from === to);

export const isPermutation = (p: readonly number[]) =>
  p.every((i) => Number.isInteger(i) && i >= 0 && i < p.length) && new Set(p).size === p.length;

export const permuted = <T>(list: readonly T[], p: Permutation): T[] => p.map((i) => list[i]!);

export const permutedType = (type: ValueType | null, p: Permutation): ValueType | null =>
  type?.kind === 'tensor' && type.shape?.length === p.length
    ? { ...type, shape: permuted(type.shape, p) }
    : type;

/** What a Transpose does; null for other nodes, unknown ranks, and a `perm` that doesn't fit its input. */
export function permutationOf(node: Node): Permutation | null {
  if (!isOp(node, 'Transpose') || !node.inputs[0] || !node.outputs[0]) return null;
  const shape = shapeOf(node.inputs[0]);
  const perm = transposePermutation(node);
  if (!shape || !perm || perm.length !== shape.length || !isPermutation(perm)) return null;
  return perm;
}

/** Whether axes longer than 1 keep their order, so that no element moves. Sizes that aren't 1 for sure count as longer. */
export function keepsElements(shape: Shape, p: Permutation): boolean {
  const long = p.filter((axis) => shape[axis] !== 1);
  return long.every((axis, i) => i === 0 || long[i - 1]! < axis);
}
