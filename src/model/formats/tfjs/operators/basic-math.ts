/** Functions of each element by itself. */
import type { Value } from '../../../ir/model.ts';
import { activation, atan2, cast, type Emitter, matched, toScalar } from '../../emit/index.ts';
import { inputOf, type Operator, type OperatorTable, pairOf } from './operator.ts';

const unary =
  (write: (e: Emitter, x: Value) => Value): Operator =>
  (call) =>
    write(call.e, inputOf(call, 0));

/** Computed in float32, whatever comes. */
const float = (write: (e: Emitter, x: Value) => Value): Operator =>
  unary((e, x) => write(e, cast(e, x, 'float32')));

const plain = (opType: string): Operator => float((e, x) => e.emit(opType, [x]));

/** Whole numbers stay what they are. */
const rounding = (opType: string): Operator =>
  unary((e, x) => (e.dtype(x) === 'float32' ? e.emit(opType, [x]) : x));

/** Of whole numbers too. */
const numeric = (opType: string): Operator =>
  unary((e, x) => e.emit(opType, [e.dtype(x) === 'bool' ? cast(e, x, 'int32') : x]));

const one = (e: Emitter) => e.scalar('float32', 1);

/** eˣ − 1 = tanh(x/2) · (eˣ + 1), which keeps small results exact. */
function expm1(e: Emitter, x: Value): Value {
  const half = e.emit('Tanh', [e.emit('Mul', [x, e.scalar('float32', 0.5)])]);
  return e.emit('Mul', [half, e.emit('Add', [e.emit('Exp', [x]), one(e)])]);
}

/** ln(1 + x); near 0 as 2·atanh(x / (2 + x)), which keeps small results exact. */
function log1p(e: Emitter, x: Value): Value {
  const ratio = e.emit('Div', [x, e.emit('Add', [x, e.scalar('float32', 2)])]);
  const near = e.emit('Mul', [e.emit('Atanh', [ratio]), e.scalar('float32', 2)]);
  const far = e.emit('Log', [e.emit('Add', [x, one(e)])]);
  return e.emit('Where', [e.emit('Less', [e.emit('Abs', [x]), e.scalar('float32', 0.5)]), near, far]);
}

const clip: Operator = (call) => {
  const { e } = call;
  const x = inputOf(call, 0);
  const dtype = e.dtype(x);
  const [low, high] = [1, 2].map((i) => cast(e, toScalar(e, inputOf(call, i)), dtype));
  return e.emit('Clip', [x, low!, high!]);
};

const allFinite = (e: Emitter, x: Value): Value =>
  e.emit('Not', [e.emit('Or', [e.emit('IsNaN', [x]), e.emit('IsInf', [x])])]);

const prelu: Operator = (call) => {
  const [x, slope] = pairOf(call);
  return activation(call.e, 'prelu', cast(call.e, x, 'float32'), { slope });
};

const leakyRelu: Operator = (call) =>
  activation(call.e, 'leakyrelu', cast(call.e, inputOf(call, 0), 'float32'), {
    alpha: call.attributes.float('alpha', 0.2),
  });

export const basicMathOperators: OperatorTable = {
  Abs: numeric('Abs'),
  Acos: plain('Acos'),
  Acosh: plain('Acosh'),
  Asin: plain('Asin'),
  Asinh: plain('Asinh'),
  Atan: plain('Atan'),
  Atan2: (call) => atan2(call.e, ...matched(call.e, ...pairOf(call))),
  Atanh: plain('Atanh'),
  Ceil: rounding('Ceil'),
  ClipByValue: clip,
  Cos: plain('Cos'),
  Cosh: plain('Cosh'),
  Elu: plain('Elu'),
  Erf: plain('Erf'),
  Exp: plain('Exp'),
  Expm1: float(expm1),
  Floor: rounding('Floor'),
  IsFinite: float(allFinite),
  IsInf: plain('IsInf'),
  IsNan: plain('IsNaN'),
  LeakyRelu: leakyRelu,
  Log: plain('Log'),
  Log1p: float(log1p),
  Neg: numeric('Neg'),
  Prelu: prelu,
  Reciprocal: plain('Reciprocal'),
  Relu: numeric('Relu'),
  Relu6: unary((e, x) => activation(e, 'relu6', e.dtype(x) === 'bool' ? cast(e, x, 'int32') : x)),
  Round: rounding('Round'),
  Rsqrt: float((e, x) => e.emit('Reciprocal', [e.emit('Sqrt', [x])])),
  Selu: plain('Selu'),
  Sigmoid: plain('Sigmoid'),
  Sign: numeric('Sign'),
  Sin: plain('Sin'),
  Sinh: plain('Sinh'),
  Softplus: plain('Softplus'),
  Sqrt: plain('Sqrt'),
  Square: unary((e, x) => e.emit('Mul', matched(e, x, x))),
  Tan: plain('Tan'),
  Tanh: plain('Tanh'),
};
