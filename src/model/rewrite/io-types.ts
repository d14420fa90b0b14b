/** The types in which a caller meets inputs and outputs: real numbers, or the integers that stand for them inside.
 *    x float → QuantizeLinear → …        ⇒   x int8 → DequantizeLinear → QuantizeLinear → …
 *    … → DequantizeLinear → y float      ⇒   … → DequantizeLinear → QuantizeLinear → y int8
 *  with the scale that is there, so that not a number inside becomes another one; formats that hold integers have the pairs in the
 *  middle cancel. uint8 is int8 with its zero point 128 higher, as TensorFlow's converter has it. */
import type { IoType } from '../../support/io-type.ts';
import { preprocessingInCodes, preprocessingInReals, preprocessingOf, setPreprocessing } from '../ir/card.ts';
import { cloneModel } from '../ir/clone.ts';
import { addInitializer, addNode, setInput, setOutput } from '../ir/edit.ts';
import { dtypeOf, type Graph, type Model, type Node, shapeOf, type Value } from '../ir/model.ts';
import { freshName } from '../ir/names.ts';
import { type Steps, stepsBefore, stepsBehind, zeroPointIn } from '../ir/steps.ts';
import { scalar } from '../ir/tensor.ts';
import { tensorType } from '../ir/type.ts';
import { inferShapes } from '../ops/shapes.ts';

export interface IoChange {
  /** The same model where nothing changes, else a changed copy. */
  readonly model: Model;
  /** Inputs and outputs that have the type now, whether or not they had it before. */
  readonly typed: readonly string[];
  /** Those that stay as they are. */
  readonly left: readonly LeftPort[];
}

export interface LeftPort {
  readonly side: 'input' | 'output';
  readonly name: string;
  /** As "it is int64". */
  readonly why: string;
}

/** @param among  names of those that may change; by default all */
export function withIoTypes(source: Model, io: IoType, among?: ReadonlySet<string>): IoChange {
  const model = cloneModel(source);
  inferShapes(model);
  const { graph } = model;
  const typed: string[] = [];
  const left: LeftPort[] = [];
  let changes = 0;
  const take = (value: Value, side: LeftPort['side'], change: (from: Ends, to: Ends) => void) => {
    const { name } = value;
    if (among && !among.has(name)) return;
    const found = stepsAt(graph, value, side);
    if (typeof found === 'string') {
      // Real numbers are asked for, and they are there.
      if (io === 'float' && dtypeOf(value)?.startsWith('float')) typed.push(name);
      else left.push({ side, name, why: found });
      return;
    }
    const own = dtypeOf(value) === found.dtype ? found : null;
    const to = io === 'float' ? null : { ...found, dtype: io, zeroPoint: zeroPointIn(io, found) };
    typed.push(name);
    if (own?.dtype === to?.dtype) return;
    changes++;
    change(own, to);
  };
  for (const value of graph.inputs.filter((v) => !v.constant))
    take(value, 'input', (from, to) => changeInput(model, value, from, to));
  for (const [index, value] of [...graph.outputs].entries())
    take(value, 'output', (from, to) => changeOutput(model, index, from, to));
  return { model: changes > 0 ? model : source, typed, left };
}

/** In which integers a port is; null: in real numbers. */
type Ends = Steps | null;

/** The scale of a port, or why it has none. */
function stepsAt(graph: Graph, value: Value, side: LeftPort['side']): Steps | string {
  const dtype = dtypeOf(value);
  const isReal = dtype === 'float32';
  if (!isReal && dtype !== 'uint8' && dtype !== 'int8') return `it is ${dtype ?? 'of no known type'}`;
  if (side === 'input' && value.uses.some((use) => !use.node)) return 'it is an output too';
  if (side === 'input' && value.uses.some(({ node }) => node?.graph !== graph))
    return 'a branch or loop reads it';
  const found =
    side === 'output'
      ? stepsBefore(value)
      : stepsBehind(value, isReal ? 'QuantizeLinear' : 'DequantizeLinear');
  if (found) return found;
  if (!isReal) return 'it has no scale';
  return side === 'input' ? 'what reads it computes in floats' : 'what makes it computes in floats';
}

function changeInput(model: Model, value: Value, from: Ends, to: Ends): void {
  const { graph } = model;
  const [first] = graph.nodes;
  const uses = [...value.uses];
  const shape = shapeOf(value);
  value.type = tensorType(to?.dtype ?? 'float32', shape);
  const inner = recoded(graph, value, to, from, first);
  for (const { node, index } of uses) if (node) setInput(node, index, inner);
  if ((shape?.length ?? 0) >= 3) recodePreprocessing(model, from, to);
}

function changeOutput(model: Model, index: number, from: Ends, to: Ends): void {
  const { graph } = model;
  const value = graph.outputs[index]!;
  const { name } = value;
  const made = recoded(graph, value, from, to);
  value.name = freshName(model.names, name);
  setOutput(graph, index, made);
  made.name = name;
}

/** The same numbers in other integers, or as they are. */
function recoded(graph: Graph, value: Value, from: Ends, to: Ends, before?: Node): Value {
  const real = from ? coded(graph, 'DequantizeLinear', value, from, before) : value;
  return to ? coded(graph, 'QuantizeLinear', real, to, before) : real;
}

function coded(
  graph: Graph,
  opType: 'QuantizeLinear' | 'DequantizeLinear',
  x: Value,
  { dtype, scale, zeroPoint }: Steps,
  before?: Node,
): Value {
  const inputs = [
    x,
    addInitializer(graph, `${x.name}/scale`, scalar('float32', scale)),
    addInitializer(graph, `${x.name}/zero_point`, scalar(dtype, zeroPoint)),
  ];
  const [y] = addNode(graph, { opType, inputs, outputs: [`${x.name}/${opType}`] }, before).outputs;
  y!.type = tensorType(opType === 'QuantizeLinear' ? dtype : 'float32', shapeOf(x));
  return y!;
}

/** What the model says of pictures holds for the numbers that it is fed. */
function recodePreprocessing(model: Model, from: Ends, to: Ends): void {
  const spec = preprocessingOf(model);
  if (typeof spec !== 'object' || spec === null) return;
  const real = from ? preprocessingInReals({ ...spec }, from) : { ...spec };
  const coded = to ? preprocessingInCodes(real, to) : real;
  setPreprocessing(model, { ...coded, ...('dtype' in spec && { dtype: to?.dtype ?? 'float32' }) });
}
