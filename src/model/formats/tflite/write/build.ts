/** A lowered, channels-last model as operators of LiteRT: its nodes in order, each by its operator's row. */
import { allReads } from '../../../ir/edit.ts';
import { channelsLastDomain } from '../../../ir/internal-domain.ts';
import { dtypeOf, type Graph, isOp, type Model, type Node, opKey, type Value } from '../../../ir/model.ts';
import { type Emitted, type LiteRow, refuse } from './emitter.ts';
import {
  type FloatNode,
  isInteger,
  type LiteGraph,
  type LiteOperator,
  type LitePort,
  type LiteTensor,
  type Quantization,
} from './graph.ts';
import { gridOf } from './grids.ts';
import { findsRange } from './hybrid.ts';
import { cast } from './operators/arithmetic.ts';
import { channelsLastOperators, operators } from './operators/index.ts';
import { type Plan, planNode } from './plan.ts';
import { asStored, copied, createState, type State, usedFor } from './state.ts';
import { portType } from './stored.ts';

export interface BuiltGraph extends LiteGraph {
  /** Empty where nothing computes in integers. */
  readonly floats: readonly FloatNode[];
  /** Nodes that find the range of their input while they run, and compute in floats here. */
  readonly widened: readonly Node[];
}

/** @throws TFLITE_OPERATOR, TFLITE_TYPE, TFLITE_INTEGER */
export function buildGraph({ graph }: Model): BuiltGraph {
  const floats: FloatNode[] = [];
  const widened: Node[] = [];
  const told: Told = { floats, widened };
  const s = createState((inner, of) => emitGraph(inner, of, told));
  const required = graph.inputs.filter((v) => !v.constant);
  const inputs = required.map((v) => inputPort(s, v));
  emitGraph(s, graph, told);
  const taken = new Set(inputs.map(({ tensor }) => tensor));
  const outputs = graph.outputs.map((v) => outputPort(s, v, taken));
  const results = outputs.map(({ tensor }) => tensor);
  const kept = usedFor(s.operators, results);
  return {
    name: 'main',
    inputs,
    outputs,
    operators: kept,
    ...told,
    floats: kept.some(isInteger) ? floats : [],
  };
}

interface Told {
  readonly floats: FloatNode[];
  readonly widened: Node[];
}

function emitGraph(s: State, graph: Graph, told: Told): void {
  const done = new Set<Node>();
  const read = readNodes(s, graph);
  for (const node of graph.nodes)
    if (read.has(node) && !done.has(node)) for (const also of emitNode(s, node, told)) done.add(also);
}

/** Nodes whose results are computed while running: what only makes constants is none. */
function readNodes(s: State, graph: Graph): Set<Node> {
  const read = new Set<Node>();
  const ask = (v: Value) => {
    if (v?.producer?.graph === graph && !s.weightOf(v)) read.add(v.producer);
  };
  for (const v of graph.outputs) ask(v);
  for (const node of [...graph.nodes].reverse()) if (read.has(node)) for (const v of allReads(node)) ask(v);
  return read;
}

function inputPort(s: State, v: Value): LitePort {
  const type = portType(dtypeOf(v) ?? 'float32', `"${v.name}"`);
  const tensor: LiteTensor = { ...s.typeOf(v), type, name: v.name, data: null };
  s.bind(v, tensor, 'port');
  return { name: v.name, tensor };
}

/** Every output is a tensor of its own that an operator makes. */
function outputPort(s: State, v: Value, taken: Set<LiteTensor>): LitePort {
  const type = portType(dtypeOf(v) ?? 'float32', `"${v.name}"`);
  const codes = type === 'int8' || type === 'uint8' ? s.integer(v) : null;
  const found = codes ? asStored(s, v, codes) : cast(s, s.plain(v), type);
  if (found.shape.includes(0) && v.producer) return refuse(v.producer, 'it makes nothing: a size is 0');
  const own = !found.data && !taken.has(found);
  const tensor = own ? found : copied(s, found);
  tensor.name = v.name;
  taken.add(tensor);
  return { name: v.name, tensor };
}

