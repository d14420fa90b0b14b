/** What an operator of a .tflite file is to the reader. Operators compute in real numbers: what is quantised is dequantised
 *  before them and quantised behind them, so that a file in integers becomes a graph with QuantizeLinear and DequantizeLinear. */
import type { Value } from '../../../../ir/model.ts';
import type { Dim } from '../../../../ir/type.ts';
import { activation, type Emitter } from '../../../emit/index.ts';
import { int32sField, numberField } from '../../../flatbuffers/fields.ts';
import type { FlatTable } from '../../../flatbuffers/schema.ts';
import { fusedActivations, paddings } from '../../codes.ts';
import type { TfliteTensor } from '../tensor.ts';

export interface OperatorCall {
  /** Named after the first output. */
  readonly e: Emitter;
  /** How many inputs there are, those that are left out included. */
  readonly inputCount: number;
  readonly inputTensors: readonly (TfliteTensor | null)[];
  readonly outputTensors: readonly TfliteTensor[];
  readonly options: FlatTable;
  readonly customOptions: Uint8Array;
  /** An input in real numbers; null where it is left out. */
  input(index: number): Value | null;
  /** The same as it is stored: integers of quantised tensors. */
  stored(index: number): Value | null;
  /** What an input that is a state holds by now, in real numbers. @throws TFLITE_OPERATOR_FORM where it is none of the model's */
  state(index: number, shape: readonly Dim[]): Value;
  /** What the state holds from now on. */
  keep(index: number, value: Value): void;
  /** What a variable that an input names holds by now, in real numbers. @param like  of its type and sizes */
  readVariable(index: number, like: TfliteTensor): Value;
  assignVariable(index: number, value: Value): void;
  /** What a graph that runs once assigns: constants, or null for what it computes. */
  assignedOnce(subgraph: number): readonly (TfliteTensor | null)[];
  /** Writes another graph of the file here. @returns its outputs */
  call(subgraph: number, e: Emitter, inputs: readonly Value[]): readonly Value[];
}

/** Writes the operator. @returns its outputs, in real numbers */
export type Operator = (call: OperatorCall) => Value | readonly Value[];
export type OperatorTable = Readonly<Record<string, Operator>>;

/** An input that the operator can't do without. @throws TFLITE_OPERATOR_FORM */
export const inputOf = (call: OperatorCall, index: number): Value =>
  call.input(index) ?? call.e.refuse(`it has no input ${index}`);

/** The first two inputs. */
export const pairOf = (call: OperatorCall): [Value, Value] => [inputOf(call, 0), inputOf(call, 1)];

/** Numbers that the operator takes as an input and ONNX as an attribute. */
export const numbersOf = (call: OperatorCall, index: number, what: string): number[] =>
  call.e.known(inputOf(call, index), what);

/** An axis from the front. @throws TFLITE_OPERATOR_FORM outside the rank */
export function axisWithin({ e }: OperatorCall, axis: number, rank: number): number {
  const at = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(at) || at < 0 || at >= rank) e.refuse(`axis ${axis} of rank ${rank}`);
  return at;
}

export const int = ({ options }: OperatorCall, name: string, fallback = 0) =>
  numberField(options, name, fallback);
export const flag = (call: OperatorCall, name: string) => int(call, name) !== 0;
export const ints = ({ options }: OperatorCall, name: string) => int32sField(options, name);

/** The first int32 numbers of a custom operator's settings, which lie in the file as a struct. */
export function wordsOf({ e, customOptions }: OperatorCall, count: number): number[] {
  if (customOptions.length < 4 * count) e.refuse(`settings of ${customOptions.length} bytes`);
  const view = new DataView(customOptions.buffer, customOptions.byteOffset, customOptions.length);
  return Array.from({ length: count }, (_, i) => view.getInt32(4 * i, true));
}

export function paddingOf(call: OperatorCall): 'same' | 'valid' {
  const name = paddings[int(call, 'padding')];
  if (!name) return call.e.refuse(`padding ${int(call, 'padding')}`);
  return name === 'SAME' ? 'same' : 'valid';
}

/** The activation that is part of the operator. Source: tflite/kernels/kernel_util.h, CalculateActivationRange. */
export function activated(call: OperatorCall, y: Value): Value {
  const { e } = call;
  const code = int(call, 'fusedActivationFunction');
  const name = fusedActivations[code];
  const dtype = e.dtype(y);
  if (name === 'NONE') return y;
  if (name === 'RELU') return activation(e, 'relu', y);
  if (name === 'RELU6') return activation(e, 'relu6', y);
  if (name === 'RELU_N1_TO_1') return e.emit('Clip', [y, e.scalar(dtype, -1), e.scalar(dtype, 1)]);
  return e.refuse(`the activation ${name ?? code} as a part of it`);
}
