/** What a Transpose costs: the elements that it moves. */
import type { Shape } from '../ir/type.ts';
import { evaluate, symbolsOf } from '../ops/dims.ts';
import { keepsElements, type Permutation } from './permutation.ts';

/** Sizes that aren't numbers count as this many. */
const openSize = 64;

/** Starting the operator counts as moving this many. */
const callElements = 16;

/** One that moves no element is a Reshape: only the call. */
export function movedCost(shape: Shape | null, perm: Permutation): number {
  if (!shape || keepsElements(shape, perm)) return callElements;
  return callElements + shape.reduce<number>((product, d) => product * sizeOf(d), 1);
}

function sizeOf(d: Shape[number]): number {
  const bindings = Object.fromEntries(symbolsOf(d).map((s) => [s, openSize]));
  return Math.max(1, evaluate(d, bindings) ?? openSize);
}
