/** The part of a graph that depends on constants only: finding it, cutting it out as a model of its own, and deciding
 *  which of its results are worth storing. */
import { subgraphs } from '../ir/attribute.ts';
import { byteLength } from '../ir/dtype.ts';
import { addInitializer, addNode, addOutput, createModel, createValue } from '../ir/edit.ts';
import {
  constantOf,
  type Graph,
  isGraphOutput,
  type Model,
  type Node,
  opKey,
  type Value,
} from '../ir/model.ts';
import { elementCount, sizeBytes, type Tensor } from '../ir/tensor.ts';
import { isStatic } from '../ir/type.ts';
import { isDeterministic } from './determinism.ts';

/** Ops that stay although their inputs are constants: DequantizeLinear is how small weights are stored; the results of
 *  the others are not tensors. */
const kept = /^(Constant|DequantizeLinear|Sequence.*|SplitToSequence|Optional.*)$/;

/** Results larger than this are not even computed, whatever they would free. */
const largestBytes = 512e6;

/** Nodes of the graph, in order, that could be computed now. */
export function constantRegion(graph: Graph): Node[] {
  const region = new Set<Node>();
  const isKnown = (v: Value | null) => {
    if (!v) return true;
    const tensor = constantOf(v);
    return tensor ? tensor.dtype !== 'string' : v.producer !== null && region.has(v.producer);
  };
  for (const node of graph.nodes) {
    if (node.domain !== '' && node.domain !== 'ai.onnx') continue;
    if (kept.test(opKey(node)) || !isDeterministic(node) || subgraphs(node).length > 0) continue;
    if ([...node.attributes.values()].some((a) => a.type === 'reference')) continue;
    if (node.outputs.some((v) => v && (isGraphOutput(v) || typeBytes(v) > largestBytes))) continue;
    if (node.inputs.length > 0 && node.inputs.every(isKnown)) region.add(node);
  }
  return [...region];
}

/** Bytes of a value of static type; 0 where that is unknown. */
function typeBytes(v: Value): number {
  const { type } = v;
  if (type?.kind !== 'tensor' || type.dtype === 'string' || !isStatic(type.shape)) return 0;
  return byteLength(type.dtype, elementCount(type.shape));
}

/** The nodes as a model without inputs. Every result that has a reader is an output, under the name of its value. */
export function regionModel(model: Model, nodes: readonly Node[]): Model {
  const cut = createModel({ opsets: new Map(model.opsets), irVersion: Math.max(model.irVersion, 4) });
  const map = new Map<Value, Value>();
  const read = (v: Value | null): Value | null => {
    if (!v) return null;
    const known = map.get(v);
    if (known) return known;
    const made = addInitializer(cut.graph, createValue(cut.names, v.name, null, true), v.constant!);
    map.set(v, made);
    return made;
  };
  for (const node of nodes) {
    const outputs = node.outputs.map((v) => v && createValue(cut.names, v.name, v.type, true));
    addNode(cut.graph, { ...node, inputs: node.inputs.map(read), outputs });
    node.outputs.forEach((v, i) => {
      if (!v) return;
      map.set(v, outputs[i]!);
      if (v.uses.length > 0) addOutput(cut.graph, outputs[i]!);
    });
  }
  return cut;
}

/** Splits nodes into groups that share results or constants; each group is decided on by itself. */
export function regionGroups(nodes: readonly Node[]): Node[][] {
  const parent = new Map<object, object>();
  const find = (x: object): object => {
    let top = x;
    while (parent.get(top) !== undefined && parent.get(top) !== top) top = parent.get(top)!;
    parent.set(x, top);
    return top;
  };
  for (const node of nodes)
    for (const v of [...node.inputs, ...node.outputs]) if (v) parent.set(find(v), find(node));
  const groups = new Map<object, Node[]>();
  for (const node of nodes) {
    const key = find(node);
    groups.set(key, [...(groups.get(key) ?? []), node]);
  }
  return [...groups.values()];
}

interface FoldDecision {
  /** Nodes whose results are stored or that only such nodes read. */
  readonly folded: readonly Node[];
  /** Values to store. */
  readonly stored: readonly Value[];
  /** Nodes that stay, with how much storing their result would add. */
  readonly grown: readonly { readonly node: Node; readonly bytes: number }[];
}

/** Decides what to store of one group. All of it, when the file doesn't grow by more than `allowance` bytes; otherwise
 *  each result on its own, from the last node back. @param results tensors by value name */
export function decideFold(
  nodes: readonly Node[],
  results: Readonly<Record<string, Tensor>>,
  allowance: number,
): FoldDecision {
  const all = new Set(nodes);
  const frontier = nodes
    .flatMap((n) => n.outputs.filter((v) => v !== null))
    .filter((v) => !readOnlyBy(v, all));
  if (bytesOf(frontier, results) <= freedBytes(all) + allowance)
    return { folded: nodes, stored: frontier, grown: [] };
  const folded = new Set<Node>();
  const stored: Value[] = [];
  const grown: { node: Node; bytes: number }[] = [];
  for (const node of [...nodes].reverse()) {
    const needed = node.outputs.filter((v) => v !== null).filter((v) => !readOnlyBy(v, folded));
    const bytes = bytesOf(needed, results) - freedBytes(exclusiveCone(node, all));
    if (needed.length > 0 && bytes > allowance) grown.push({ node, bytes });
    else {
      folded.add(node);
      stored.push(...needed);
    }
  }
  return { folded: nodes.filter((n) => folded.has(n)), stored, grown };
}

const readOnlyBy = (v: Value, nodes: ReadonlySet<Node>) => v.uses.every((u) => u.node && nodes.has(u.node));

const bytesOf = (values: readonly Value[], results: Readonly<Record<string, Tensor>>) =>
  values.reduce((sum, v) => sum + (results[v.name] ? sizeBytes(results[v.name]!) : 0), 0);

/** Bytes of initializers that nothing but these nodes reads. */
function freedBytes(nodes: ReadonlySet<Node>): number {
  const constants = new Set<Value>();
  for (const node of nodes) for (const v of node.inputs) if (v?.constant) constants.add(v);
  let bytes = 0;
  for (const v of constants) if (readOnlyBy(v, nodes)) bytes += sizeBytes(v.constant!);
  return bytes;
}

/** The node and those of the region that only it needs, directly or through others. */
function exclusiveCone(node: Node, region: ReadonlySet<Node>): Set<Node> {
  const cone = new Set([node]);
  const waiting = [node];
  for (let next = waiting.pop(); next; next = waiting.pop())
    for (const { producer } of next.inputs.filter((v) => v !== null)) {
      if (!producer || !region.has(producer) || cone.has(producer)) continue;
      if (!producer.outputs.every((v) => !v || readOnlyBy(v, cone))) continue;
      cone.add(producer);
      waiting.push(producer);
    }
  return cone;
}
