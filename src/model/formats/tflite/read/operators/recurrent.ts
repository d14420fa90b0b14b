/** Recurrent networks over whole sequences, from states of zeros: LiteRT starts there too, unless a run before left others.
 *  Source: tflite/kernels/lstm_eval.cc, internal/kernel_utils.cc. */

import { concatenated } from '../../../../../support/bytes.ts';
import { graphAttribute } from '../../../../ir/attribute.ts';
import { constantOf, type Value } from '../../../../ir/model.ts';
import { lazyTensor } from '../../../../ir/tensor.ts';
import { tensorType } from '../../../../ir/type.ts';
import {
  activation,
  concat,
  type Emitter,
  sizeOfAxis,
  squeeze,
  transpose,
  unsqueeze,
} from '../../../emit/index.ts';
import { numberField } from '../../../flatbuffers/fields.ts';
import { fusedActivations } from '../../codes.ts';
import { dequantize, dequantizeBias, quantize } from '../quantized.ts';
import type { TfliteTensor } from '../tensor.ts';
import { flag, inputOf, int, type Operator, type OperatorCall, type OperatorTable } from './operator.ts';

/** One of an LSTM's four gates. */
interface Gate {
  /** [units, inputs] */
  readonly input: Value;
  /** [units, outputs] */
  readonly recurrent: Value;
  /** [units] */
  readonly bias: Value | null;
  /** Of the cell's state, [units]. */
  readonly peephole: Value | null;
  /** Factors of layer normalisation, [units]. */
  readonly norm: Value | null;
}

interface Lstm {
  /** null: 1 − the forget gate. */
  readonly inputGate: Gate | null;
  readonly forget: Gate;
  readonly cell: Gate;
  readonly output: Gate;
  /** [outputs, units] */
  readonly projection: Value | null;
  readonly projectionBias: Value | null;
  /** Largest magnitude of the cell's state and of what is projected; 0 for none. */
  readonly cellClip: number;
  readonly projectionClip: number;
  readonly activation: 'tanh' | 'relu' | 'relu6' | 'linear';
  readonly units: number;
  readonly outputs: number;
  /** Grids that the states are rounded to at every step, where they are kept in integers. */
  readonly outputGrid: TfliteTensor | null;
  readonly cellGrid: TfliteTensor | null;
}

export const activationOf = (call: OperatorCall): Lstm['activation'] => {
  const name = fusedActivations[int(call, 'fusedActivationFunction')];
  const found = { NONE: 'linear', RELU: 'relu', RELU6: 'relu6', TANH: 'tanh' }[name as string];
  return (found as Lstm['activation'] | undefined) ?? call.e.refuse(`the activation ${name}`);
};

export function biasOf(call: OperatorCall, index: number): Value | null {
  const [tensor, stored] = [call.inputTensors[index], call.stored(index)];
  return tensor && stored ? dequantizeBias(call.e, tensor, stored) : null;
}

export const sizeOf = (e: Emitter, x: Value, axis: number): number => {
  const size = e.sizes(x)[axis];
  return typeof size === 'number' ? size : e.refuse('weights of a size that is not known');
};

/** @param first  where its inputs start, @param states  where its states do, @param norms  its factors of layer normalisation */
export function lstmOf(call: OperatorCall, first: number, states: number, norms: number | null): Lstm {
  const { e, options } = call;
  const gate = (at: number, peephole: number | null): Gate => ({
    input: inputOf(call, first + at),
    recurrent: inputOf(call, first + 4 + at),
    bias: biasOf(call, first + 11 + at),
    peephole: peephole === null ? null : call.input(first + peephole),
    norm: norms === null ? null : call.input(norms + at),
  });
  if (flag(call, 'diagonalRecurrentTensors')) e.refuse('recurrent weights that are diagonals');
  const forget = gate(1, 9);
  return {
    inputGate: call.inputTensors[first] ? gate(0, 8) : null,
    forget,
    cell: gate(2, null),
    output: gate(3, 10),
    projection: call.input(first + 15),
    projectionBias: biasOf(call, first + 16),
    cellClip: numberField(options, 'cellClip'),
    projectionClip: numberField(options, 'projClip'),
    activation: activationOf(call),
    units: sizeOf(e, forget.input, 0),
    outputs: sizeOf(e, forget.recurrent, 1),
    outputGrid: gridOf(call, states),
    cellGrid: gridOf(call, states + 1),
  };
}

export function gridOf({ inputTensors }: OperatorCall, index: number): TfliteTensor | null {
  const tensor = inputTensors[index];
  return tensor?.quantization ? tensor : null;
}

/** x [time, batch, inputs] → [time, batch, outputs]. */
function runLstm(e: Emitter, x: Value, lstm: Lstm, backwards: boolean): Value {
  const gates = [lstm.inputGate, lstm.forget, lstm.cell, lstm.output].filter((gate) => gate !== null);
  const isPlain =
    lstm.outputGrid === null &&
    lstm.cellGrid === null &&
    lstm.projection === null &&
    lstm.inputGate !== null &&
    gates.every((gate) => gate.norm === null && !gate.peephole);
  return isPlain && (lstm.activation === 'tanh' || lstm.activation === 'relu') && !reaches(e, x, lstm)
    ? lstmOperator(e, x, lstm, backwards)
    : lstmLoop(e, x, lstm, backwards);
}

