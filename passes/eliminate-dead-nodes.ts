/** Removes nodes whose results nobody reads, and initializers that are left without a reader.
 *  A node stays when it has an output that is read (by its own graph, a subgraph, or as an output). All ONNX ops are free of
 *  side effects. An initializer that a caller may override is part of the model's inputs and stays. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { subgraphs } from '../src/model/ir/attribute.ts';
import { removeInitializer, removeNodes } from '../src/model/ir/edit.ts';
import type { Graph, Model, Node } from '../src/model/ir/model.ts';
import { graphsOf, initializersOf } from '../src/model/ir/walk.ts';

export const eliminateDeadNodes = definePass({
  name: 'eliminate-dead-nodes',
  summary: 'Removes nodes and weights whose results nobody reads',
  effect: 'exact',
  describe: counted('unused node removed', 'unused nodes removed'),
  prominence: 20,
  options: z.strictObject({}),
  apply(model) {
    const before = count(model);
    sweepGraph(model.graph);
    for (const { graph, value } of [...initializersOf(model)])
      if (value.uses.length === 0 && !value.overridable) removeInitializer(graph, value);
    return { changed: before - count(model), skipped: [] };
  },
});

/** Backwards, so that what only dead nodes read is found dead on the way. A subgraph is swept before its node's
 *  producers are looked at: what it no longer reads they no longer need to make. */
function sweepGraph(graph: Graph): void {
  for (const node of [...graph.nodes].reverse()) {
    if (node.outputs.every((v) => !v || v.uses.length === 0)) removeNodes(graph, new Set<Node>([node]));
    else for (const sub of subgraphs(node)) sweepGraph(sub);
  }
}

function count(model: Model): number {
  let n = 0;
  for (const graph of graphsOf(model)) n += graph.nodes.length + graph.initializers.size;
  return n;
}
