/** A node that a format has no form for, and where the model can be cut before it. */
import { subgraphs } from '../../ir/attribute.ts';
import { channelsLastDomain } from '../../ir/internal-domain.ts';
import { type Graph, type Model, type Node, opKey, type Value } from '../../ir/model.ts';
import { withSubgraphs } from '../../ir/walk.ts';
import { nameBeforeTurn } from '../../layout/channels-last.ts';
import { labelOf } from '../../rewrite/apply.ts';

/** Thrown where the node is met, which knows nothing of the model that was given. */
class RefusedNode extends Error {
  readonly node: Node;
  readonly why: string;

  constructor(node: Node, why: string) {
    super(`${node.opType} "${node.name}": ${why}`);
    this.node = node;
    this.why = why;
  }
}

/** Ends in the format's own diagnostic, once it is known where the model can be cut. */
export function refuse(node: Node, why: string): never {
  throw new RefusedNode(node, why);
}

/** What `build` makes of a lowered model; a node that it refuses becomes the format's diagnostic.
 *  @param graph  the lowered main graph
 *  @param diagnostic  of operator, label, reason, and the values before the node */
export function orRefused<T>(
  build: () => T,
  graph: Graph,
  source: Model,
  diagnostic: (op: string, node: string, why: string, earlier: readonly string[]) => Error,
): T {
  try {
    return build();
  } catch (error) {
    if (!(error instanceof RefusedNode)) throw error;
    const { node, why } = error;
    const op = node.domain === channelsLastDomain ? node.opType : opKey(node);
    const known = originOf(node, source);
    const earlier = known
      ? madeFromInputs(source.graph, readBy(known, source.graph))
      : valuesBefore(node, graph, source);
    throw diagnostic(op, labelOf(known ?? node), why, earlier);
  }
}

/** The node of the model that was given, where lowering and the order of axes left it one: they keep names, or say in the names
 *  of values what they come from. */
function originOf(node: Node, source: Model): Node | null {
  const outputs = new Set(node.outputs.flatMap((v) => (v ? [nameBeforeTurn(v.name)] : [])));
  const makes = (n: Node) => n.outputs.some((v) => v && outputs.has(v.name));
  return source.graph.nodes.find((n) => n.opType === node.opType && makes(n)) ?? null;
}

/** Those that follow from what the model is given: a constant is no output to cut at. */
function madeFromInputs(graph: Graph, values: readonly Value[]): string[] {
  const found = new Set<Value>(graph.inputs.filter((v) => !v.constant));
  for (const node of graph.nodes)
    if ([...node.inputs, ...readBy(node, graph)].some((v) => v && found.has(v)))
      for (const v of node.outputs) if (v) found.add(v);
  return [...new Set(values.flatMap((v) => (found.has(v) ? [v.name] : [])))];
}

/** Values of `source` that the node is computed from and that can be outputs: what it reads, or what that was made of where
 *  lowering made it. Of a node in a branch or loop, what the whole of it reads.
 *  @param graph  the lowered main graph */
function valuesBefore(node: Node, graph: Graph, source: Model): string[] {
  const own = new Set(source.graph.nodes.flatMap((n) => n.outputs.flatMap((v) => (v ? [v.name] : []))));
  const found = new Set<string>();
  const seen = new Set<Value>();
  const waiting = readBy(outermost(node, graph), graph).reverse();
  for (let value = waiting.pop(); value; value = waiting.pop()) {
    if (!value.producer || seen.has(value)) continue;
    seen.add(value);
    if (own.has(value.name)) found.add(value.name);
    else waiting.push(...readBy(value.producer, graph).reverse());
  }
  return [...found];
}

/** The node of the main graph that it is, or stands in. */
function outermost(node: Node, graph: Graph): Node {
  const holds = (n: Node) => subgraphs(n).some((sub) => [...withSubgraphs(sub)].includes(node.graph));
  return node.graph === graph ? node : (graph.nodes.find(holds) ?? node);
}

/** Values of the main graph that the node reads, its branches and bodies too. */
function readBy(node: Node, graph: Graph): Value[] {
  const inner = subgraphs(node).flatMap((sub) => [...withSubgraphs(sub)].flatMap((g) => g.nodes));
  const read = [node, ...inner].flatMap((n) => n.inputs.flatMap((v) => (v ? [v] : [])));
  const outputs = subgraphs(node).flatMap((sub) => [...withSubgraphs(sub)].flatMap((g) => g.outputs));
  return [...read, ...outputs].filter((v) => v.producer?.graph === graph);
}