/** Whether a cell's state may reach the limit that it is clipped to: it grows by 1 a step at most. */
function reaches(e: Emitter, x: Value, { cellClip, activation: name }: Lstm): boolean {
  const steps = e.sizes(x)[0];
  return cellClip > 0 && !(name === 'tanh' && typeof steps === 'number' && steps <= cellClip);
}

function lstmOperator(e: Emitter, x: Value, lstm: Lstm, backwards: boolean): Value {
  // ONNX's order of gates.
  const gates = [lstm.inputGate!, lstm.output, lstm.forget, lstm.cell];
  const zeros = e.emit('Expand', [e.scalar('float32', 0), e.integers(lstm.units)]);
  const biases = stacked(
    e,
    gates.map((gate) => gate.bias ?? zeros),
  );
  const none = e.emit('Expand', [e.scalar('float32', 0), e.integers(4 * lstm.units)]);
  const act = lstm.activation === 'relu' ? 'Relu' : 'Tanh';
  const y = e.emit(
    'LSTM',
    [
      x,
      unsqueeze(
        e,
        stacked(
          e,
          gates.map((gate) => gate.input),
        ),
        0,
      ),
      unsqueeze(
        e,
        stacked(
          e,
          gates.map((gate) => gate.recurrent),
        ),
        0,
      ),
      unsqueeze(e, concat(e, [biases, none], 0), 0),
    ],
    {
      hidden_size: lstm.units,
      direction: backwards ? 'reverse' : 'forward',
      activations: ['Sigmoid', act, act],
    },
  );
  return squeeze(e, y, 1);
}

/** Rows below one another; of constants at once. */
function stacked(e: Emitter, values: readonly Value[]): Value {
  const tensors = values.map(constantOf);
  const [first] = tensors;
  if (!first || tensors.some((t) => !t || t.dtype !== first.dtype)) return concat(e, values, 0);
  const all = tensors.map((t) => t!);
  const rows = all.reduce((sum, t) => sum + t.dims[0]!, 0);
  const bytes = () => {
    const parts = all.map((t) => t.bytes());
    return concatenated(
      parts,
      parts.reduce((sum, part) => sum + part.length, 0),
    );
  };
  return e.constant(lazyTensor(first.dtype, [rows, ...first.dims.slice(1)], bytes), values[0]!.name);
}

/** Step by step, in a Scan. */
function lstmLoop(e: Emitter, x: Value, lstm: Lstm, backwards: boolean): Value {
  const batch = sizeOfAxis(e, x, 1);
  const state = (size: number) =>
    e.emit('Expand', [e.scalar('float32', 0), concat(e, [batch, e.integers(size)], 0)]);
  const start = [state(lstm.outputs), state(lstm.units)];
  const sizes = e.sizes(x);
  const body = e.body(
    'step',
    [
      { name: 'output', type: start[0]!.type },
      { name: 'cell', type: start[1]!.type },
      { name: 'x', type: tensorType('float32', sizes.slice(1)) },
    ],
    (inner, [before, cell, given]) => {
      const next = lstmStep(inner, lstm, given!, before!, cell!);
      return [next.output, next.cell, next.output];
    },
  );
  const direction = backwards ? [1] : [0];
  return e.emitAll('Scan', [...start, x], 3, {
    body: graphAttribute(body),
    num_scan_inputs: 1,
    scan_input_directions: direction,
    scan_output_directions: direction,
  })[2]!;
}

export function lstmStep(e: Emitter, lstm: Lstm, x: Value, before: Value, cell: Value) {
  const sigmoid = (gate: Gate, state: Value) => e.emit('Sigmoid', [gateSum(e, gate, x, before, state)]);
  const forget = sigmoid(lstm.forget, cell);
  const enter = lstm.inputGate
    ? sigmoid(lstm.inputGate, cell)
    : e.emit('Sub', [e.scalar('float32', 1), forget]);
  const candidate = activation(e, lstm.activation, gateSum(e, lstm.cell, x, before, cell));
  const sum = e.emit('Add', [e.emit('Mul', [forget, cell]), e.emit('Mul', [enter, candidate])]);
  const next = rounded(e, lstm.cellGrid, clipped(e, sum, lstm.cellClip));
  const out = e.emit('Mul', [sigmoid(lstm.output, next), activation(e, lstm.activation, next)]);
  if (!lstm.projection) return { output: rounded(e, lstm.outputGrid, out), cell: next };
  const product = e.emit('MatMul', [out, transpose(e, lstm.projection, [1, 0])]);
  const projected = lstm.projectionBias ? e.emit('Add', [product, lstm.projectionBias]) : product;
  const output = clipped(e, projected, lstm.projectionClip);
  return { output: rounded(e, lstm.outputGrid, output), cell: next };
}

export const rounded = (e: Emitter, grid: TfliteTensor | null, x: Value): Value =>
  grid ? dequantize(e, grid, quantize(e, grid, x)) : x;

