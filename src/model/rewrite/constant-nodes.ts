/** Constant nodes as initializers. */
import { constantNodeTensor } from '../ir/constant-node.ts';
import { addInitializer, releaseOutput, removeNodes } from '../ir/edit.ts';
import { isGraphOutput, type Model, type Node } from '../ir/model.ts';
import { graphsOf } from '../ir/walk.ts';
import { allowPlainInitializers } from './plain-initializers.ts';

/** Puts a tensor in the place of every Constant node. One whose value is a graph output stays: an output needs a producer.
 *  @returns how many there were */
export function storeConstantNodes(model: Model): number {
  let changed = 0;
  for (const graph of [...graphsOf(model)]) {
    const gone = new Set<Node>();
    for (const node of graph.nodes) {
      const tensor = constantNodeTensor(node);
      if (!tensor || node.outputs.some((v) => v && isGraphOutput(v))) continue;
      addInitializer(graph, releaseOutput(node, 0)!, tensor);
      gone.add(node);
    }
    removeNodes(graph, gone);
    changed += gone.size;
  }
  if (changed > 0) allowPlainInitializers(model);
  return changed;
}
