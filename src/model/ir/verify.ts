/** Checks that a model hangs together; the pipeline runs it after every pass. */
import { graphInvalid } from '../../support/diagnostics/graph.ts';
import { subgraphs } from './attribute.ts';
import type { Graph, Model, Node, Value } from './model.ts';

/** @throws GRAPH_INVALID naming the first thing that is wrong */
export function verifyModel(model: Model): void {
  verifyGraph(model.graph, new Set(), new Set());
  for (const f of model.functions) verifyGraph(f.graph, new Set(), new Set());
}

function verifyGraph(graph: Graph, outer: ReadonlySet<Value>, outerNames: ReadonlySet<string>): void {
  const visible = new Set(outer);
  const named = new Set(outerNames);
  const define = (v: Value, what: string) => {
    if (visible.has(v)) fail(graph, `${what} "${v.name}" is defined twice`);
    if (v.name === '') fail(graph, `${what} has no name`);
    if (named.has(v.name)) fail(graph, `two values are called "${v.name}"`);
    visible.add(v);
    named.add(v.name);
  };
  for (const v of graph.inputs) define(v, 'input');
  for (const v of graph.initializers) {
    if (!v.constant) fail(graph, `initializer "${v.name}" has no tensor`);
    if (v.producer) fail(graph, `initializer "${v.name}" has a producer`);
    if (!graph.inputs.includes(v)) define(v, 'initializer');
  }
  for (const node of graph.nodes) verifyNode(graph, node, visible, named, define);
  graph.outputs.forEach((v, index) => {
    if (!visible.has(v)) fail(graph, `output "${v.name}" is produced by nothing`);
    if (!v.uses.some((u) => u.graph === graph && u.index === index))
      fail(graph, `output "${v.name}" has no use entry`);
  });
}

function verifyNode(
  graph: Graph,
  node: Node,
  visible: Set<Value>,
  named: ReadonlySet<string>,
  define: (v: Value, what: string) => void,
): void {
  const label = `${node.opType} "${node.name}"`;
  if (node.graph !== graph) fail(graph, `${label} belongs to another graph`);
  node.inputs.forEach((v, index) => {
    if (!v) return;
    if (!visible.has(v)) fail(graph, `${label} reads "${v.name}" before anything produces it`);
    if (!v.uses.some((u) => u.node === node && u.index === index))
      fail(graph, `${label} is missing in the uses of "${v.name}"`);
  });
  for (const sub of subgraphs(node)) verifyGraph(sub, visible, named);
  for (const v of node.outputs) {
    if (!v) continue;
    if (v.producer !== node) fail(graph, `"${v.name}" does not know ${label} as its producer`);
    define(v, 'value');
    for (const use of v.uses)
      if (use.node && use.node.inputs[use.index] !== v) fail(graph, `"${v.name}" lists a use that isn't one`);
  }
}

function fail(graph: Graph, what: string): never {
  throw graphInvalid(`Graph "${graph.name}": ${what}.`);
}
