/** Converts the operators of one graph of a file that its outputs need, in the file's order. Values are held as they are
 *  stored; what is quantised has a DequantizeLinear for those that compute with it. */
import {
  tfliteMalformed,
  tfliteOperatorUnknown,
  tfliteUnsupported,
} from '../../../../support/diagnostics/tflite.ts';
import { nearest } from '../../../../support/diagnostics.ts';
import type { Value } from '../../../ir/model.ts';
import { elementCount, tensorOf } from '../../../ir/tensor.ts';
import { tensorType } from '../../../ir/type.ts';
import { cast, type Emitter } from '../../emit/index.ts';
import type { Subgraph, TfliteFile, TfliteOperator } from './file.ts';
import type { OperatorCall, OperatorTable } from './operators/operator.ts';
import { dequantize, quantize } from './quantized.ts';
import type { States } from './states.ts';
import { dtypeOfTensor, type TfliteTensor } from './tensor.ts';

/** What holds for the whole file. */
export interface Program {
  readonly file: TfliteFile;
  /** The graph that is the model. */
  readonly main: Subgraph;
  readonly operators: OperatorTable;
  readonly states: States;
  /** What is written now and may still be: graphs that call one another grow without end. */
  readonly budget: { depth: number; operators: number };
}

export interface Scope {
  readonly program: Program;
  readonly e: Emitter;
  readonly graph: Subgraph;
  /** As they are stored, by tensor. */
  readonly values: Map<number, Value>;
  /** In real numbers. */
  readonly reals: Map<number, Value>;
}

/** Graphs that call one another; nobody nests so deep. */
const deepest = 64;
/** How often operators of a file are written on average, those of a graph once for each call, and how often at least. */
const mostRounds = 16;
const leastAllowed = 1 << 13;

/** @param inputs  in the order of the graph's */
export function openScope(
  program: Program,
  e: Emitter,
  graph: Subgraph,
  inputs: readonly (readonly [tensor: number, value: Value])[],
): Scope {
  return { program, e, graph, values: new Map(inputs), reals: new Map() };
}

/** Writes what these tensors need, and nothing else.
 *  @throws TFLITE_MALFORMED, TFLITE_UNSUPPORTED, TFLITE_OPERATOR_UNKNOWN, TFLITE_OPERATOR_FORM */
export function convert(scope: Scope, wanted: readonly number[]): void {
  const { program, graph } = scope;
  const { budget, file } = program;
  if (budget.depth >= deepest)
    throw tfliteMalformed(file.name, `more than ${deepest} of its graphs stand in one another`);
  const most = leastAllowed + mostRounds * file.subgraphs.reduce((n, g) => n + g.operators.length, 0);
  budget.depth++;
  for (const operator of needed(scope, wanted)) {
    if (budget.operators++ > most)
      throw tfliteMalformed(
        file.name,
        `its graphs call one another so often that they have more than ${most} operators`,
      );
    convertOne(scope, operator);
  }
  for (const tensor of wanted) storedOf(scope, graph.tensors[tensor]!);
  budget.depth--;
}

/** A tensor as it is stored. @throws TFLITE_MALFORMED when nothing computes it before */
export function storedOf(scope: Scope, tensor: TfliteTensor): Value {
  const held = scope.values.get(tensor.index);
  if (held) return held;
  const value = constantOf(scope, tensor);
  scope.values.set(tensor.index, value);
  return value;
}

function constantOf({ program, e }: Scope, tensor: TfliteTensor): Value {
  const { name } = program.file;
  const { constant, label } = tensor;
  const dtype = dtypeOfTensor(tensor);
  if (!dtype)
    throw tfliteUnsupported(
      name,
      `${label} is of the type ${tensor.type}`,
      'Cut the model before it: --outputs.',
    );
  if (constant) return e.constant(constant, tensor.name);
  if (elementCount(tensor.shape) === 0) return e.constant(tensorOf(dtype, tensor.shape, []), tensor.name);
  throw tfliteMalformed(name, `${label} is read, and nothing computes it before`);
}