/** @returns nodes behind it that are a part of it */
function emitNode(s: State, node: Node, { floats, widened }: Told): readonly Node[] {
  if (convertGrid(s, node)) return [];
  const row = rowOf(node);
  const plan = planNode(node, row, s);
  if (fallsBack(node, row, plan)) floats.push({ node, reason: plan.reason! });
  s.begin(node, plan);
  const results = listOf(row.emit(node, s));
  if (findsRange(node) && !hasIntegerWeight(s.operators.at(-1))) widened.push(node);
  results.forEach((tensor, i) => {
    const value = i === 0 ? plan.value : node.outputs[i];
    if (!tensor || !value) return;
    const ready = plan.integers && plan.wanted ? s.requantized(tensor, plan.wanted, value.name) : tensor;
    if (!s.isNamed(ready)) ready.name = value.name;
    s.bind(value, ready, plan.integers && ready.quantization ? 'integer' : 'plain');
  });
  return plan.absorbed;
}

/** Whether floats meet weights in 8 bits: LiteRT brings them to 8 bits too. */
const hasIntegerWeight = (operator: LiteOperator | undefined): boolean =>
  operator?.op === 'FULLY_CONNECTED' && operator.inputs[1]?.type === 'int8';

/** What moves floats is where they are. */
const fallsBack = (node: Node, row: LiteRow, { reason }: Plan): boolean =>
  reason !== null &&
  row.integers?.kind !== 'moves' &&
  dtypeOf(node.outputs[0]) === 'float32' &&
  !findsRange(node);

const listOf = (made: Emitted): readonly (LiteTensor | null)[] =>
  Array.isArray(made) ? (made as readonly (LiteTensor | null)[]) : [made as LiteTensor];

/** QuantizeLinear and DequantizeLinear of one scale: the integers that one makes and the other reads are the tensor itself.
 *  @returns whether the node is one of them */
function convertGrid(s: State, node: Node): boolean {
  const grid = gridOf(node);
  const [x] = node.inputs;
  const [y] = node.outputs;
  if (!grid || !x || !y) return false;
  const known = s.integer(x);
  if (known && isOp(node, 'DequantizeLinear')) s.bind(y, known, 'integer');
  else if (known) s.bind(y, s.requantized(known, grid, y.name), 'integer');
  else s.bind(y, s.requantized(withGrid(s.port(x) ?? s.plain(x), grid), grid, y.name), 'integer');
  return true;
}

/** Integers that a caller feeds say now what they stand for. */
function withGrid(tensor: LiteTensor, grid: Quantization): LiteTensor {
  const shift = tensor.type === 'uint8' ? 128 : 0;
  if (tensor.type === 'uint8' || tensor.type === 'int8')
    tensor.quantization ??= { ...grid, zeroPoint: grid.zeroPoint.map((z) => z + shift) };
  return tensor;
}

function rowOf(node: Node): LiteRow {
  const last = node.domain === channelsLastDomain;
  const table = last ? channelsLastOperators : operators;
  const key = last ? node.opType : opKey(node);
  const found = Object.hasOwn(table, key) ? table[key] : undefined;
  return found ?? refuse(node, whyNone(node));
}

/** Integers of 8 bits in one constant scale are tensors, and need no operator. */
function whyNone(node: Node): string {
  if (!isOp(node, 'QuantizeLinear', 'DequantizeLinear')) return 'LiteRT has no operator for it';
  const isQuantize = node.opType === 'QuantizeLinear';
  const codes = dtypeOf(isQuantize ? node.outputs[0] : node.inputs[0]);
  if (codes && codes !== 'int8' && codes !== 'uint8')
    return `it ${isQuantize ? 'makes' : 'reads'} ${codes}, and what is computed while running is written in integers of 8 bits alone`;
  return 'what is computed while running is written in integers of one constant scale a tensor';
}
