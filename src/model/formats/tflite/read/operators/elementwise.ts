/** Functions of each element by itself. */
import { float } from '../../../../ir/attribute.ts';
import type { Value } from '../../../../ir/model.ts';
import { tensorOf } from '../../../../ir/tensor.ts';
import { activation, atan2, cast, type Emitter, unsqueeze } from '../../../emit/index.ts';
import { float32sField, numberField } from '../../../flatbuffers/fields.ts';
import { broadcastPair } from './arithmetic.ts';
import { flag, inputOf, int, type Operator, type OperatorTable, pairOf } from './operator.ts';

const unary =
  (write: (e: Emitter, x: Value) => Value): Operator =>
  (call) =>
    write(call.e, inputOf(call, 0));

const plain = (opType: string): Operator => unary((e, x) => e.emit(opType, [x]));

const between = (low: number, high: number): Operator =>
  unary((e, x) => e.emit('Clip', [x, e.scalar(e.dtype(x), low), e.scalar(e.dtype(x), high)]));

const named = (name: string): Operator => unary((e, x) => activation(e, name, x));

/** To the grid of 2^bits values between min and max that has 0 on it, and back.
 *  Source: tensorflow core/kernels/fake_quant_ops_functor.h. */
const fakeQuant: Operator = (call) => {
  const { e, options } = call;
  const [low, high] = [numberField(options, 'min'), numberField(options, 'max')];
  const bits = int(call, 'numBits');
  if (flag(call, 'narrowRange') || !(bits >= 2 && bits <= 16) || !(low <= 0 && high >= 0 && low < high))
    e.refuse(`${bits} bits from ${low} to ${high}`);
  const steps = 2 ** bits - 1;
  const scale = Math.fround(Math.fround(high - low) / steps);
  const zero = Math.fround(-low / scale);
  const zeroPoint = zero < 0 ? 0 : zero > steps ? steps : Math.floor(zero + 0.5);
  const least = Math.fround(-zeroPoint * scale);
  const most = Math.fround((steps - zeroPoint) * scale);
  const number = (value: number) => e.scalar('float32', value);
  const clipped = e.emit('Clip', [inputOf(call, 0), number(least), number(most)]);
  const step = e.emit('Mul', [e.emit('Sub', [clipped, number(least)]), number(1 / scale)]);
  const rounded = e.emit('Floor', [e.emit('Add', [step, number(0.5)])]);
  return e.emit('Add', [e.emit('Mul', [rounded, number(scale)]), number(least)]);
};

/** How many of the boundaries are not above x, int32. */
const bucketize: Operator = (call) => {
  const { e, options } = call;
  const boundaries = float32sField(options, 'boundaries');
  const limits = e.constant(tensorOf('float32', [boundaries.length], boundaries));
  const x = unsqueeze(e, cast(e, inputOf(call, 0), 'float32'), -1);
  const reached = cast(e, e.emit('GreaterOrEqual', [x, limits]), 'int32');
  return e.emit('ReduceSum', [reached, e.integers(-1)], { keepdims: 0 });
};

export const elementwiseOperators: OperatorTable = {
  ABS: plain('Abs'),
  ATAN2: (call) => atan2(call.e, ...pairOf(call)),
  BUCKETIZE: bucketize,
  CEIL: plain('Ceil'),
  COS: plain('Cos'),
  ELU: plain('Elu'),
  EXP: plain('Exp'),
  FAKE_QUANT: fakeQuant,
  FLOOR: plain('Floor'),
  GELU: (call) => activation(call.e, flag(call, 'approximate') ? 'gelu_new' : 'gelu', inputOf(call, 0)),
  HARD_SWISH: plain('HardSwish'),
  LEAKY_RELU: (call) =>
    call.e.emit('LeakyRelu', [inputOf(call, 0)], { alpha: float(numberField(call.options, 'alpha')) }),
  LOG: plain('Log'),
  LOGISTIC: plain('Sigmoid'),
  NEG: plain('Neg'),
  PRELU: (call) => call.e.emit('PRelu', broadcastPair(call)),
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
