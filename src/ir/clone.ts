/** Structural copy: graph objects are new, tensors are shared. */
import type { Attribute } from './attribute.ts';
import { addInitializer, addInput, addNode, addOutput, createGraph, createValue } from './edit.ts';
import type { Graph, Model, ModelFunction, NameScope, Value } from './model.ts';
import { createNameScope } from './names.ts';

export function cloneModel(model: Model): Model {
  const names: NameScope = createNameScope();
  for (const n of model.names.taken) names.taken.add(n);
  return {
    ...model,
    graph: cloneGraph(model.graph, names),
    functions: model.functions.map((f) => cloneFunction(f, names)),
    opsets: new Map(model.opsets),
    producer: { ...model.producer },
    metadata: new Map(model.metadata),
    names,
    annotations: new Map(model.annotations),
  };
}

const cloneFunction = (f: ModelFunction, names: NameScope): ModelFunction => ({
  ...f,
  opsets: new Map(f.opsets),
  attributes: [...f.attributes],
  attributeDefaults: new Map(f.attributeDefaults),
  graph: cloneGraph(f.graph, names),
  annotations: new Map(f.annotations),
});

/** Copies a graph. Values of outer graphs are looked up in `outer`, and stay as they are when not found there. */
export function cloneGraph(
  graph: Graph,
  names: NameScope,
  outer: ReadonlyMap<Value, Value> = new Map(),
): Graph {
  const copy = createGraph(names, graph.name);
  copy.doc = graph.doc;
  copy.annotations = new Map(graph.annotations);
  const map = new Map(outer);
  const value = (v: Value): Value => {
    const known = map.get(v);
    if (known) return known;
    const made = createValue(names, v.name, v.type, true);
    made.doc = v.doc;
    made.annotations = new Map(v.annotations);
    map.set(v, made);
    return made;
  };
  const read = (v: Value | null) => (v === null ? null : (map.get(v) ?? v));
  for (const v of graph.inputs) addInput(copy, value(v));
  for (const v of graph.initializers) addInitializer(copy, value(v), v.constant!);
  for (const node of graph.nodes) {
    const attributes = new Map<string, Attribute>();
    for (const [k, a] of node.attributes) {
      if (a.type === 'graph') attributes.set(k, { type: 'graph', value: cloneGraph(a.value, names, map) });
      else if (a.type === 'graphs')
        attributes.set(k, { type: 'graphs', value: a.value.map((g) => cloneGraph(g, names, map)) });
      else attributes.set(k, a);
    }
    const made = addNode(copy, {
      ...node,
      inputs: node.inputs.map(read),
      outputs: node.outputs.map((v) => (v === null ? null : value(v))),
      attributes,
    });
    made.annotations = new Map(node.annotations);
  }
  for (const v of graph.outputs) addOutput(copy, map.get(v) ?? v);
  return copy;
}
