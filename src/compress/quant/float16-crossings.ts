/** What If, Loop and Scan hand over between a graph and its subgraphs: values that stand for one another have one type, so
 *  that they become float16 together or not at all.
 *    If     an output, and what each branch gives for it
 *    Loop   a carried value: what it starts as, what the body sees, what it makes of it, what comes out; what is stacked
 *    Scan   the same, and what is taken apart
 *  Source: ONNX If-16, Loop-16, Scan-16. */
import { intAttribute, subgraphs } from '../../model/ir/attribute.ts';
import {
  dtypeOf,
  type Graph,
  isOp,
  type Model,
  type Node,
  type Use,
  type Value,
} from '../../model/ir/model.ts';
import { nodesOf } from '../../model/ir/walk.ts';

export interface Crossing {
  readonly node: Node;
  /** Where values are handed over: inputs of the node, outputs of its subgraphs. */
  readonly takes: readonly Use[];
  /** What they are called on the other side: inputs of a subgraph, outputs of the node. */
  readonly gives: readonly Value[];
}

export interface Crossings {
  readonly all: readonly Crossing[];
  /** That this value comes out of. */
  giving(v: Value): Crossing | undefined;
  /** That this reading goes into. */
  taking(use: Use): Crossing | undefined;
}

/** What is read there. */
export const valueAt = (use: Use): Value | null =>
  (use.node ? use.node.inputs[use.index] : use.graph.outputs[use.index]) ?? null;

/** Those of float32 values. */
export function crossingsOf(model: Model): Crossings {
  const all = [...nodesOf(model)].flatMap(crossingsAt).filter(isFloat32);
  const giving = new Map(all.flatMap((c) => c.gives.map((v) => [v, c] as const)));
  const taking = new Map<Node | Graph, Map<number, Crossing>>();
  for (const c of all)
    for (const use of c.takes) {
      const at = use.node ?? use.graph;
      const places = taking.get(at) ?? new Map<number, Crossing>();
      taking.set(at, places.set(use.index, c));
    }
  return {
    all,
    giving: (v) => giving.get(v),
    taking: (use) => taking.get(use.node ?? use.graph)?.get(use.index),
  };
}

const isFloat32 = ({ takes, gives }: Crossing) =>
  [...takes.map(valueAt), ...gives].every((v) => dtypeOf(v) === 'float32');

function crossingsAt(node: Node): Crossing[] {
  const bodies = subgraphs(node);
  const [body] = bodies;
  if (!body) return [];
  const crossing = (takes: Use[], gives: (Value | null | undefined)[]): Crossing => ({
    node,
    takes: takes.filter((use) => valueAt(use) !== null),
    gives: gives.filter((v) => v != null),
  });
  if (isOp(node, 'If'))
    return node.outputs.map((v, index) =>
      crossing(
        bodies.map((graph) => ({ graph, index })),
        [v],
      ),
    );
  if (!isOp(node, 'Loop', 'Scan')) return [];
  // A Loop counts and asks: two inputs before the first that is carried, and one output of its body.
  const isLoop = isOp(node, 'Loop');
  const [ahead, asked] = isLoop ? [2, 1] : [0, 0];
  const scanned = isLoop ? 0 : intAttribute(node, 'num_scan_inputs', 1);
  const carried = body.inputs.length - ahead - scanned;
  return [
    ...Array.from({ length: carried }, (_, k) =>
      crossing(
        [
          { node, index: ahead + k },
          { graph: body, index: asked + k },
        ],
        [body.inputs[ahead + k], node.outputs[k]],
      ),
    ),
    ...Array.from({ length: scanned }, (_, k) =>
      crossing([{ node, index: carried + k }], [body.inputs[carried + k]]),
    ),
    ...body.outputs
      .slice(asked + carried)
      .map((_, k) => crossing([{ graph: body, index: asked + carried + k }], [node.outputs[carried + k]])),
  ];
}

const arithmetic = ['Add', 'Sub', 'Sum', 'Mul', 'Div', 'Mean'];
const passing = ['Identity', 'Where', 'Reshape', 'Squeeze', 'Unsqueeze', 'Transpose', 'Clip', 'Max', 'Min'];

/** The nodes that make a carried value of the last iteration's by adding or multiplying something: roundings add up with the
 *  iterations, and sums stop growing where float16 is too coarse. Empty where it is made in another way. */
export function accumulating({ takes, gives }: Crossing): Node[] {
  const before = gives.find((v) => !v.producer);
  const made = takes.find((use) => use.graph);
  if (!before || !made) return [];
  const known = new Map<Value, boolean>([[before, true]]);
  const path = new Set<Node>();
  const follows = (v: Value | null): boolean => {
    if (!v) return false;
    const seen = known.get(v);
    if (seen !== undefined) return seen;
    const { producer } = v;
    const found =
      producer !== null &&
      isOp(producer, ...arithmetic, ...passing) &&
      producer.inputs.filter((x) => follows(x)).length > 0;
    if (found) path.add(producer);
    known.set(v, found);
    return found;
  };
  follows(valueAt(made));
  return [...path].some((node) => isOp(node, ...arithmetic)) ? [...path] : [];
}
