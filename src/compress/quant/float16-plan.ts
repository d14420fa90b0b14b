/** Decides, before anything is edited, which nodes compute in float16 and which stay in float32, each with its reason.
 *  Products become float16 unless something is against it; light ops follow their neighbours, so that Casts stand only
 *  where a product meets an input, an output or something that must stay float32. What is computed from integers and
 *  constants alone (positions, masks, sizes) stays float32 until it meets an activation: float16 counts exactly only
 *  up to 2048. Subgraphs are planned like the main graph; what crosses their border follows its neighbours on both sides. */
import {
  constantOf,
  dtypeOf,
  type Graph,
  isOp,
  type Model,
  type Node,
  opKey,
  shapeOf,
  type Value,
} from '../../model/ir/model.ts';
import { graphsOf, nodesOf } from '../../model/ir/walk.ts';
import { float16Kind, isFloat32Input, isFloat32Output } from '../../model/ops/float16.ts';
import { float16Kinds } from '../../model/ops/float16-functions.ts';
import type { Float16Kind } from '../../model/ops/types.ts';
import { accumulating, type Crossing, type Crossings, crossingsOf, valueAt } from './float16-crossings.ts';
import { growing } from './float16-growth.ts';
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
  /** What is handed to and from subgraphs in float16. */
  readonly crossings: { readonly of: Crossings; readonly half: ReadonlySet<Crossing> };
  /** Nodes that compute in float32 from weights stored in float16. */
  readonly stored: ReadonlySet<Node>;
  /** Nodes that could have and don't, with the reason. */
  readonly kept: ReadonlyMap<Node, string>;
  /** Values of float32 nodes that may lie far outside float16 (masks made from -3.4e38). */
  readonly mayOverflow: (v: Value) => boolean;
}

const accumulates = 'accumulates: each iteration adds to it';

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
  const crossings = crossingsOf(model);
  const fromIntegers = integerValues(model, kindOf);
  const summing = new Map(crossings.all.map((c) => [c, accumulating(c)]));
  const fragile = new Map<Node | Crossing, string>([
    ...[...summing.values()].flat().map((node) => [node, accumulates] as const),
    ...growing(nodes, crossings, (v) => request.magnitude(v) !== undefined),
    ...normalisationNodes(nodes),
  ]);
  const kept = new Map<Node, string>();
  const light: Node[] = [];
  const half = new Set<Node>();
  const stored = new Set<Node>();
  for (const node of nodes) {
    if (readsEither(node) || isOp(node, 'Constant', 'ConstantOfShape')) continue;
    if (isOp(node, 'If', 'Loop', 'Scan')) {
      // What has a crossing is decided with it.
      const isOpen = [
        ...node.inputs.map((v, index) => ({ v, crossing: crossings.taking({ node, index }) })),
        ...node.outputs.map((v) => ({ v, crossing: v && crossings.giving(v) })),
      ].some(({ v, crossing }) => isFloat32(v) && !crossing);
      if (isOpen) kept.set(node, 'type-unknown');
      continue;
    }
    const reason = obstacle(node, kindOf(node), request, fromIntegers, fragile);
    if (reason !== null) kept.set(node, reason);
    else if (kindOf(node) === 'product') half.add(node);
    else if (kindOf(node) === 'stored') stored.add(node);
    else light.push(node);
  }
  const against = new Map(
    crossings.all.map((c) => [
      c,
      summing.get(c)!.length > 0
        ? accumulates
        : (fragile.get(c) ?? crossingObstacle(c, request, fromIntegers)),
    ]),
  );
  const free = crossings.all.filter((c) => against.get(c) === null);
  const followers = followNeighbours(model, {
    light,
    free,
    crossings,
    products: half,
    keepIo: request.keepIo,
  });
  for (const node of followers.nodes) half.add(node);
  for (const c of crossings.all)
    if (!followers.crossings.has(c))
      kept.set(
        c.node,
        against.get(c) ?? kept.get(c.node) ?? `between-float32: both sides of ${c.node.opType}`,
      );
  return {
    half,
    crossings: { of: crossings, half: followers.crossings },
    stored,
    kept,
    mayOverflow: overflowFrom(half, request, kindOf),
  };
}

function crossingObstacle(
  c: Crossing,
  request: Float16Request,
  fromIntegers: ReadonlySet<Value>,
): string | null {
  const { node, takes, gives } = c;
  if (request.keep.has(node.opType)) return `operator-kept-in-float32: ${opKey(node)}`;
  if (!request.chosen(node)) return 'excluded';
  const values = takes.map(valueAt).filter((v) => v !== null);
  for (const v of values) {
    const against = constantOf(v) ? request.constantObstacle(v, node, -1) : null;
    if (against) return against;
  }
  const computed = values.filter((v) => !constantOf(v));
  if (computed.length > 0 && computed.every((v) => fromIntegers.has(v))) return 'computed-from-integers';
  return largeValues([...values, ...gives], request);
}

