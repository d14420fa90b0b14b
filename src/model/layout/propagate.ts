/** Moves Transposes through operators until as few elements as possible are transposed, and cancels those that undo each
 *  other. Every step lowers the cost, so that a graph is never worse than before. */

import { releaseOutput, removeNode } from '../ir/edit.ts';
import { type Graph, type Model, type Node, opKey, shapeOf, type Value } from '../ir/model.ts';
import { tensorOf } from '../ir/tensor.ts';
import { graphsOf } from '../ir/walk.ts';
import { labelOf } from '../rewrite/apply.ts';
import { storeConstantNodes } from '../rewrite/constant-nodes.ts';
import { knownTarget } from '../rewrite/reshape-target.ts';
import { moveNodes } from './apply.ts';
import { deliver } from './deliver.ts';
import { readingsOf, traceBack } from './origin.ts';
import { identityOf, keepsElements, type Permutation, permutationOf, permuted } from './permutation.ts';
import { chooseNodes, growRegion } from './region.ts';
import { type LayoutSession, openSession } from './session.ts';

export interface LeftTranspose {
  /** Name of the node, or of what it writes. */
  readonly at: string;
  /** null where it can't be known. */
  readonly perm: Permutation | null;
  /** Why it stays: "rank-unknown", or between what it stands: "between-input-and-Conv". */
  readonly reason: string;
}

export interface PropagatedTransposes {
  /** By how many there are fewer Transposes. */
  readonly removed: number;
  readonly left: readonly LeftTranspose[];
}

/** Graphs settle in two or three rounds. */
const maxRounds = 16;

/** Edits the model in place, subgraphs included; Constant nodes become initializers; values of outer graphs are not moved from within them. Types must have been
 *  inferred: what has no known rank stays where it is. Outputs stay the same, bit for bit, but for sums in another order. */
export function propagateTransposes(model: Model): PropagatedTransposes {
  const before = countTransposes(model);
  if (before > 0) storeConstantNodes(model);
  for (const graph of graphsOf(model))
    if (graph.nodes.some((n) => n.opType === 'Transpose')) moveTransposes(openSession(model, graph));
  const left = leftTransposes(model);
  return { removed: before - left.length, left };
}

const countTransposes = (model: Model) => transposesOf(model).length;

const transposesOf = (model: Model): Node[] =>
  [...graphsOf(model)].flatMap((graph) => graph.nodes.filter((n) => opKey(n) === 'Transpose'));

/** Moves and cancels in one graph, and ends the session. */
export function moveTransposes(session: LayoutSession): void {
  joinTransposes(session);
  for (let round = 0; round < maxRounds && propagateOnce(session); round++) joinTransposes(session);
  reshapeStill(session);
  session.finish();
}

/** What moves only axes of size 1 moves no element: a Reshape, which costs nothing. */
function reshapeStill(session: LayoutSession): void {
  for (const node of [...session.graph.nodes]) {
    const [perm, shape] = [permutationOf(node), shapeOf(node.inputs[0])];
    if (!perm || !shape || session.opset < 5 || !keepsElements(shape, perm)) continue;
    const target = knownTarget(shape, permuted(shape, perm));
    if (!target || node.outputs[0]!.uses.length === 0) continue;
    const inputs = [node.inputs[0]!, session.constant('shape', tensorOf('int64', [target.length], target))];
    const written = releaseOutput(node, 0);
    removeNode(node);
    session.add({ opType: 'Reshape', name: node.name, inputs, outputs: [written] });
  }
}

/** Values that Transposes read, and that none writes; each once. */
function originsOf(graph: Graph): Map<Value, number> {
  const origins = new Map<Value, number>();
  for (const node of graph.nodes) {
    const perm = permutationOf(node);
    if (!perm || node.outputs[0]!.uses.length === 0) continue;
    origins.set(traceBack(graph, node.outputs[0]!, perm.length).origin, perm.length);
  }
  return origins;
}

/** One Transpose for every order in which a value is read, straight from it. */
function joinTransposes(session: LayoutSession): void {
  for (const [origin, rank] of originsOf(session.graph)) {
    const readings = readingsOf(session.graph, origin, rank);
    deliver(
      session,
      origin,
      identityOf(rank),
      readings.map((reading) => ({ ...reading, wants: reading.perm })),
    );
  }
}

/** Tries every order in which a transposed value is read on all that could take it over. @returns whether that paid anywhere */
function propagateOnce(session: LayoutSession): boolean {
  const { graph } = session;
  const tried = new Set<string>();
  const numbers = new Map<Value, number>();
  const keyOf = (value: Value, perm: Permutation) => {
    if (!numbers.has(value)) numbers.set(value, numbers.size);
    return `${numbers.get(value)}:${perm.join()}`;
  };
  let changed = false;
  for (const [origin, rank] of originsOf(graph)) {
    const orders = new Map(readingsOf(graph, origin, rank).map(({ perm }) => [perm.join(), perm]));
    for (const perm of [identityOf(rank), ...orders.values()]) {
      if (tried.has(keyOf(origin, perm))) continue;
      const region = growRegion(graph, origin, perm, session.opset);
      for (const [value, target] of region.values) tried.add(keyOf(value, target));
      const { gain, nodes } = chooseNodes(graph, region);
      if (gain <= 0) continue;
      moveNodes(session, region, nodes);
      changed = true;
    }
  }
  return changed;
}

/** Those of the model and its subgraphs. */
export function leftTransposes(model: Model): LeftTranspose[] {
  return transposesOf(model).map((node) => {
    const perm = permutationOf(node);
    return { at: labelOf(node), perm, reason: perm ? placeOf(node) : 'rank-unknown' };
  });
}

/** Operators, inputs and outputs that it stands between. */
function placeOf(node: Node): string {
  const [x, y] = [node.inputs[0]!, node.outputs[0]!];
  const from = x.producer ? opKey(x.producer) : x.constant ? 'constant' : 'input';
  const to = [...new Set(y.uses.map((u) => (u.node ? opKey(u.node) : 'output')))].sort();
  return `between-${from}-and-${to.join('-')}`;
}
