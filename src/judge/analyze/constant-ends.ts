/** Follows a constant forward to the operators that compute with it: through nodes that read constants only (Cast,
 *  DequantizeLinear, Mul by a scale, Reshape, Transpose …), into local functions and subgraphs and out of them. */
import { subgraphs } from '../../model/ir/attribute.ts';
import { dtypes } from '../../model/ir/dtype.ts';
import { functionTable } from '../../model/ir/functions.ts';
import {
  dtypeOf,
  type Graph,
  isOp,
  type Model,
  type Node,
  shapeOf,
  type Value,
} from '../../model/ir/model.ts';
import { elementCount } from '../../model/ir/tensor.ts';
import { isStatic } from '../../model/ir/type.ts';
import { graphsOf, withSubgraphs } from '../../model/ir/walk.ts';

/** What a constant is to the value that an operator reads: the value itself, or what is needed to make it. */
export type Part = 'data' | 'scale' | 'zero-point' | 'shape' | 'mask' | 'table' | 'palette';

export interface End {
  /** null: it leaves the model as an output. */
  readonly node: Node | null;
  /** Which input of the node. */
  readonly index: number;
  readonly part: Part;
  /** The value that the node reads. */
  readonly value: Value;
}

export interface ConstantFlow {
  /** Where a constant's way ends; empty: nothing reads it. */
  endsOf(value: Value): End[];
  /** Whether a value depends on constants only. */
  isConstant(value: Value): boolean;
  /** Calls of the local function that a node stands in, then of the functions that these stand in. */
  callsAround(node: Node): Node[];
}

interface Network {
  /** Values that depend on constants only, with their number of elements. */
  readonly constant: ReadonlyMap<Value, number>;
  /** The node that a subgraph belongs to. */
  readonly ownerOf: ReadonlyMap<Graph, Node>;
  /** Body of the local function that a node calls, and the nodes that call a body. */
  readonly bodyOf: (node: Node) => Graph | undefined;
  readonly callsOf: ReadonlyMap<Graph, readonly Node[]>;
}

export function constantFlow(model: Model): ConstantFlow {
  const network = networkOf(model);
  return {
    endsOf: (value) => follow(value, network),
    isConstant: (value) => network.constant.has(value),
    callsAround: (node) => callsAround(node, network),
  };
}

function callsAround(node: Node, { ownerOf, callsOf }: Network): Node[] {
  const found = new Set<Node>();
  const graphs = new Set([node.graph]);
  for (const graph of graphs) {
    const owner = ownerOf.get(graph);
    if (owner) graphs.add(owner.graph);
    for (const call of callsOf.get(graph) ?? []) {
      found.add(call);
      graphs.add(call.graph);
    }
  }
  return [...found];
}

function networkOf(model: Model): Network {
  const graphs = [...graphsOf(model), ...model.functions.flatMap((f) => [...withSubgraphs(f.graph)])];
  const nodes = graphs.flatMap((g) => g.nodes);
  const called = functionTable(model.functions);
  const bodyOf = (node: Node) => called(node)?.graph;
  const callsOf = new Map<Graph, Node[]>();
  for (const node of nodes) {
    const body = bodyOf(node);
    if (body) callsOf.set(body, [...(callsOf.get(body) ?? []), node]);
  }
  const ownerOf = new Map(nodes.flatMap((node) => subgraphs(node).map((g) => [g, node] as const)));
  return { constant: constantValues(graphs, bodyOf), ownerOf, bodyOf, callsOf };
}

/** Outer graphs come before inner ones, and nodes in order, so one walk is enough. */
function constantValues(graphs: readonly Graph[], bodyOf: Network['bodyOf']): Map<Value, number> {
  const found = new Map<Value, number>();
  for (const graph of graphs) {
    for (const v of graph.initializers) found.set(v, elementCount(v.constant!.dims));
    for (const node of graph.nodes) {
      const inputs = node.inputs.filter((v): v is Value => v !== null);
      if (subgraphs(node).length > 0 || bodyOf(node) || !inputs.every((v) => found.has(v))) continue;
      const most = Math.max(1, ...inputs.map((v) => found.get(v)!));
      for (const v of node.outputs) if (v) found.set(v, sizeOf(v) ?? constantSize(node) ?? most);
    }
  }
  return found;
}