/** A tensor in real numbers: dequantised where it is quantised. */
export function realOf(scope: Scope, tensor: TfliteTensor): Value {
  const stored = storedOf(scope, tensor);
  const real = scope.reals.get(tensor.index) ?? dequantize(scope.e, tensor, stored);
  scope.reals.set(tensor.index, real);
  return real;
}

/** Operators that the wanted tensors depend on, in the order of the file. */
function needed({ graph, values, program }: Scope, wanted: readonly number[]): TfliteOperator[] {
  const makers = new Map<number, TfliteOperator>();
  for (const operator of graph.operators)
    for (const output of operator.outputs) {
      const tensor = graph.tensors[output]!;
      if (makers.has(output) || tensor.constant)
        throw tfliteMalformed(
          program.file.name,
          `${tensor.label} is computed by operator ${operator.index}, and is there already`,
        );
      makers.set(output, operator);
    }
  const found = new Set<TfliteOperator>();
  const open = [...wanted];
  const take = (operator: TfliteOperator) => {
    if (found.has(operator)) return;
    found.add(operator);
    for (const input of operator.inputs) if (input >= 0) open.push(input);
    for (const other of operator.op === 'READ_VARIABLE' ? assigning(graph, operator) : []) take(other);
  };
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    const maker = values.has(at) ? undefined : makers.get(at);
    if (maker) take(maker);
  }
  return [...found].sort((a, b) => a.index - b.index);
}

/** What says what a variable holds at the next run, and at the first. */
function assigning(graph: Subgraph, { inputs }: TfliteOperator): TfliteOperator[] {
  const name = variableOf(graph, inputs[0]);
  return graph.operators.filter(
    (o) => o.op === 'CALL_ONCE' || (o.op === 'ASSIGN_VARIABLE' && variableOf(graph, o.inputs[0]) === name),
  );
}

function convertOne(scope: Scope, operator: TfliteOperator): void {
  const { program, graph } = scope;
  const outputTensors = operator.outputs.map((at) => graph.tensors[at]!);
  const { name, call } = describe(scope, operator, outputTensors);
  const convertOperator = Object.hasOwn(program.operators, operator.op)
    ? program.operators[operator.op]
    : undefined;
  if (!convertOperator)
    throw tfliteOperatorUnknown(
      call.e.op,
      name,
      nearest(operator.op, Object.keys(program.operators)),
      earlierThan(scope, operator),
    );
  const made = convertOperator(call);
  const outputs = 'name' in made ? [made] : made;
  outputTensors.forEach((tensor, i) => {
    // A handle is no value.
    if (tensor.type === 'resource') return;
    const value = outputs[i];
    if (!value) throw call.e.refuse(`output ${i}`);
    hold(scope, call.e, tensor, value);
  });
}

