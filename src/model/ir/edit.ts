/** All changes to a graph. Keeps use lists, producers and names right; callers keep the graph acyclic. */
import { graphInvalid } from '../../support/diagnostics/graph.ts';
import { type Attribute, type AttributeInit, attribute, subgraphs } from './attribute.ts';
import type { Graph, Model, NameScope, Node, Use, Value } from './model.ts';
import { isGraphOutput } from './model.ts';
import { createNameScope, freshName, releaseName, takeName } from './names.ts';
import { defineNote } from './note.ts';
import type { Tensor } from './tensor.ts';
import { tensorType, type ValueType } from './type.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
const writable = <T>(x: T) => x as Mutable<T>;
const usesOf = (v: Value) => v.uses as Use[];

export function createModel(
  init: Partial<Omit<Model, 'graph' | 'names'>> & { graphName?: string } = {},
): Model {
  const names = createNameScope();
  return {
    graph: createGraph(names, init.graphName ?? 'graph'),
    functions: init.functions ?? [],
    opsets: init.opsets ?? new Map([['', 17]]),
    irVersion: init.irVersion ?? 8,
    producer: init.producer ?? { name: 'edgepress', version: '' },
    domain: init.domain ?? '',
    modelVersion: init.modelVersion ?? 0n,
    doc: init.doc ?? '',
    metadata: init.metadata ?? new Map(),
    names,
    notes: init.notes ?? new Map(),
  };
}

export const createGraph = (names: NameScope, name = ''): Graph => ({
  name,
  doc: '',
  inputs: [],
  outputs: [],
  initializers: new Set(),
  nodes: [],
  notes: new Map(),
  names,
});

/** A value that belongs to nothing yet. `exact`: keep the name as it is (a file's own name). */
export function createValue(
  names: NameScope,
  base: string,
  type: ValueType | null = null,
  exact = false,
): Value {
  if (exact) takeName(names, base);
  return {
    name: exact ? base : freshName(names, base),
    type,
    producer: null,
    uses: [],
    constant: null,
    overridable: false,
    doc: '',
    notes: new Map(),
  };
}

export function addInput(graph: Graph, value: Value): Value {
  (graph.inputs as Value[]).push(value);
  return value;
}

export function removeInput(graph: Graph, value: Value): void {
  const at = graph.inputs.indexOf(value);
  if (at >= 0) graph.inputs.splice(at, 1);
  value.overridable = false;
}

export function addOutput(graph: Graph, value: Value): void {
  graph.outputs.push(value);
  usesOf(value).push({ graph, index: graph.outputs.length - 1 });
}

/** Replaces the list of outputs. */
export function setOutputs(graph: Graph, values: readonly Value[]): void {
  for (const v of graph.outputs) writable(v).uses = v.uses.filter((u) => u.graph !== graph);
  graph.outputs.length = 0;
  for (const v of values) addOutput(graph, v);
}

/** Adds a constant under a fresh name made from `base`, or makes `base`, a Value without producer, the constant. */
export function addInitializer(graph: Graph, base: string | Value, tensor: Tensor): Value {
  const value = typeof base === 'string' ? createValue(graph.names, base) : base;
  writable(value).constant = tensor;
  value.type = tensorType(tensor.dtype, tensor.dims);
  graph.initializers.add(value);
  if (graph.inputs.includes(value)) value.overridable = true;
  return value;
}

/** Exchanges the tensor of an initializer; dtype and shape may change. */
export function setConstant(value: Value, tensor: Tensor): void {
  if (!value.constant) throw graphInvalid(`"${value.name}" is not an initializer.`);
  writable(value).constant = tensor;
  value.type = tensorType(tensor.dtype, tensor.dims);
}

/** Removes an unused initializer; from the inputs too, where it was a weight of the time when all were (or a default). */
export function removeInitializer(graph: Graph, value: Value): void {
  if (value.uses.length > 0) throw graphInvalid(`Initializer "${value.name}" is still in use.`);
  graph.initializers.delete(value);
  removeInput(graph, value);
}

