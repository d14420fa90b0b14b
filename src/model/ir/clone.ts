/** Structural copy: graph objects are new, tensors are shared. */
import type { Attribute } from './attribute.ts';
import { addInitializer, addInput, addNode, addOutput, createGraph, createValue } from './edit.ts';
import type { Graph, Model, ModelFunction, NameScope, Value } from './model.ts';
import { createNameScope } from './names.ts';
import { copyNotes } from './note.ts';

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
    notes: new Map(model.notes),
  };
}

const cloneFunction = (f: ModelFunction, names: NameScope): ModelFunction => ({
  ...f,
  opsets: new Map(f.opsets),
  attributes: [...f.attributes],
  attributeDefaults: new Map(f.attributeDefaults),
  graph: cloneGraph(f.graph, names),
  notes: new Map(f.notes),
});

/** Copies a graph. Values of outer graphs are looked up in `outer`, and stay as they are when not found there. */
export function cloneGraph(
  graph: Graph,
  names: NameScope,
  outer: ReadonlyMap<Value, Value> = new Map(),
): Graph {
  const copy = createGraph(names, graph.name);
  copy.doc = graph.doc;
  copyNotes(graph, copy);
  const inputs = graph.inputs.map((v) => [v, addInput(copy, cloneValue(v, names, v.name))] as const);
  const map = copyContent(graph, copy, new Map([...outer, ...inputs]), (name) => name);
  for (const v of graph.outputs) addOutput(copy, map.get(v) ?? v);
  return copy;
}

/** Copies initializers and nodes of `from` into a graph that is there already; inputs and outputs are the caller's.
 *  @param known  what stands for `from`'s inputs and outer values
 *  @param rename  gives each copied value its name; names must not collide
 *  @returns what stands for every value of `from` */
export function copyContent(
  from: Graph,
  into: Graph,
  known: ReadonlyMap<Value, Value>,
  rename: (name: string) => string,
): Map<Value, Value> {
  const map = new Map(known);
  const { names } = into;
  const made = (v: Value) => {
    const copy = map.get(v) ?? cloneValue(v, names, rename(v.name));
    map.set(v, copy);
    return copy;
  };
  for (const v of from.initializers) {
    const constant = addInitializer(into, made(v), v.constant!);
    if (!v.overridable) constant.overridable = false;
  }
  for (const node of from.nodes) {
    const attributes = new Map<string, Attribute>();
    for (const [k, a] of node.attributes) {
      if (a.type === 'graph') attributes.set(k, { type: 'graph', value: cloneGraph(a.value, names, map) });
      else if (a.type === 'graphs')
        attributes.set(k, { type: 'graphs', value: a.value.map((g) => cloneGraph(g, names, map)) });
      else attributes.set(k, a);
    }
    const copy = addNode(into, {
      ...node,
      name: node.name && rename(node.name),
      inputs: node.inputs.map((v) => (v === null ? null : (map.get(v) ?? v))),
      outputs: node.outputs.map((v) => (v === null ? null : made(v))),
      attributes,
    });
    copyNotes(node, copy);
  }
  return map;
}

function cloneValue(v: Value, names: NameScope, name: string): Value {
  const made = createValue(names, name, v.type, true);
  made.doc = v.doc;
  made.overridable = v.overridable;
  copyNotes(v, made);
  return made;
}