const clipped = (e: Emitter, x: Value, limit: number) =>
  limit > 0 ? e.emit('Clip', [x, e.scalar('float32', -limit), e.scalar('float32', limit)]) : x;

function gateSum(e: Emitter, gate: Gate, x: Value, before: Value, cell: Value): Value {
  const product = (v: Value, w: Value) => e.emit('MatMul', [v, transpose(e, w, [1, 0])]);
  const both = e.emit('Add', [product(x, gate.input), product(before, gate.recurrent)]);
  const seen = gate.peephole ? e.emit('Add', [both, e.emit('Mul', [cell, gate.peephole])]) : both;
  const scaled = gate.norm ? e.emit('Mul', [standardised(e, seen), gate.norm]) : seen;
  return gate.bias ? e.emit('Add', [scaled, gate.bias]) : scaled;
}

/** Mean 0 and deviation 1 along the last axis. Source: tflite/kernels/internal/reference/portable_tensor_utils.cc. */
function standardised(e: Emitter, x: Value): Value {
  const mean = (v: Value) => e.emit('ReduceMean', [v], { axes: [-1], keepdims: 1 });
  const centred = e.emit('Sub', [x, mean(x)]);
  const variance = mean(e.emit('Mul', [centred, centred]));
  return e.emit('Div', [centred, e.emit('Sqrt', [e.emit('Add', [variance, e.scalar('float32', 1e-8)])])]);
}

/** Time first while it runs. [batch, time, …] unless the settings say otherwise. */
function timeFirst(call: OperatorCall, isTimeMajor: boolean, run: (x: Value) => Value): Value {
  const { e } = call;
  const x = inputOf(call, 0);
  if (e.rank(x) !== 3) e.refuse(`an input of ${e.rank(x)} axes`);
  const turn = (v: Value) => (isTimeMajor ? v : transpose(e, v, [1, 0, 2]));
  return turn(run(turn(x)));
}

const unidirectionalLstm: Operator = (call) => {
  const lstm = lstmOf(call, 1, 18, call.inputCount > 20 ? 20 : null);
  return timeFirst(call, flag(call, 'timeMajor'), (x) => runLstm(call.e, x, lstm, false));
};

/** Forwards, and backwards with weights of its own: one beside the other, or two outputs. */
const bidirectionalLstm: Operator = (call) => {
  const { e } = call;
  if (call.inputTensors.slice(39).some((tensor) => tensor !== null)) e.refuse('auxiliary inputs');
  const isTimeMajor = int(call, 'timeMajor', 1) !== 0;
  const [forwards, backwards] = [1, 18].map((first, i) => {
    const lstm = lstmOf(call, first, 35 + 2 * i, null);
    return timeFirst(call, isTimeMajor, (x) => runLstm(e, x, lstm, i === 1));
  }) as [Value, Value];
  return flag(call, 'mergeOutputs') ? concat(e, [forwards, backwards], 2) : [forwards, backwards];
};

/** x [time, batch, inputs] → [time, batch, units]. @param first  where its weights start */
function runRnn(call: OperatorCall, x: Value, first: number, backwards: boolean): Value {
  const { e } = call;
  const [weight, recurrent] = [inputOf(call, first), inputOf(call, first + 1)];
  const units = sizeOf(e, weight, 0);
  const bias = biasOf(call, first + 2) ?? e.refuse('no bias');
  const none = e.emit('Expand', [e.scalar('float32', 0), e.integers(units)]);
  const name = activationOf(call);
  if (name !== 'tanh' && name !== 'relu') e.refuse(`the activation ${name}`);
  const inputs = [
    x,
    unsqueeze(e, weight, 0),
    unsqueeze(e, recurrent, 0),
    unsqueeze(e, concat(e, [bias, none], 0), 0),
  ];
  const y = e.emit('RNN', inputs, {
    hidden_size: units,
    direction: backwards ? 'reverse' : 'forward',
    activations: [name === 'tanh' ? 'Tanh' : 'Relu'],
  });
  return squeeze(e, y, 1);
}

const unidirectionalRnn: Operator = (call) =>
  timeFirst(call, flag(call, 'timeMajor'), (x) => runRnn(call, x, 1, false));

const bidirectionalRnn: Operator = (call) => {
  const { e } = call;
  if (call.inputTensors.slice(9).some((tensor) => tensor !== null)) e.refuse('auxiliary inputs');
  const [forwards, backwards] = [1, 5].map((first, i) =>
    timeFirst(call, flag(call, 'timeMajor'), (x) => runRnn(call, x, first, i === 1)),
  ) as [Value, Value];
  return flag(call, 'mergeOutputs') ? concat(e, [forwards, backwards], 2) : [forwards, backwards];
};

export const recurrentOperators: OperatorTable = {
  UNIDIRECTIONAL_SEQUENCE_LSTM: unidirectionalLstm,
  BIDIRECTIONAL_SEQUENCE_LSTM: bidirectionalLstm,
  UNIDIRECTIONAL_SEQUENCE_RNN: unidirectionalRnn,
  BIDIRECTIONAL_SEQUENCE_RNN: bidirectionalRnn,
};
