/** What branches and bodies of loops are to a writer whose graphs see nothing of the graph around them. */
import type { Graph, Node, Value } from '../../ir/model.ts';
import { withSubgraphs } from '../../ir/walk.ts';
import { refuse } from './refusal.ts';

/** @throws RefusedNode when there is none */
export function graphOf(node: Node, name: string): Graph {
  const a = node.attributes.get(name);
  return a?.type === 'graph' ? a.value : refuse(node, `it has no graph "${name}"`);
}

/** Outer values that a graph reads and that are computed while running, each once. */
export function capturedBy(graph: Graph, isConstant: (v: Value) => boolean): Value[] {
  const inside = new Set<Value>();
  const read = new Set<Value>();
  for (const g of withSubgraphs(graph)) {
    for (const v of [...g.inputs, ...g.initializers]) inside.add(v);
    for (const node of g.nodes) {
      for (const v of node.outputs) if (v) inside.add(v);
      for (const v of node.inputs) if (v) read.add(v);
    }
    for (const v of g.outputs) read.add(v);
  }
  return [...read].filter((v) => !inside.has(v) && !isConstant(v));
}
