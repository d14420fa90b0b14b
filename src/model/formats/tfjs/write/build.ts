/** A lowered model as a TensorFlow graph: its nodes in order, each by its operator's function. */
import { channelsLastDomain } from '../../../ir/internal-domain.ts';
import { type Graph, type Node, opKey, shapeOf, type Value } from '../../../ir/model.ts';
import type { Shape } from '../../../ir/type.ts';
import type { InferredShapes } from '../../../ops/shapes.ts';
import { labelOf } from '../../../rewrite/apply.ts';
import type { Lowered } from '../../lowered/lower.ts';
import { separateArguments } from './arguments.ts';
import {
  type BuildFunction,
  createEmitter,
  type Emitter,
  refuse,
  requireRank,
  type TfOperator,
  typeOf,
} from './emitter.ts';
import { fuseNodes } from './fuse.ts';
import {
  addTfNode,
  createTfGraph,
  port,
  type Ref,
  type TfFunction,
  type TfGraph,
  type TfNode,
  type TfType,
} from './graph.ts';
import { channelsLastOperators, operators } from './operators/index.ts';
import { shareConstants } from './share.ts';

export interface TfPort {
  /** As the model calls it. */
  readonly name: string;
  readonly ref: Ref;
  readonly dtype: TfType;
  readonly shape: Shape | null;
}

export interface BuiltGraph {
  readonly nodes: readonly TfNode[];
  readonly inputs: readonly TfPort[];
  readonly outputs: readonly TfPort[];
  readonly functions: readonly TfFunction[];
}

/** @throws TFJS_OPERATOR, TFJS_TYPE, TFJS_INTEGER, TFJS_RANK */
export function buildGraph({ model, inferred, left }: Lowered): BuiltGraph {
  const library: Library = { functions: [], inferred, left };
  const graph = createTfGraph();
  const known = new Map<Value, Ref>();
  const required = model.graph.inputs.filter((v) => !v.constant);
  const inputs = required.map((v) => portOf(v, placeholder(graph, v, known)));
  const e = emitterFor(graph, known, library);
  emitNodes(model.graph, e);
  const outputs = ownResults(graph, model.graph.outputs, e);
  const { nodes, numbers } = separateArguments(used(fuseNodes(graph.nodes, outputs), outputs));
  const ports = model.graph.outputs.map((v, i) => portOf(v, outputs[i]!));
  return {
    inputs,
    outputs: ports,
    nodes: shareConstants(nodes, numbers),
    functions: library.functions,
  };
}

const portOf = (v: Value, ref: Ref): TfPort => ({ name: v.name, ref, dtype: ref.dtype, shape: shapeOf(v) });

function placeholder(graph: TfGraph, v: Value, known: Map<Value, Ref>): Ref {
  const dtype = typeOf(v);
  const attributes = { dtype: { type: dtype }, shape: { shape: shapeOf(v) } } as const;
  const ref = port(addTfNode(graph, { op: 'Placeholder', inputs: [], hint: v.name, attributes }), 0, dtype);
  known.set(v, ref);
  return ref;
}

interface Library {
  readonly functions: TfFunction[];
  readonly inferred: InferredShapes;
  readonly left: Lowered['left'];
}

function emitterFor(graph: TfGraph, known: Map<Value, Ref>, library: Library): Emitter & Current {
  const current = { node: null as Node | null };
  const e: Emitter & Current = Object.assign(
    createEmitter({
      ...{ graph, known, current, inferred: library.inferred },
      fn: (hint, inputs, build) => addFunction(library, { hint, inputs, build, node: current.node }),
      body: (body, bindings) => {
        for (const [value, ref] of bindings) known.set(value, ref);
        emitNodes(body, e);
        return body.outputs.map((v) => e.ref(v));
      },
    }),
    { current, known, left: library.left },
  );
  return e;
}

interface Current {
  readonly current: { node: Node | null };
  readonly known: Map<Value, Ref>;
  readonly left: Lowered['left'];
}

function emitNodes(graph: Graph, e: Emitter & Current): void {
  const outer = e.current.node;
  for (const node of graph.nodes) {
    e.current.node = node;
    // Constants are put in place where they are read, as their reader wants them.
    const [only] = node.outputs;
    if (node.outputs.length === 1 && only && e.weightOf(only)) continue;
    const made = operatorOf(node, e.left)(node, e);
    const results = Array.isArray(made) ? (made as readonly (Ref | null)[]) : [made as Ref];
    node.outputs.forEach((v, i) => {
      const ref = results[i];
      if (!v || !ref) return;
      requireRank(v);
      e.known.set(v, ref);
    });
  }
  e.current.node = outer;
}

function operatorOf(node: Node, left: Lowered['left']): TfOperator {
  const table = node.domain === channelsLastDomain ? channelsLastOperators : operators;
  const key = node.domain === channelsLastDomain ? node.opType : opKey(node);
  const found = Object.hasOwn(table, key) ? table[key] : undefined;
  if (found) return found;
  const why = left.get(labelOf(node));
  const apart = why ? `, and it can't be taken apart (${why.replaceAll('-', ' ')})` : '';
  return refuse(node, `TensorFlow.js has no operator for it${apart}`);
}

/** Gives every output a node of its own, whose first result it is. */
function ownResults(graph: TfGraph, values: readonly Value[], e: Emitter): Ref[] {
  const taken = new Set<TfNode>();
  return values.map((v) => {
    const ref = e.ref(v);
    const own = ref.port === 0 && !taken.has(ref.node) && !['Placeholder', 'Const'].includes(ref.node.op);
    const result = own
      ? ref
      : port(addTfNode(graph, { op: 'Identity', inputs: [ref], hint: v.name }), 0, ref.dtype);
    taken.add(result.node);
    result.node.hint = v.name;
    return result;
  });
}

/** Nodes that results depend on, and what a caller feeds. */
function used(nodes: readonly TfNode[], results: readonly Ref[]): TfNode[] {
  const reached = new Set<TfNode>(nodes.filter((node) => node.op === 'Placeholder'));
  const waiting = results.map(({ node }) => node);
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    if (reached.has(node)) continue;
    reached.add(node);
    waiting.push(...node.inputs.map((ref) => ref.node));
  }
  return nodes.filter((node) => reached.has(node));
}

interface FunctionParts {
  readonly hint: string;
  readonly inputs: readonly TfType[];
  readonly build: BuildFunction;
  readonly node: Node | null;
}

function addFunction(library: Library, { hint, inputs: dtypes, build, node }: FunctionParts): TfFunction {
  const graph = createTfGraph();
  const inputs = dtypes.map((dtype, i) =>
    port(addTfNode(graph, { op: 'Placeholder', inputs: [], hint: `${hint}/argument_${i}` }), 0, dtype),
  );
  const e = emitterFor(graph, new Map(), library);
  e.current.node = node;
  // A function's results are found by their node: each needs its own.
  const outputs = build(e, inputs).map((ref) =>
    port(addTfNode(graph, { op: 'Identity', inputs: [ref], hint: `${hint}/result` }), 0, ref.dtype),
  );
  const { nodes } = separateArguments(used(fuseNodes(graph.nodes, outputs), outputs));
  const name = `${hint}_${library.functions.length}`.replace(/[^A-Za-z0-9_]/g, '_');
  const made: TfFunction = { name, inputs, outputs, graph: { nodes } };
  library.functions.push(made);
  return made;
}
