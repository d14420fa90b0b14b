/** How many rows a product multiplies. */
import { type Graph, shapeOf } from '../../model/ir/model.ts';
import type { Dim } from '../../model/ir/type.ts';
import type { NodeWeight } from '../../model/ops/weights.ts';

/** Rows of the left matrix for one sample: batch dimensions count 1, other unknown ones as many. */
export function rows({ node, activation }: NodeWeight): number {
  const shape = shapeOf(node.inputs[activation ?? 0]);
  if (!shape) return Number.POSITIVE_INFINITY;
  const batch = batchSymbols(node.graph);
  const size = (d: Dim) =>
    typeof d === 'number' ? d : d !== null && batch.has(d) ? 1 : Number.POSITIVE_INFINITY;
  return shape.slice(0, -1).reduce<number>((n, d) => n * size(d), 1);
}

/** Symbols that name the first dimension of a graph input with more than one. */
const batchSymbols = (graph: Graph): Set<Dim> =>
  new Set(graph.inputs.flatMap((v) => ((shapeOf(v)?.length ?? 0) > 1 ? [shapeOf(v)![0]!] : [])));
