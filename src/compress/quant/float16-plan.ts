/** Decides, before anything is edited, which nodes compute in float16 and which stay in float32, each with its reason.
 *  Products become float16 unless something is against it; light ops follow their neighbours, so that Casts stand only
 *  where a product meets an input, an output or something that must stay float32. What is computed from integers and
 *  constants alone (positions, masks, sizes) stays float32 until it meets an activation: float16 counts exactly only
 *  up to 2048. Subgraphs are planned like the main graph; what crosses their border stays float32. */
import { subgraphs } from '../../model/ir/attribute.ts';
import {
  constantOf,
  dtypeOf,
  type Graph,
  isOp,
  type Model,
  type Node,
  opKey,
  readers,
  shapeOf,
  type Value,
} from '../../model/ir/model.ts';
import { graphsOf, nodesOf } from '../../model/ir/walk.ts';
import { float16Kind, isFloat32Input, isFloat32Output } from '../../model/ops/float16.ts';
import { float16Kinds } from '../../model/ops/float16-functions.ts';
import type { Float16Kind } from '../../model/ops/types.ts';
import { normalisationNodes } from './float16-norms.ts';
import { decisionOf } from './layers.ts';

interface Float16Request {
  chosen(node: Node): boolean;
  /** Op types that stay float32. */
  readonly keep: ReadonlySet<string>;
  /** Inputs and outputs of the main graph stay float32. */
  readonly keepIo: boolean;
  /** Why a constant can't be float16 where this node reads it; null when it can. */
  constantObstacle(value: Value, node: Node, index: number): string | null;
  /** Largest measured magnitude; undefined where nothing was measured. */
  magnitude(value: Value): number | undefined;
  /** Nodes that see more than this stay float32. */
  readonly largest: number;
}

export interface Float16Plan {
  /** Nodes that will compute in float16. */
  readonly half: ReadonlySet<Node>;
  /** Nodes that compute in float32 from weights stored in float16. */
  readonly stored: ReadonlySet<Node>;
  /** Nodes that could have and don't, with the reason. */
  readonly kept: ReadonlyMap<Node, string>;
  /** Values of float32 nodes that may lie far outside float16 (masks made from -3.4e38). */
  readonly mayOverflow: (v: Value) => boolean;
}

type KindOf = (node: Node) => Float16Kind | null;

const isFloat32 = (v: Value | null | undefined): v is Value => dtypeOf(v) === 'float32';

/** Inputs that are float16 when the node is. */
export const halfInputs = (node: Node): { value: Value; index: number }[] =>
  node.inputs.flatMap((value, index) =>
    isFloat32(value) && !isFloat32Input(node, index) ? [{ value, index }] : [],
  );

/** Outputs that are float16 when the node is. */
export const halfOutputs = (node: Node): Value[] =>
  node.outputs.filter((v, i): v is Value => isFloat32(v) && !isFloat32Output(node, i));

const isCastOf = (node: Node, side: 'from' | 'to') =>
  isOp(node, 'Cast') && isFloat32(side === 'from' ? node.inputs[0] : node.outputs[0]);

/** Whether the node takes float16 and float32 alike, and gives neither. */
export const readsEither = (node: Node): boolean =>
  (isCastOf(node, 'from') && !isCastOf(node, 'to')) || float16Kind(node) === 'reader';

export function planFloat16(model: Model, request: Float16Request): Float16Plan {
  const nodes = [...nodesOf(model)].filter((n) => halfInputs(n).length + halfOutputs(n).length > 0);
  const kindOf = float16Kinds(model);
  const fromIntegers = integerValues(model, kindOf);
  const norms = normalisationNodes(nodes);
  const kept = new Map<Node, string>();
  const light: Node[] = [];
  const half = new Set<Node>();
  const stored = new Set<Node>();
  for (const node of nodes) {
    if (readsEither(node) || isOp(node, 'Constant', 'ConstantOfShape')) continue;
    const reason = obstacle(node, kindOf(node), request, fromIntegers, norms);
    if (reason !== null) kept.set(node, reason);
    else if (kindOf(node) === 'product') half.add(node);
    else if (kindOf(node) === 'stored') stored.add(node);
    else light.push(node);
  }
  for (const node of followNeighbours(model, light, half, request.keepIo)) half.add(node);
  return { half, stored, kept, mayOverflow: overflowFrom(half, request, kindOf) };
}

