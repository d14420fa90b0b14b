/** Makes other values the outputs of a model. */
import { outputUnknown } from '../../support/diagnostics/graph.ts';
import { discardInitializer, removeNode, setOutputs } from '../ir/edit.ts';
import type { Model, Value } from '../ir/model.ts';
import { findValue } from '../ir/walk.ts';

/** The values called `names` in the main graph become the outputs, in that order; what only the old ones needed goes.
 *  @throws OUTPUT_UNKNOWN naming values that there are */
export function chooseOutputs(model: Model, names: readonly string[]): void {
  const { graph } = model;
  const values = names.map((name): Value => {
    const found = findValue(model, name);
    if (found?.producer) return found;
    const known = graph.nodes.flatMap((node) => node.outputs.flatMap((v) => (v ? [v.name] : [])));
    throw outputUnknown(name, known);
  });
  setOutputs(graph, [...new Set(values)]);
  for (const node of [...graph.nodes].reverse())
    if (node.outputs.every((v) => !v || v.uses.length === 0)) removeNode(node);
  for (const value of [...graph.initializers]) if (value.uses.length === 0) discardInitializer(graph, value);
}
