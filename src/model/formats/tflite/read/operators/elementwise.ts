/** Functions of each element by itself. */
import { float } from '../../../../ir/attribute.ts';
import type { Value } from '../../../../ir/model.ts';
import { activation, type Emitter } from '../../../emit/index.ts';
import { numberField } from '../../../flatbuffers/fields.ts';
import { flag, inputOf, type Operator, type OperatorTable, pairOf } from './operator.ts';

const unary =
  (write: (e: Emitter, x: Value) => Value): Operator =>
  (call) =>
    write(call.e, inputOf(call, 0));

const plain = (opType: string): Operator => unary((e, x) => e.emit(opType, [x]));

const between = (low: number, high: number): Operator =>
  unary((e, x) => e.emit('Clip', [x, e.scalar(e.dtype(x), low), e.scalar(e.dtype(x), high)]));

const named = (name: string): Operator => unary((e, x) => activation(e, name, x));

export const elementwiseOperators: OperatorTable = {
  ABS: plain('Abs'),
  CEIL: plain('Ceil'),
  COS: plain('Cos'),
  ELU: plain('Elu'),
  EXP: plain('Exp'),
  FLOOR: plain('Floor'),
  GELU: (call) => activation(call.e, flag(call, 'approximate') ? 'gelu_new' : 'gelu', inputOf(call, 0)),
  HARD_SWISH: plain('HardSwish'),
  LEAKY_RELU: (call) =>
    call.e.emit('LeakyRelu', [inputOf(call, 0)], { alpha: float(numberField(call.options, 'alpha')) }),
  LOG: plain('Log'),
  LOGISTIC: plain('Sigmoid'),
  NEG: plain('Neg'),
  PRELU: (call) => call.e.emit('PRelu', pairOf(call)),
  RELU: plain('Relu'),
  RELU6: named('relu6'),
  RELU_0_TO_1: between(0, 1),
  RELU_N1_TO_1: between(-1, 1),
  ROUND: plain('Round'),
  RSQRT: unary((e, x) => e.emit('Reciprocal', [e.emit('Sqrt', [x])])),
  SIGN: plain('Sign'),
  SIN: plain('Sin'),
  SQRT: plain('Sqrt'),
  SQUARE: unary((e, x) => e.emit('Mul', [x, x])),
  TANH: plain('Tanh'),
};
