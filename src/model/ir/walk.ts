/** Walks over graphs, subgraphs included. */
import { type Attribute, subgraphs } from './attribute.ts';
import type { Graph, Model, Node, Value } from './model.ts';
import type { Tensor } from './tensor.ts';

/** The main graph, then every subgraph, outer before inner. Function bodies are not included. */
export function* graphsOf(model: Model): Generator<Graph> {
  yield* withSubgraphs(model.graph);
}

export function* withSubgraphs(graph: Graph): Generator<Graph> {
  yield graph;
  for (const node of graph.nodes) for (const sub of subgraphs(node)) yield* withSubgraphs(sub);
}

/** Every node of the model, in order, a node before those of its subgraphs. Safe against edits while walking. */
export function* nodesOf(model: Model): Generator<Node> {
  for (const graph of [...graphsOf(model)]) yield* [...graph.nodes];
}

export function* initializersOf(model: Model): Generator<{ graph: Graph; value: Value }> {
  for (const graph of [...graphsOf(model)])
    for (const value of [...graph.initializers]) yield { graph, value };
}

/** The value called `name` in the main graph, if any. */
export function findValue(model: Model, name: string): Value | undefined {
  const { graph } = model;
  for (const v of graph.inputs) if (v.name === name) return v;
  for (const v of graph.initializers) if (v.name === name) return v;
  for (const node of graph.nodes) for (const v of node.outputs) if (v?.name === name) return v;
  return undefined;
}

interface NamedTensor {
  readonly name: string;
  readonly tensor: Tensor;
}

/** Every tensor that a model's file holds: initializers and attributes, of subgraphs and functions too. */
export function constantsOf(model: Model): NamedTensor[] {
  const graphs = [...graphsOf(model), ...model.functions.flatMap((f) => [...withSubgraphs(f.graph)])];
  return graphs.flatMap((g) => [
    ...Array.from(g.initializers, (v) => ({ name: v.name, tensor: v.constant! })),
    ...g.nodes.flatMap(attributeTensors),
  ]);
}

const attributeTensors = (node: Node): NamedTensor[] =>
  [...node.attributes.values()].flatMap((a) =>
    tensorsIn(a).map((tensor) => ({ name: node.outputs[0]?.name ?? node.name, tensor })),
  );

function tensorsIn(a: Attribute): readonly Tensor[] {
  if (a.type === 'tensor') return [a.value];
  if (a.type === 'tensors') return a.value;
  if (a.type === 'sparse') return [a.value.values, a.value.indices];
  return a.type === 'sparses' ? a.value.flatMap((s) => [s.values, s.indices]) : [];
}
