/** Observers: a copy of a model that puts out a vector of scalars about its values, and nothing else. */

import { cloneModel } from '../../model/ir/clone.ts';
import { addInitializer, addNode, setOutputs } from '../../model/ir/edit.ts';
import type { Graph, Model, Value } from '../../model/ir/model.ts';
import { tensorOf } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { internal } from '../../support/diagnostics.ts';

/** A copy of the model whose only output are the scalars and vectors that `observers` builds, one after the other. */
export function observerModel(
  model: Model,
  observers: (graph: Graph, valueNamed: (name: string) => Value) => Value[],
): Model {
  const copy = cloneModel(model);
  const { graph } = copy;
  const found = observers(graph, namedValues(graph));
  const flat = addInitializer(graph, 'edgepress/flat', tensorOf('int64', [1], [-1]));
  const columns = found.map((v) => addNode(graph, { opType: 'Reshape', inputs: [v, flat] }).outputs[0]!);
  const all = addNode(graph, { opType: 'Concat', inputs: columns, attributes: { axis: 0 } }).outputs[0]!;
  all.type = tensorType('float32', ['n']);
  setOutputs(graph, [all]);
  return copy;
}

/** Finds the values that a graph has now by their names. */
function namedValues({ inputs, nodes }: Graph): (name: string) => Value {
  const computed = nodes.flatMap((node) => node.outputs.filter((v) => v !== null));
  const values = new Map([...inputs, ...computed].map((v) => [v.name, v]));
  return (name) => {
    const found = values.get(name);
    if (!found)
      throw internal('OBSERVED_VALUE_MISSING', `"${name}" was to be observed but is not in the graph.`);
    return found;
  };
}

/** A scalar from all elements of a value. */
export const reduce = (graph: Graph, opType: string, v: Value) =>
  addNode(graph, { opType, inputs: [v], attributes: { keepdims: 0 } }).outputs[0]!;