/** Values of which more was seen than float16 has room for. */
function largeValues(values: readonly Value[], request: Float16Request): string | null {
  const most = Math.max(0, ...values.map((v) => request.magnitude(v) ?? 0));
  return most > request.largest ? `large-values: up to ${Number(most.toPrecision(3))}` : null;
}

function obstacle(
  node: Node,
  kind: Float16Kind | null,
  request: Float16Request,
  fromIntegers: ReadonlySet<Value>,
  fragile: ReadonlyMap<Node | Crossing, string>,
): string | null {
  if (request.keep.has(node.opType)) return `operator-kept-in-float32: ${opKey(node)}`;
  if (kind === null) return `no-float16-form: ${opKey(node)}`;
  if (!request.chosen(node)) return 'excluded';
  if (decisionOf(node)?.precision === 'int8') return 'already-int8';
  if ([...node.inputs, ...node.outputs].some((v) => v && dtypeOf(v) === null)) return 'type-unknown';
  if (halfOutputs(node).some((v) => fromIntegers.has(v))) return 'computed-from-integers';
  const weakness = fragile.get(node);
  if (weakness !== undefined) return weakness;
  for (const { value, index } of halfInputs(node)) {
    const against = constantOf(value) ? request.constantObstacle(value, node, index) : null;
    if (against) return against;
  }
  return largeValues([...halfInputs(node).map((i) => i.value), ...halfOutputs(node)], request);
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

interface Undecided {
  readonly light: readonly Node[];
  /** Those that nothing is against. */
  readonly free: readonly Crossing[];
  readonly crossings: Crossings;
  readonly products: ReadonlySet<Node>;
  readonly keepIo: boolean;
}

/** Light nodes and crossings that become float16: all but those between float32 on both sides, where they save the Casts.
 *  Loops go round, so that both questions are asked until the answers stay. */
function followNeighbours(
  model: Model,
  { light, free, crossings, products, keepIo }: Undecided,
): { nodes: Set<Node>; crossings: Set<Crossing> } {
  const undecided = new Set<Node | Crossing>([...light, ...free]);
  const outside = new Set<Value>();
  const ends = new Set<Graph>();
  for (const graph of graphsOf(model))
    if (keepIo || graph !== model.graph) {
      for (const v of graph.inputs) outside.add(v);
      ends.add(graph);
    }
  const fed = new Map<Node | Crossing, boolean>([...undecided].map((x) => [x, true]));
  const givesFloat = (v: Value): boolean => {
    const giver = crossings.giving(v) ?? v.producer;
    if (!giver) return outside.has(v);
    return undecided.has(giver) ? fed.get(giver)! : !products.has(giver as Node);
  };
  untilSettled(() => {
    let changed = false;
    for (const x of undecided) {
      const now = takenValues(x).every((v) => constantOf(v) !== null || givesFloat(v));
      changed ||= now !== fed.get(x);
      fed.set(x, now);
    }
    return changed;
  });
  const stays = new Set<Node | Crossing>();
  const wantsFloat = (v: Value): boolean =>
    v.uses.some((use) => {
      const crossing = crossings.taking(use);
      if (crossing) return undecided.has(crossing) ? stays.has(crossing) : true;
      if (!use.node) return ends.has(use.graph);
      if (readsEither(use.node)) return false;
      if (isFloat32Input(use.node, use.index)) return true;
      return undecided.has(use.node) ? stays.has(use.node) : !products.has(use.node);
    });
  const wantsHalf = (v: Value): boolean =>
    v.uses.some((use) => {
      const reader = crossings.taking(use) ?? use.node;
      return (
        reader !== undefined &&
        (products.has(reader as Node) || (undecided.has(reader) && !stays.has(reader)))
      );
    });
  const order = [...free, ...light].reverse();
  untilSettled(() => {
    const before = stays.size;
    for (const x of order) {
      const outputs = givenValues(x);
      const isSource = takenValues(x).length === 0;
      const between = isSource
        ? !outputs.some(wantsHalf)
        : fed.get(x)! && (outputs.some(wantsFloat) || !outputs.some(wantsHalf));
      // A comparison of two float32 values gives no float: it stays where its inputs are.
      if (between || (outputs.length === 0 && fed.get(x)!)) stays.add(x);
    }
    return stays.size > before;
  });
  return {
    nodes: new Set(light.filter((n) => !stays.has(n))),
    crossings: new Set(free.filter((c) => !stays.has(c))),
  };
}

const takenValues = (x: Node | Crossing): Value[] =>
  'takes' in x ? x.takes.flatMap((use) => valueAt(use) ?? []) : halfInputs(x).map(({ value }) => value);

const givenValues = (x: Node | Crossing): readonly Value[] => ('gives' in x ? x.gives : halfOutputs(x));

function untilSettled(round: () => boolean): void {
  while (round());
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