function obstacle(
  node: Node,
  kind: Float16Kind | null,
  request: Float16Request,
  fromIntegers: ReadonlySet<Value>,
  norms: ReadonlyMap<Node, string>,
): string | null {
  if (subgraphs(node).length > 0)
    return `control-flow: what crosses the border of ${node.opType} stays float32`;
  if (request.keep.has(node.opType)) return `operator-kept-in-float32: ${opKey(node)}`;
  if (kind === null) return `no-float16-form: ${opKey(node)}`;
  if (!request.chosen(node)) return 'excluded';
  if (decisionOf(node)?.precision === 'int8') return 'already-int8';
  if ([...node.inputs, ...node.outputs].some((v) => v && dtypeOf(v) === null)) return 'type-unknown';
  if (halfOutputs(node).some((v) => fromIntegers.has(v))) return 'computed-from-integers';
  const norm = norms.get(node);
  if (norm !== undefined) return norm;
  for (const { value, index } of halfInputs(node)) {
    const against = constantOf(value) ? request.constantObstacle(value, node, index) : null;
    if (against) return against;
  }
  const seen = [...halfInputs(node).map((i) => i.value), ...halfOutputs(node)];
  const most = Math.max(0, ...seen.map((v) => request.magnitude(v) ?? 0));
  return most > request.largest ? `large-values: up to ${Number(most.toPrecision(3))}` : null;
}

/** Values that follow from integers and constants alone, by ops that only count, move or mask. */
function integerValues(model: Model, kindOf: KindOf): Set<Value> {
  const found = new Set<Value>();
  const wide = new Set(['int16', 'int32', 'int64', 'uint16', 'uint32', 'uint64']);
  for (const node of nodesOf(model)) {
    const outputs = halfOutputs(node);
    if (outputs.length === 0) continue;
    const floats = node.inputs.filter(isFloat32);
    const computed = floats.filter((v) => !constantOf(v));
    const source =
      (isOp(node, 'Cast') && wide.has(dtypeOf(node.inputs[0]) ?? '')) ||
      isOp(node, 'ConstantOfShape', 'Range');
    const outer = isOp(node, 'MatMul') && shapeOf(node.inputs[0])?.at(-1) === 1;
    const moves = kindOf(node) === 'light' || isOp(node, 'CumSum', 'ReduceSum', 'Mod') || outer;
    const passedOn = moves && computed.length > 0 && computed.every((v) => found.has(v));
    if (source || passedOn) for (const v of outputs) found.add(v);
  }
  return found;
}

/** Light nodes that become float16: all but those between float32 on both sides, where they save the Casts. */
function followNeighbours(
  model: Model,
  light: readonly Node[],
  products: ReadonlySet<Node>,
  keepIo: boolean,
): Set<Node> {
  const undecided = new Set(light);
  const outside = new Set<Value>();
  const ends = new Set<Graph>();
  for (const graph of graphsOf(model))
    if (keepIo || graph !== model.graph) {
      for (const v of graph.inputs) outside.add(v);
      ends.add(graph);
    }
  const fed = new Map<Node, boolean>();
  const givesFloat = (v: Value): boolean => {
    if (!v.producer) return outside.has(v);
    return undecided.has(v.producer) ? fed.get(v.producer)! : !products.has(v.producer);
  };
  for (const node of light)
    fed.set(
      node,
      halfInputs(node).every(({ value }) => constantOf(value) !== null || givesFloat(value)),
    );
  const stays = new Set<Node>();
  const wantsFloat = (v: Value): boolean =>
    v.uses.some((use) => {
      if (!use.node) return ends.has(use.graph);
      if (readsEither(use.node)) return false;
      if (isFloat32Input(use.node, use.index)) return true;
      return undecided.has(use.node) ? stays.has(use.node) : !products.has(use.node);
    });
  const wantsHalf = (v: Value): boolean =>
    readers(v).some((r) => products.has(r) || (undecided.has(r) && !stays.has(r)));
  for (const node of [...light].reverse()) {
    const outputs = halfOutputs(node);
    const free = halfInputs(node).length === 0;
    const between = free
      ? !outputs.some(wantsHalf)
      : fed.get(node)! && (outputs.some(wantsFloat) || !outputs.some(wantsHalf));
    // A comparison of two float32 values gives no float: it stays where its inputs are.
    if (between || (outputs.length === 0 && fed.get(node)!)) stays.add(node);
  }
  return new Set(light.filter((n) => !stays.has(n)));
}

/** Follows float32 nodes back to constants beyond float16. */
function overflowFrom(
  half: ReadonlySet<Node>,
  request: Float16Request,
  kindOf: KindOf,
): (v: Value) => boolean {
  const known = new Map<Value, boolean>();
  const visit = (v: Value): boolean => {
    const before = known.get(v);
    if (before !== undefined) return before;
    known.set(v, false);
    const node = v.producer;
    const passes = node && !half.has(node) && kindOf(node) === 'light' && !isOp(node, 'Clip', 'Softmax');
    const found =
      passes === true &&
      node.inputs.some((x, i) => {
        if (!isFloat32(x)) return false;
        return constantOf(x)
          ? (request.constantObstacle(x, node, i)?.startsWith('constant-beyond-float16') ?? false)
          : visit(x);
      });
    known.set(v, found);
    return found;
  };
  return visit;
}
