/** The part of a graph that could go over to another layout together, and which part of that should.
 *  From a value whose elements get another order, everything follows that can: readers and producers by their rules, and
 *  their other inputs and outputs. What should go is the smallest cut: Transposes stand where a node that goes meets one
 *  that doesn't, and cost what they move. (Moving all nodes of a set of labels to one of them is a submodular choice:
 *  Boykov, Veksler, Zabih 2001, α-expansion.) */
import { constantOf, type Graph, type Node, shapeOf, type Value } from '../ir/model.ts';
import { createNetwork, type Network, sink, source } from './min-cut.ts';
import { type Reading, readingsOf, traceBack } from './origin.ts';
import { compose, inverse, isIdentity, type Permutation } from './permutation.ts';
import type { Ports } from './rule.ts';
import { layoutRule } from './rules/index.ts';
import { movedCost } from './transpose-cost.ts';

export interface Region {
  /** Values (no results of Transposes) and the permutation that each gets. */
  readonly values: ReadonlyMap<Value, Permutation>;
  /** Nodes that can go along, and how. */
  readonly nodes: ReadonlyMap<Node, Ports>;
}

/** Follows a permutation of one value as far as nodes can go along. */
export function growRegion(graph: Graph, start: Value, perm: Permutation, opset: number): Region {
  const values = new Map<Value, Permutation>([[start, perm]]);
  const nodes = new Map<Node, Ports>();
  const addNode = (node: Node, ports: Ports | null | undefined) => {
    if (!ports || nodes.has(node) || isStill(ports)) return;
    nodes.set(node, ports);
    const ends = [
      ...ports.inputs.map((p, i) => [p, node.inputs[i]] as const),
      ...ports.outputs.map((p, i) => [p, node.outputs[i]] as const),
    ];
    for (const [p, v] of ends) {
      if (!p || !v) continue;
      const traced = traceBack(graph, v, p.length);
      if (!values.has(traced.origin)) values.set(traced.origin, compose(traced.perm, p));
    }
  };
  for (const [value, target] of values) {
    const { producer } = value;
    if (producer?.graph === graph && !isIdentity(target))
      addNode(
        producer,
        layoutRule(producer)?.ports(
          producer,
          { side: 'output', index: producer.outputs.indexOf(value) },
          target,
          opset,
        ),
      );
    for (const { use, perm: read } of readingsOf(graph, value, target.length)) {
      const port = compose(inverse(read), target);
      if (use.node?.graph !== graph || isIdentity(port)) continue;
      addNode(
        use.node,
        layoutRule(use.node)?.ports(use.node, { side: 'input', index: use.index }, port, opset),
      );
    }
  }
  return { values, nodes };
}

const isStill = ({ inputs, outputs }: Ports) => [...inputs, ...outputs].every((p) => !p || isIdentity(p));

export interface Choice {
  /** By how much the Transposes become cheaper. */
  readonly gain: number;
  readonly nodes: ReadonlySet<Node>;
}

/** Chooses the nodes of the region that should go. */
export function chooseNodes(graph: Graph, region: Region): Choice {
  const network = createNetwork();
  const vertices = new Map<Node, number>();
  for (const node of region.nodes.keys()) vertices.set(node, network.addVertex());
  const costs: Costs = { network, keep: 0 };
  for (const [value, target] of region.values) {
    const producer = value.producer && vertices.get(value.producer);
    const readings = readingsOf(graph, value, target.length).map((reading) =>
      readingOf(reading, region, vertices),
    );
    addCosts(costs, { value, target, producer: producer ?? null, readings }, region);
  }
  const gain = costs.keep - network.solve();
  const nodes = [...vertices].flatMap(([node, vertex]) => (network.isSourceSide(vertex) ? [node] : []));
  return { gain, nodes: new Set(nodes) };
}

interface Costs {
  readonly network: Network;
  /** Cost when nothing goes. */
  keep: number;
}

interface PricedReading {
  /** The order that is read when the reader stays. */
  readonly stays: Permutation;
  /** The order that is read when it goes, and its vertex; null for a reader that can't go, or for which it is the same. */
  readonly goes: { readonly perm: Permutation; readonly vertex: number } | null;
}

function readingOf(
  { use, perm }: Reading,
  region: Region,
  vertices: ReadonlyMap<Node, number>,
): PricedReading {
  const port = use.node && region.nodes.get(use.node)?.inputs[use.index];
  if (!use.node || !port) return { stays: perm, goes: null };
  return { stays: perm, goes: { perm: compose(perm, port), vertex: vertices.get(use.node)! } };
}

interface PricedValue {
  readonly value: Value;
  readonly target: Permutation;
  readonly producer: number | null;
  readonly readings: readonly PricedReading[];
}

/** What the Transposes of one value cost, as arcs: one Transpose for every order that is read and not the one that the
 *  producer writes. A vertex on the source's side goes. */
function addCosts(costs: Costs, { value, target, producer, readings }: PricedValue, region: Region): void {
  const { network } = costs;
  const cost = movedCost(shapeOf(value), target);
  const goal = target.join();
  const start = isIdentity(target) ? goal : target.map((_, i) => i).join();
  const going = producer === null ? start : (written(value, region)?.join() ?? start);
  if (going !== start && going !== goal) network.addArc(producer!, sink, cost);
  const writer = start === goal ? source : going === goal ? producer! : fixedWriter(network, value);
  const groups = byOrder(readings);
  for (const [order, group] of groups) {
    if (order === goal) continue;
    const price = order === start ? cost : movedCost(shapeOf(value), group[0]!.stays);
    const allGo = group.every(({ goes }) => goes) ? network.addVertex() : sink;
    for (const { goes } of group)
      if (goes && allGo !== sink) network.addArc(allGo, goes.vertex, Number.POSITIVE_INFINITY);
    if (order === start) network.addArc(writer, allGo, price);
    else {
      costs.keep += allGo === sink ? 0 : price;
      if (allGo !== sink) network.addArc(source, allGo, price);
    }
  }
  if (start !== goal) addGoalCosts(costs, readings, goal, writer, cost);
  for (const { goes } of readings)
    if (goes && goes.perm.join() !== goal) network.addArc(goes.vertex, sink, cost);
}

/** Readings by the order that they read when they stay. */
function byOrder(readings: readonly PricedReading[]): Map<string, PricedReading[]> {
  const groups = new Map<string, PricedReading[]>();
  for (const reading of readings) {
    const key = reading.stays.join();
    groups.get(key)?.push(reading) ?? groups.set(key, [reading]);
  }
  return groups;
}

/** Readers that want the goal while the producer keeps the old order share one Transpose. */
function addGoalCosts(
  costs: Costs,
  readings: readonly PricedReading[],
  goal: string,
  writer: number,
  cost: number,
): void {
  const { network } = costs;
  if (readings.some(({ stays }) => stays.join() === goal)) {
    costs.keep += writer === sink ? 0 : cost;
    if (writer !== sink) network.addArc(source, writer, cost);
    return;
  }
  const anyGoes = network.addVertex();
  for (const { goes } of readings) if (goes) network.addArc(goes.vertex, anyGoes, Number.POSITIVE_INFINITY);
  network.addArc(anyGoes, writer, cost);
}

/** A constant is written in whatever order is wanted; anything else that doesn't go, as before. */
const fixedWriter = (network: Network, value: Value): number =>
  constantOf(value) ? network.addVertex() : sink;

/** How the producer's rule writes a value when it goes. */
function written(value: Value, region: Region): Permutation | null {
  const node = value.producer!;
  return region.nodes.get(node)?.outputs[node.outputs.indexOf(value)] ?? null;
}