export interface NodeInit {
  opType: string;
  domain?: string;
  overload?: string;
  name?: string;
  inputs: readonly (Value | null)[];
  /** Names for new outputs, ready-made values without producer, or how many fresh outputs to make (default 1). */
  outputs?: number | readonly (string | Value | null)[];
  attributes?:
    | Readonly<Record<string, AttributeInit | undefined>>
    | ReadonlyMap<string, Attribute>
    | undefined;
  doc?: string;
}

/** On a first output that its operator lets a model omit, as those of LSTM: it has a name here, and none in files as long as
 *  nobody reads it. 'absent': the node listed no output at all. */
const omitted = defineNote<Value, 'unnamed' | 'absent'>('omitted output');

/** The outputs as files list them, null for those that are left out. */
export function listedOutputs(node: Node): (Value | null)[] {
  const [first = null, ...others] = node.outputs;
  const how = first && first.uses.length === 0 ? omitted.get(first) : undefined;
  if (!how) return [...node.outputs];
  return how === 'absent' && others.length === 0 ? [] : [null, ...others];
}

/** Adds a node before `before`, or at the end. Undefined attributes are left out. A node always has its first output:
 *  one that is omitted becomes a value that nobody reads. */
export function addNode(graph: Graph, init: NodeInit, before?: Node): Node {
  const base = init.name || (typeof init.outputs === 'object' ? '' : init.opType.toLowerCase());
  const wanted = init.outputs ?? 1;
  const outputs: (Value | null)[] =
    typeof wanted === 'number'
      ? Array.from({ length: wanted }, (_, i) =>
          createValue(graph.names, i === 0 ? `${base}_out` : `${base}_out${i}`),
        )
      : wanted.map((o) => (typeof o === 'string' ? createValue(graph.names, o) : o));
  const attributes =
    init.attributes instanceof Map
      ? new Map<string, Attribute>(init.attributes)
      : new Map(
          Object.entries(init.attributes ?? {}).flatMap(([k, v]) =>
            v === undefined ? [] : [[k, attribute(v as AttributeInit)] as const],
          ),
        );
  if (!outputs[0]) {
    const how = outputs.length === 0 ? 'absent' : 'unnamed';
    outputs[0] = createValue(graph.names, `${init.name || init.opType}/omitted`);
    omitted.set(outputs[0], how);
  }
  const node: Node = {
    opType: init.opType,
    domain: init.domain ?? '',
    overload: init.overload ?? '',
    name: init.name ?? '',
    inputs: [...init.inputs],
    outputs,
    attributes,
    doc: init.doc ?? '',
    graph,
    notes: new Map(),
  };
  node.inputs.forEach((v, index) => {
    if (v) usesOf(v).push({ node, index });
  });
  for (const v of outputs) {
    if (!v) continue;
    if (v.producer || v.constant) throw graphInvalid(`"${v.name}" already has a producer.`);
    writable(v).producer = node;
  }
  if (before) {
    const at = positionOf(graph, before);
    if (at < 0) throw graphInvalid(`Node "${before.name}" is not in graph "${graph.name}".`);
    graph.nodes.splice(at, 0, node);
  } else graph.nodes.push(node);
  return node;
}

/** Where a node was found last, graph by graph. */
const lastPosition = new WeakMap<Graph, number>();
const nearby = 32;

/** Position of a node in the order of its graph; -1 when it isn't there. Edits mostly go through a graph from one node to the
 *  next, so the search begins where the last one ended. */
export function positionOf(graph: Graph, node: Node): number {
  const { nodes } = graph;
  const last = lastPosition.get(graph) ?? 0;
  const end = Math.min(nodes.length, last + nearby);
  let at = Math.max(0, last - nearby);
  while (at < end && nodes[at] !== node) at++;
  if (at >= end) at = nodes.indexOf(node);
  if (at >= 0) lastPosition.set(graph, at);
  return at;
}

