/** Carries a float16 plan out: types, constants, and one Cast for each value that both precisions read. */
import {
  addInitializer,
  addNode,
  canReplaceAllUses,
  positionOf,
  removeInitializer,
  replaceAllUses,
  setAttribute,
  setConstant,
  setInput,
  setOutput,
} from '../../model/ir/edit.ts';
import {
  constantOf,
  dtypeOf,
  type Graph,
  isOp,
  type Model,
  type Node,
  shapeOf,
  type Use,
  type Value,
} from '../../model/ir/model.ts';
import { freshName } from '../../model/ir/names.ts';
import { elementCount, scalar, type Tensor } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { graphsOf } from '../../model/ir/walk.ts';
import { valueAt } from './float16-crossings.ts';
import { type Float16Plan, halfInputs, halfOutputs, readsEither } from './float16-plan.ts';

/** Smaller constants are kept twice where both precisions read them; larger ones once, in float16. */
const keptTwice = 1024;
/** Room for what is added to a mask: 65504 itself would leave float16 with the next addition. */
const maskLimit = 32768;

/** @param half the float16 form of a constant for the node that reads it
 *  @returns how many nodes, inputs and outputs changed */
export function applyFloat16(
  model: Model,
  plan: Float16Plan,
  keepIo: boolean,
  half: (value: Value, node: Node, index: number) => Tensor,
): number {
  const homes = homesOf(model);
  const { of: crossings, half: halfCrossings } = plan.crossings;
  const stored = new Set([...plan.half].flatMap(halfOutputs));
  for (const { gives } of halfCrossings) for (const v of gives) stored.add(v);
  if (!keepIo) for (const v of model.graph.inputs) if (dtypeOf(v) === 'float32') stored.add(v);
  const isHalfUse = (use: Use, v: Value): boolean => {
    const crossing = crossings.taking(use);
    if (crossing) return halfCrossings.has(crossing);
    if (!use.node) return !keepIo && use.graph === model.graph && stored.has(v);
    if (readsEither(use.node)) return true;
    return plan.half.has(use.node) && halfInputs(use.node).some((i) => i.index === use.index);
  };
  const constants = new Map<Value, Map<Tensor, Value>>();
  const down = new Map<Value, Value>();
  const floatUses = new Map<Value, Use[]>();
  for (const v of stored)
    floatUses.set(
      v,
      v.uses.filter((use) => !isHalfUse(use, v)),
    );
  for (const { value, use, node } of halfReadings(plan)) {
    if (stored.has(value)) continue;
    if (constantOf(value)) {
      const tensor = half(value, node, use.node ? use.index : -1);
      const shared = constants.get(value) ?? new Map<Tensor, Value>();
      constants.set(value, shared);
      const made = shared.get(tensor) ?? addInitializer(homes.get(value)!, `${value.name}/float16`, tensor);
      shared.set(tensor, made);
      redirect(use, made);
    } else {
      const made = down.get(value) ?? castDown(value, homes.get(value)!, plan.mayOverflow(value));
      down.set(value, made);
      redirect(use, made);
    }
  }
  for (const [value, made] of constants) settleConstant(value, [...made.values()], homes.get(value)!);
  const expanded = new Set<Value>();
  for (const node of plan.stored)
    for (const { value, index } of halfInputs(node))
      if (constantOf(value) && elementCount(value.constant!.dims) >= keptTwice) {
        const uses = [...value.uses];
        setConstant(value, half(value, node, index));
        castUp(value, uses, homes.get(value)!);
        expanded.add(value);
      }
  for (const v of stored) {
    const { producer } = v;
    if (producer && isOp(producer, 'Cast') && plan.half.has(producer)) setAttribute(producer, 'to', 10);
    const uses = floatUses.get(v)!;
    v.type = tensorType('float16', shapeOf(v));
    if (uses.length > 0) castUp(v, uses, homes.get(v)!);
  }
  return stored.size + constants.size + expanded.size + plan.half.size;
}

interface HalfReading {
  readonly value: Value;
  readonly use: Use;
  /** The node that it is for: one with a subgraph, where that gives it back. */
  readonly node: Node;
}

/** Every place at which float16 is read. */
const halfReadings = ({ half, crossings }: Float16Plan): HalfReading[] => [
  ...[...half].flatMap((node) =>
    halfInputs(node).map(({ value, index }) => ({ value, use: { node, index }, node })),
  ),
  ...[...crossings.half].flatMap(({ node, takes }) =>
    takes.map((use) => ({ value: valueAt(use)!, use, node })),
  ),
];

function redirect(use: Use, to: Value): void {
  if (use.node) setInput(use.node, use.index, to);
  else setOutput(use.graph, use.index, to);
}

/** The graph in which each value is defined. */
function homesOf(model: Model): Map<Value, Graph> {
  const homes = new Map<Value, Graph>();
  for (const graph of graphsOf(model)) {
    for (const v of [...graph.inputs, ...graph.initializers]) homes.set(v, graph);
    for (const node of graph.nodes) for (const v of node.outputs) if (v) homes.set(v, graph);
  }
  return homes;
}

/** The first node that may read `v`. */
const after = (v: Value, home: Graph): Node | undefined =>
  home.nodes[v.producer ? positionOf(home, v.producer) + 1 : 0];

function addCast(v: Value, home: Graph, to: 'float16' | 'float32'): Value {
  const cast = addNode(
    home,
    {
      opType: 'Cast',
      inputs: [v],
      outputs: [`${v.name}/${to}`],
      attributes: { to: to === 'float16' ? 10 : 1 },
    },
    after(v, home),
  );
  const out = cast.outputs[0]!;
  cast.name = out.name;
  out.type = tensorType(to, shapeOf(v));
  return out;
}

function castDown(v: Value, home: Graph, mayOverflow: boolean): Value {
  if (!mayOverflow) return addCast(v, home, 'float16');
  const bound = (value: number) => addInitializer(home, `${v.name}/bound`, scalar('float32', value));
  const clip = addNode(
    home,
    { opType: 'Clip', inputs: [v, bound(-maskLimit), bound(maskLimit)], outputs: [`${v.name}/bounded`] },
    after(v, home),
  );
  const bounded = clip.outputs[0]!;
  clip.name = bounded.name;
  bounded.type = v.type;
  const cast = addCast(bounded, home, 'float16');
  return cast;
}

/** Gives the listed readers a float32 copy of `v`, which is float16 by now. A graph output keeps its name where it can. */
function castUp(v: Value, uses: readonly Use[], home: Graph): void {
  const isOutput = uses.some((use) => use.graph !== undefined);
  const out = addCast(v, home, 'float32');
  const others = v.uses.filter((use) => !uses.includes(use));
  if (isOutput && canReplaceAllUses(v, out)) {
    replaceAllUses(v, out);
    v.name = freshName(home.names, `${out.name}/float16`);
    v.type = tensorType('float16', shapeOf(v));
    out.type = tensorType('float32', shapeOf(v));
    for (const use of others) redirect(use, v);
  } else for (const use of uses) redirect(use, out);
}

/** The float32 form stays for those who read it; without any, the float16 form takes its place. */
function settleConstant(value: Value, made: readonly Value[], home: Graph): void {
  const [first] = made;
  const tensor = first!.constant!;
  const isLarge = elementCount(tensor.dims) >= keptTwice;
  if (value.uses.length > 0 && !isLarge) return;
  const uses = [...value.uses];
  setConstant(value, tensor);
  for (const use of [...first!.uses]) redirect(use, value);
  removeInitializer(home, first!);
  if (uses.length > 0) castUp(value, uses, home);
}