const sizeOf = (v: Value): number | null => {
  const shape = shapeOf(v);
  return isStatic(shape) ? elementCount(shape) : null;
};

function constantSize(node: Node): number | null {
  const value = node.attributes.get('value');
  return isOp(node, 'Constant') && value?.type === 'tensor' ? elementCount(value.value.dims) : null;
}

/** Every end once for each input and part. */
function follow(start: Value, network: Network): End[] {
  const ends: End[] = [];
  const seen = new Map<Value, Set<Part>>();
  const waiting: [Value, Part][] = [[start, 'data']];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const [value, part] = next;
    const parts = seen.get(value) ?? new Set();
    seen.set(value, parts);
    if (parts.has(part)) continue;
    parts.add(part);
    for (const use of value.uses) {
      const steps = use.node
        ? throughNode(use.node, use.index, part, network)
        : throughOutput(use.graph, use.index, part, network);
      if (steps) waiting.push(...steps);
      else ends.push({ node: use.node ?? null, index: use.index, part, value });
    }
  }
  return ends;
}

type Step = [Value, Part];

const outputsOf = (node: Node, part: Part): Step[] =>
  node.outputs.flatMap((v): Step[] => (v ? [[v, part]] : []));

/** Where it goes on behind a node; null: the node computes with it. */
function throughNode(node: Node, index: number, part: Part, network: Network): Step[] | null {
  const body = network.bodyOf(node);
  if (body) return stepInto(body, index, part);
  // Inputs of Loop and Scan are those of their body, in order.
  const [inner] = subgraphs(node);
  if (inner && isOp(node, 'Loop', 'Scan')) return stepInto(inner, index, part);
  if (!node.outputs.some((v) => v && network.constant.has(v))) return null;
  const becomes = partOf(node, index, part, network);
  return outputsOf(node, becomes);
}

const stepInto = (graph: Graph, index: number, part: Part): Step[] | null =>
  graph.inputs[index] ? [[graph.inputs[index], part]] : null;

/** Results of a body are those of the node that has it; of a Loop's, the first is the condition. */
function throughOutput(graph: Graph, index: number, part: Part, network: Network): Step[] | null {
  const calls = network.callsOf.get(graph);
  const owner = network.ownerOf.get(graph);
  const at = owner && isOp(owner, 'Loop') ? index - 1 : index;
  const outputs = (owner && isOp(owner, 'If', 'Loop', 'Scan') ? [owner] : (calls ?? [])).flatMap(
    (node) => node.outputs[at] ?? [],
  );
  return outputs.length === 0 ? null : outputs.map((v) => [v, part]);
}

/** What an input of a node that reads constants only is to the node's result. */
function partOf(node: Node, index: number, part: Part, network: Network): Part {
  if (part !== 'data') return part;
  const sizes = node.inputs.map((v) => (v ? (network.constant.get(v) ?? 0) : 0));
  const isSmall = sizes.some((size) => size > sizes[index]!);
  if (isOp(node, ...quantizing)) return index === 0 ? 'data' : index === 1 ? 'scale' : 'zero-point';
  if (isOp(node, 'Mul', 'Div')) return isSmall ? 'scale' : 'data';
  if (isOp(node, 'Add', 'Sub')) return isSmall ? 'zero-point' : 'data';
  // Flags, a bit each: which weights are stored.
  if (isOp(node, 'BitShift')) return 'mask';
  // Many places in a table of few values.
  if (isOp(node, 'Gather')) return index === 0 ? (isSmall ? 'table' : 'data') : isSmall ? 'shape' : 'palette';
  if (isOp(node, 'Where')) return index === 0 ? 'mask' : 'data';
  if (isOp(node, 'Shape', 'Size', 'Range', 'ConstantOfShape')) return 'shape';
  return index > 0 && isShapeInput(node, index) ? 'shape' : 'data';
}

const quantizing = [
  'DequantizeLinear',
  'QuantizeLinear',
  'com.microsoft:DequantizeLinear',
  'com.microsoft:QuantizeLinear',
];

/** Integers that say how to move what the first input holds. */
function isShapeInput(node: Node, index: number): boolean {
  const dtype = dtypeOf(node.inputs[index]);
  const isInteger = dtype !== null && ['int', 'uint', 'bool'].includes(dtypes[dtype].kind);
  return isInteger && dtype !== dtypeOf(node.inputs[0]);
}