export function setInput(node: Node, index: number, value: Value | null): void {
  const old = node.inputs[index];
  if (old) dropUse(old, node, index);
  while (node.inputs.length <= index) node.inputs.push(null);
  node.inputs[index] = value;
  if (value) usesOf(value).push({ node, index });
  while (node.inputs.length > 0 && node.inputs[node.inputs.length - 1] === null) node.inputs.pop();
}

function dropUse(value: Value, node: Node, index: number): void {
  const at = value.uses.findIndex((u) => u.node === node && u.index === index);
  if (at < 0)
    throw graphInvalid(`"${value.name}" has lost track of its use by ${node.opType} "${node.name}".`);
  usesOf(value).splice(at, 1);
}

export function setAttribute(node: Node, name: string, value: AttributeInit | undefined): void {
  if (value === undefined) node.attributes.delete(name);
  else node.attributes.set(name, attribute(value));
}

/** Whether every use of `old` can be moved to `to` without changing a graph output's name.
 *  No when `old` is a graph output and `to` an input, an initializer, an outer value or an output, or `old` an input. */
export function canReplaceAllUses(old: Value, to: Value): boolean {
  if (!isGraphOutput(old)) return true;
  const home = to.producer?.graph;
  if (!home || isGraphOutput(to)) return false;
  if (old.producer) return old.producer.graph === home;
  return (
    home.initializers.has(old) &&
    !home.inputs.includes(old) &&
    old.uses.every((u) => !u.graph || u.graph === home)
  );
}

/** Moves every use of `old` to `to`. When `old` is a graph output, `to` becomes it and takes over its name. */
export function replaceAllUses(old: Value, to: Value): void {
  if (!canReplaceAllUses(old, to))
    throw graphInvalid(`Output "${old.name}" can't be replaced by "${to.name}".`);
  if (isGraphOutput(old)) {
    [old.name, to.name] = [to.name, old.name];
    if (old.type) to.type = old.type;
  }
  for (const use of [...old.uses]) {
    if (use.node) use.node.inputs[use.index] = to;
    else use.graph.outputs[use.index] = to;
    usesOf(to).push(use);
  }
  usesOf(old).length = 0;
}

/** Removes a node whose outputs nobody reads. Its subgraphs go with it. */
export function removeNode(node: Node): void {
  for (const v of node.outputs)
    if (v && v.uses.length > 0)
      throw graphInvalid(`${node.opType} "${node.name}" still feeds a reader of "${v.name}".`);
  detach(node);
  const at = positionOf(node.graph, node);
  if (at >= 0) node.graph.nodes.splice(at, 1);
}

/** Removes many unused nodes at once, in one walk over the node list. */
export function removeNodes(graph: Graph, gone: ReadonlySet<Node>): void {
  for (const node of gone) detach(node);
  const kept = graph.nodes.filter((n) => !gone.has(n));
  graph.nodes.length = 0;
  for (const n of kept) graph.nodes.push(n);
}

/** Removes those of `nodes` whose outputs nobody reads, or only others that go: readers before what they read.
 *  @returns the nodes that went */
export function removeUnread(nodes: Iterable<Node>): Node[] {
  const waiting = new Set(nodes);
  const isUnread = (node: Node) => node.outputs.every((v) => !v || v.uses.length === 0);
  const gone: Node[] = [];
  for (let next = [...waiting].find(isUnread); next; next = [...waiting].find(isUnread)) {
    waiting.delete(next);
    removeNode(next);
    gone.push(next);
  }
  return gone;
}

/** Takes back a node that was added: it goes and its names are free again. */
export function discardNode(node: Node): void {
  removeNode(node);
  for (const v of node.outputs) if (v) releaseName(node.graph.names, v.name);
  releaseName(node.graph.names, node.name);
}

/** Takes back an initializer that was added: it goes and its name is free again. */
export function discardInitializer(graph: Graph, value: Value): void {
  removeInitializer(graph, value);
  releaseName(graph.names, value.name);
}

