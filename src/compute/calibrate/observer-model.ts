/** Observers: a copy of a model that puts out a vector of numbers about its values, and nothing else. */

import { cloneModel } from '../../model/ir/clone.ts';
import { addInitializer, addNode, setOutputs } from '../../model/ir/edit.ts';
import type { Graph, Model, Value } from '../../model/ir/model.ts';
import { tensorOf } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { internal } from '../../support/diagnostics.ts';

/** A copy of the model whose only output are the vectors that `observers` builds, one after the other. */
export function observerModel(
  model: Model,
  observers: (graph: Graph, valueNamed: (name: string) => Value) => Value[],
): Model {
  const copy = cloneModel(model);
  const { graph } = copy;
  const vectors = observers(graph, namedValues(graph));
  const all = addNode(graph, { opType: 'Concat', inputs: vectors, attributes: { axis: 0 } }).outputs[0]!;
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

/** The elements of a value as a vector. */
export function flattened(graph: Graph, v: Value): Value {
  const whole = addInitializer(graph, 'edgepress/whole', tensorOf('int64', [1], [-1]));
  return addNode(graph, { opType: 'Reshape', inputs: [v, whole] }).outputs[0]!;
}

/** A scalar from all elements of a value; of a vector, a vector of one where axes are kept. */
export const reduce = (graph: Graph, opType: string, v: Value, keepdims: 0 | 1 = 0) =>
  addNode(graph, { opType, inputs: [v], attributes: { keepdims } }).outputs[0]!;
