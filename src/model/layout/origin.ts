/** Values seen through the Transposes between them: where a value comes from, and who reads it in which order. */
import type { Graph, Node, Use, Value } from '../ir/model.ts';
import { compose, identityOf, type Permutation, permutationOf } from './permutation.ts';

/** `value` is Transpose(`origin`, `perm`), over none or several Transposes of its graph. */
export interface Traced {
  readonly origin: Value;
  readonly perm: Permutation;
}

/** A reading of an origin, directly or through Transposes. */
export interface Reading {
  readonly use: Use;
  /** What is read, as a permutation of the origin. */
  readonly perm: Permutation;
  /** The value that is read. */
  readonly value: Value;
}

export function traceBack(graph: Graph, value: Value, rank: number): Traced {
  let origin = value;
  let perm: Permutation = identityOf(rank);
  for (;;) {
    const node = origin.producer;
    const own = node?.graph === graph ? permutationOf(node) : null;
    if (!own) return { origin, perm };
    perm = compose(own, perm);
    origin = node!.inputs[0]!;
  }
}

/** Everything that reads the origin, but Transposes of its graph: what reads those instead. */
export function readingsOf(graph: Graph, origin: Value, rank: number): Reading[] {
  const found: Reading[] = [];
  const waiting: { value: Value; perm: Permutation }[] = [{ value: origin, perm: identityOf(rank) }];
  for (const { value, perm } of waiting)
    for (const use of value.uses) {
      const own = use.node?.graph === graph ? permutationOf(use.node) : null;
      if (own && use.index === 0) waiting.push({ value: use.node!.outputs[0]!, perm: compose(perm, own) });
      else found.push({ use, perm, value });
    }
  return found;
}

/** Transposes behind the origin, directly or through others. */
export function transposesBehind(graph: Graph, origin: Value): Node[] {
  const found: Node[] = [];
  const waiting = [origin];
  for (const value of waiting)
    for (const { node } of value.uses)
      if (node?.graph === graph && permutationOf(node)) {
        found.push(node);
        waiting.push(node.outputs[0]!);
      }
  return found;
}