function detach(node: Node): void {
  node.inputs.forEach((v, index) => {
    if (v) dropUse(v, node, index);
  });
  for (const v of node.outputs) if (v) writable(v).producer = null;
  for (const sub of subgraphs(node)) {
    setOutputs(sub, []);
    for (const inner of [...sub.nodes].reverse()) detach(inner);
  }
}

/** Takes an output away from its node (the position stays, empty) so that another node can produce it. */
export function releaseOutput(node: Node, index: number): Value | null {
  const v = node.outputs[index] ?? null;
  if (v) writable(v).producer = null;
  node.outputs[index] = null;
  return v;
}

/** Puts nodes in topological order, keeping the given order where it is free. @throws GRAPH_INVALID on a cycle */
export function sortNodes(graph: Graph): void {
  const waiting = new Map<Node, number>();
  const local = new Set(graph.nodes);
  const dependants = new Map<Node, Node[]>();
  for (const node of graph.nodes) {
    const needs = new Set(
      allReads(node).flatMap((v) => (v.producer && local.has(v.producer) ? [v.producer] : [])),
    );
    needs.delete(node);
    waiting.set(node, needs.size);
    for (const p of needs) dependants.get(p)?.push(node) ?? dependants.set(p, [node]);
  }
  const order = new Map(graph.nodes.map((n, i) => [n, i]));
  const ready = graph.nodes.filter((n) => waiting.get(n) === 0).reverse();
  const sorted: Node[] = [];
  for (let node = ready.pop(); node; node = ready.pop()) {
    sorted.push(node);
    const freed = (dependants.get(node) ?? []).filter((d) => {
      const left = waiting.get(d)! - 1;
      waiting.set(d, left);
      return left === 0;
    });
    freed.sort((a, b) => order.get(b)! - order.get(a)!);
    ready.push(...freed);
  }
  if (sorted.length !== graph.nodes.length) throw graphInvalid(`Graph "${graph.name}" has a cycle.`);
  graph.nodes.length = 0;
  for (const n of sorted) graph.nodes.push(n);
}

/** What a node reads, values captured by its subgraphs included. */
export function allReads(node: Node): Value[] {
  const reads = node.inputs.filter((v): v is Value => v !== null);
  for (const sub of subgraphs(node)) {
    for (const inner of sub.nodes) reads.push(...allReads(inner));
    reads.push(...sub.outputs);
  }
  return reads;
}

/** Puts nodes that were added at the end where they belong: right before the first node that needs them. The others keep
 *  their order. @throws GRAPH_INVALID on a cycle */
export function settleNodes(graph: Graph, late: Iterable<Node>): void {
  const order = [...graph.nodes];
  const there = new Set(order);
  const added = new Set([...late].filter((n) => there.has(n)));
  const placed = new Set<Node>();
  graph.nodes.length = 0;
  const place = (node: Node): void => {
    const path = new Set([node]);
    for (const open = [node]; open.length > 0; ) {
      const next = open.at(-1)!;
      const needed = allReads(next)
        .map((v) => v.producer)
        .find((p) => p && p !== next && added.has(p) && !placed.has(p) && p.graph === graph);
      if (needed && path.has(needed)) throw graphInvalid(`Graph "${graph.name}" has a cycle.`);
      if (needed) {
        open.push(needed);
        path.add(needed);
      } else {
        open.pop();
        if (!placed.has(next)) graph.nodes.push(next);
        placed.add(next);
      }
    }
  };
  for (const node of order) if (!added.has(node)) place(node);
  for (const node of added) if (!placed.has(node)) place(node);
}

/** Has the graph return `to` in the place of output `index`. */
export function setOutput(graph: Graph, index: number, to: Value): void {
  const old = graph.outputs[index];
  if (old) writable(old).uses = old.uses.filter((u) => u.graph !== graph || u.index !== index);
  graph.outputs[index] = to;
  usesOf(to).push({ graph, index });
}
