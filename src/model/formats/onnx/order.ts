/** Puts the nodes of a read graph in order; says which nodes form a cycle when there is none. */

import { graphCyclic } from '../../../support/diagnostics/model-files.ts';
import { Diagnostic } from '../../../support/diagnostics.ts';
import { allReads, sortNodes } from '../../ir/edit.ts';
import type { Graph, Node } from '../../ir/model.ts';

/** Leaves a graph that is in order as it is. @throws GRAPH_CYCLIC naming the nodes */
export function orderNodes(graph: Graph): void {
  if (isOrdered(graph)) return;
  try {
    sortNodes(graph);
  } catch (error) {
    if (!(error instanceof Diagnostic)) throw error;
  }
  if (!isOrdered(graph)) throw graphCyclic(graph.name, findCycle(graph));
}

function isOrdered(graph: Graph): boolean {
  const local = new Set(graph.nodes);
  const done = new Set<Node>();
  return graph.nodes.every((node) => {
    const ready = producers(node, local).every((p) => done.has(p));
    done.add(node);
    return ready;
  });
}

const producers = (node: Node, local: ReadonlySet<Node>): Node[] =>
  allReads(node).flatMap((v) => (v.producer && local.has(v.producer) ? [v.producer] : []));

/** Takes away the nodes that can run until only nodes on or behind a cycle are left, then walks up from one. */
function findCycle(graph: Graph): string[] {
  const left = new Set(graph.nodes);
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const node of left) if (producers(node, left).length === 0) left.delete(node);
  }
  const path: Node[] = [];
  let node = [...left][0];
  while (node && !path.includes(node)) {
    path.unshift(node);
    node = producers(node, left)[0];
  }
  const cycle = path.slice(0, path.indexOf(node!) + 1);
  return [...cycle, cycle[0]!].slice(0, 8).map((n) => `${n.opType} "${n.name || n.outputs[0]?.name || ''}"`);
}