function describe(scope: Scope, operator: TfliteOperator, outputTensors: readonly TfliteTensor[]) {
  const { program, graph } = scope;
  const inputTensors = operator.inputs.map((at) => (at < 0 ? null : graph.tensors[at]!));
  const name = outputTensors[0]?.name ?? `operator_${operator.index}`;
  const place =
    graph === program.main
      ? `operator ${operator.index}`
      : `operator ${operator.index} of graph ${graph.index}`;
  const e = scope.e.at(`${operator.op} (${place})`, name, earlierThan(scope, operator));
  const read = (index: number, how: typeof storedOf) => {
    const tensor = inputTensors[index];
    return tensor ? how(scope, tensor) : null;
  };
  const call: OperatorCall = {
    e,
    inputCount: inputTensors.length,
    inputTensors,
    outputTensors,
    options: operator.options,
    customOptions: operator.customOptions,
    input: (index) => read(index, realOf),
    stored: (index) => read(index, storedOf),
    state(index, shape) {
      const tensor = stateAt(call, index, graph === program.main);
      return program.states.read(tensor, tensor.name, tensorType('float32', shape));
    },
    keep(index, value) {
      const tensor = stateAt(call, index, graph === program.main);
      program.states.write(tensor, tensor.name, value);
    },
    readVariable(index, like) {
      const name = variableAt(call, graph, operator, index, graph === program.main);
      const dtype = like.quantization ? 'float32' : dtypeOfTensor(like);
      if (!dtype) return e.refuse(`a variable of the type ${like.type}`);
      const shape = like.shape.map((d) => (d < 0 ? null : d));
      return program.states.read(name, name, tensorType(dtype, shape));
    },
    assignVariable(index, value) {
      const name = variableAt(call, graph, operator, index, graph === program.main);
      program.states.write(name, name, value);
    },
    assignedOnce(subgraph) {
      const called = program.file.subgraphs[subgraph] ?? e.refuse(`graph ${subgraph}, which isn't there`);
      const assigning = called.operators.filter(({ op }) => op === 'ASSIGN_VARIABLE');
      return assigning.map(({ inputs }) => {
        const tensor = called.tensors[inputs[1] ?? -1];
        return tensor?.constant ? tensor : null;
      });
    },
    call(subgraph, inner, inputs) {
      const called = program.file.subgraphs[subgraph];
      if (!called || called.inputs.length !== inputs.length)
        throw tfliteMalformed(
          program.file.name,
          `${e.op} "${name}" calls graph ${subgraph} with ${inputs.length} inputs`,
        );
      const scope = openScope(
        program,
        inner,
        called,
        called.inputs.map((at, i) => [at, inputs[i]!]),
      );
      convert(scope, called.outputs);
      return called.outputs.map((at) => storedOf(scope, called.tensors[at]!));
    },
  };
  return { name, call };
}

function variableAt(
  { e }: OperatorCall,
  graph: Subgraph,
  { inputs }: TfliteOperator,
  index: number,
  isMain: boolean,
): string {
  if (!isMain) e.refuse('a state that is kept within a branch, a loop or a part that is called');
  return variableOf(graph, inputs[index]) ?? e.refuse('a variable that is not named in its graph');
}

/** The name of the variable that a handle stands for; null where it comes from elsewhere. */
function variableOf(graph: Subgraph, handle: number | undefined): string | null {
  const maker = graph.operators.find((o) => o.op === 'VAR_HANDLE' && o.outputs[0] === handle);
  if (!maker) return null;
  const [container = '', name = ''] = [maker.options['container'], maker.options['sharedName']].map(String);
  return [container, name].filter((part) => part !== '' && part !== 'undefined').join('/') || 'variable';
}

function stateAt({ e, inputTensors }: OperatorCall, index: number, isMain: boolean): TfliteTensor {
  if (!isMain) e.refuse('a state that is kept within a branch, a loop or a part that is called');
  const tensor = inputTensors[index];
  return tensor?.isVariable ? tensor : e.refuse(`input ${index}, its state, is not kept between runs`);
}

/** Keeps an output as it is stored. */
function hold(scope: Scope, e: Emitter, tensor: TfliteTensor, made: Value): void {
  const dtype = dtypeOfTensor(tensor) ?? e.refuse(`an output of the type ${tensor.type}`);
  if (tensor.quantization && e.dtype(made) === 'float32') {
    scope.values.set(tensor.index, quantize(e, tensor, made));
    return;
  }
  // ONNX counts in int64 where .tflite has int32.
  const value = dtype === 'int32' && e.dtype(made) === 'int64' ? cast(e, made, 'int32') : made;
  if (e.dtype(value) !== dtype)
    e.refuse(`an output of the type ${dtype}, where ${e.dtype(value)} is computed`);
  // What an operator doesn't say, the file may.
  if (!e.shape(value) && tensor.shape.length > 0)
    value.type = tensorType(
      dtype,
      tensor.shape.map((d) => (d < 0 ? null : d)),
    );
  scope.values.set(tensor.index, value);
}

/** What the operator reads and `--outputs` would find: nothing in a body, whose values have no such names. */
function earlierThan({ graph, program }: Scope, operator: TfliteOperator): string[] {
  if (graph !== program.main) return [];
  const given = new Set(graph.inputs);
  const names = operator.inputs
    .filter((at) => at >= 0 && !given.has(at) && !graph.tensors[at]!.constant)
    .map((at) => graph.tensors[at]!.name);
  return [...new Set(names)];
}
