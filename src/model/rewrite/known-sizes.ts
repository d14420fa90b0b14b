/** Sizes that are known before a model runs, as constants: what Constant nodes hold, and what shape arithmetic comes to. */
import { constantNodeTensor } from '../ir/constant-node.ts';
import { addInitializer, removeInitializer, removeNodes, replaceAllUses } from '../ir/edit.ts';
import { type Graph, isGraphOutput, type Node, type Value } from '../ir/model.ts';
import { tensorOf } from '../ir/tensor.ts';
import type { InferredShapes } from '../ops/shapes.ts';

/** Makes initializers of the graph's own Constant nodes, where nothing but nodes reads them. */
export function liftConstants(graph: Graph): void {
  const gone = new Set<Node>();
  for (const node of graph.nodes) {
    const tensor = constantNodeTensor(node);
    const out = node.outputs[0];
    if (!tensor || !out || isGraphOutput(out)) continue;
    replaceAllUses(out, addInitializer(graph, out.name || 'constant', tensor));
    gone.add(node);
  }
  removeNodes(graph, gone);
}

/** Sizes computed from sizes are constants now. */
export function foldKnownSizes(graph: Graph, inferred: InferredShapes): void {
  for (const node of graph.nodes) {
    for (const out of node.outputs) {
      if (!out || out.uses.length === 0 || isGraphOutput(out) || out.type?.kind !== 'tensor') continue;
      const { dtype } = out.type;
      const known = inferred.data(out);
      if (!known || !['int64', 'int32', 'bool'].includes(dtype)) continue;
      if (!known.values.every((v) => typeof v === 'number')) continue;
      replaceAllUses(out, addInitializer(graph, out.name, tensorOf(dtype, known.dims, known.values)));
    }
  }
}

/** Removes nodes and initializers that nothing reads. */
export function removeDead(graph: Graph): void {
  const gone = new Set<Node>();
  const alive = (v: Value | null) => v?.uses.some((u) => !u.node || !gone.has(u.node)) ?? false;
  for (const node of [...graph.nodes].reverse()) if (!node.outputs.some(alive)) gone.add(node);
  removeNodes(graph, gone);
  for (const v of [...graph.initializers]) if (v.uses.length === 0) removeInitializer(graph, v);
}
