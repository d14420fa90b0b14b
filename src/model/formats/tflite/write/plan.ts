/** Decides how a node is written: in floats or in 8-bit integers, and which activation behind it becomes part of it. */
import { floatAttribute } from '../../../ir/attribute.ts';
import { dtypeOf, isOp, type Node, type Value } from '../../../ir/model.ts';
import { scalarOf } from '../../../rewrite/arguments.ts';
import type { fusedActivations } from '../codes.ts';
import type { Emitter, LiteRow } from './emitter.ts';
import { type LiteTensor, type Quantization, sameQuantization } from './graph.ts';
import { gridBehind, rangeOf } from './grids.ts';

type Activation = Exclude<(typeof fusedActivations)[number], 'TANH' | 'SIGN_BIT'>;

export interface Plan {
  readonly integers: boolean;
  /** Types of the node's results, in order, as its operator makes them. */
  readonly grids: readonly (Quantization | null)[];
  /** Grid that integer inputs are brought to; null: each as it is. */
  readonly inputGrid: Quantization | null;
  /** Grid that the first result is brought to behind the operator. */
  readonly wanted: Quantization | null;
  readonly activation: Activation;
  /** Nodes behind it that it computes too. */
  readonly absorbed: readonly Node[];
  /** What its first result stands for; null where nobody reads that. */
  readonly value: Value | null;
  /** Why it isn't computed in integers; null where it is. */
  readonly reason: string | null;
}

interface Bounds {
  readonly low: number;
  readonly high: number;
}

const everything: Bounds = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY };

/** What a Relu or Clip holds its input to; null for other nodes and bounds that are computed. */
export function boundsOf(node: Node): Bounds | null {
  if (isOp(node, 'Relu')) return { low: 0, high: everything.high };
  if (!isOp(node, 'Clip') || dtypeOf(node.inputs[0]) !== 'float32') return null;
  const bound = (name: 'min' | 'max', index: number, open: number) =>
    node.inputs[index] ? scalarOf(node.inputs[index]) : floatAttribute(node, name, open);
  const [low, high] = [bound('min', 1, everything.low), bound('max', 2, everything.high)];
  return low === null || high === null ? null : { low: beyond(low), high: beyond(high) };
}

/** Exporters write float32's limits for none. */
const beyond = (bound: number) =>
  Math.abs(bound) > 3e38 ? Math.sign(bound) * Number.POSITIVE_INFINITY : bound;

export function activationOf({ low, high }: Bounds): Activation | null {
  if (low === everything.low && high === everything.high) return 'NONE';
  if (low === 0 && high === everything.high) return 'RELU';
  if (low === 0 && high === 6) return 'RELU6';
  return low === -1 && high === 1 ? 'RELU_N1_TO_1' : null;
}

/** The same over integers, whose own range cuts too. */
function activationWithin(bounds: Bounds, grid: Quantization): Activation | null {
  const range = rangeOf(grid);
  const half = grid.scale[0]! / 2;
  const low = bounds.low <= range.low + half ? everything.low : bounds.low;
  const high = bounds.high >= range.high - half ? everything.high : bounds.high;
  return activationOf({ low, high });
}

interface Behind {
  readonly nodes: readonly Node[];
  readonly value: Value | null;
  readonly bounds: Bounds;
}

/** The Relus and Clips that alone read what a node makes. */
function* behind(node: Node): Generator<Behind> {
  let found: Behind = { nodes: [], value: node.outputs[0] ?? null, bounds: everything };
  yield found;
  for (;;) {
    const [use, ...others] = found.value?.uses ?? [];
    // What a branch or body does is its own.
    const next = use?.node?.graph === node.graph ? use.node : undefined;
    const bounds = next && others.length === 0 && use?.index === 0 ? boundsOf(next) : null;
    const value = next?.outputs[0];
    if (!next || !bounds || !value) return;
    const { low, high } = found.bounds;
    const held = { low: Math.max(low, bounds.low), high: Math.min(high, bounds.high) };
    found = { nodes: [...found.nodes, next], value, bounds: held };
    yield found;
  }
}

export function planNode(node: Node, row: LiteRow, e: Emitter): Plan {
  const chains = row.fuses ? [...behind(node)] : [...behind(node)].slice(0, 1);
  const plan = integerPlan(node, row, e, chains);
  return typeof plan === 'string' ? floatPlan(node, chains, plan) : plan;
}

function floatPlan(node: Node, chains: readonly Behind[], reason: string): Plan {
  const chain = chains.findLast(({ bounds }) => activationOf(bounds) !== null)!;
  return {
    ...{ integers: false, inputGrid: null, wanted: null, grids: node.outputs.map(() => null) },
    ...{ activation: activationOf(chain.bounds)!, absorbed: chain.nodes, value: chain.value, reason },
  };
}

/** @returns why not, where it isn't computed in integers */
function integerPlan(node: Node, row: LiteRow, e: Emitter, chains: readonly Behind[]): Plan | string {
  const { integers } = row;
  if (!integers) return 'no fast kernel in integers';
  if (integers.ready && !integers.ready(node, e)) return 'no kernel in integers for its form';
  const found = dataInputs(node, row).map((v) => e.integer(v));
  const inputs = found.filter((t): t is LiteTensor => t !== null);
  if (inputs.length < found.length || inputs.every((t) => t.data !== null)) return 'its input is in floats';
  const last = chains.findLast(({ value }) => value && gridBehind(value) !== null);
  const wanted = last?.value ? gridBehind(last.value) : null;
  const activation = last && wanted ? activationWithin(last.bounds, wanted) : null;
  const grid = inputs[0]!.quantization;
  const one = inputs.every((t) => sameQuantization(t.quantization, grid));
  const plan = (
    own: Quantization | null,
    to: Quantization | null,
    inputGrid: Quantization | null = null,
  ): Plan => ({
    ...{ integers: true, grids: node.outputs.map(() => own), inputGrid, wanted: to },
    activation: activation ?? 'NONE',
    absorbed: to ? last!.nodes : [],
    value: to ? last!.value : (node.outputs[0] ?? null),
    reason: null,
  });
  if (integers.kind === 'moves' && one) return plan(grid, null);
  if (!wanted) return 'its result has no scale';
  if (activation === null) return 'what cuts its result off is no part of its kernel';
  if (integers.kind === 'moves') return plan(wanted, wanted, wanted);
  if (integers.kind === 'blends') return one ? plan(grid, wanted) : 'its inputs have several scales';
  return integers.kind === 'fixed' ? plan(integers.grid, wanted) : plan(wanted, wanted);
}

const dataInputs = (node: Node, { integers }: LiteRow): (Value | null)[] => {
  const { inputs } = node;
  const at = integers?.data?.(node) ?? [0];
  return at === 'all' ? inputs : at.map((i) => inputs[i] ?? null);
};
