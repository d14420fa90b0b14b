/** Activations by the names that TensorFlow and Keras give them. */
import { float } from '../../ir/attribute.ts';
import type { Value } from '../../ir/model.ts';
import type { Emitter } from './emitter.ts';
import { cast } from './movement.ts';

export interface ActivationOptions {
  /** Slope below zero of leakyrelu, scale of elu, slope of hard_sigmoid. */
  readonly alpha?: number | undefined;
  /** Axis of softmax; the last by default. */
  readonly axis?: number | undefined;
  /** Slopes of prelu, broadcast to x. */
  readonly slope?: Value | null | undefined;
}

type Activation = (e: Emitter, x: Value, options: ActivationOptions) => Value;

const plain =
  (opType: string): Activation =>
  (e, x) =>
    e.emit(opType, [x]);

const scalar = (e: Emitter, value: number) => e.scalar('float32', value);

/** max(x, 0) at most 6; of whole numbers too. */
const relu6: Activation = (e, x) => {
  const dtype = e.dtype(x) === 'int32' ? 'int32' : 'float32';
  return e.emit('Clip', [x, e.scalar(dtype, 0), e.scalar(dtype, 6)]);
};

/** x/2 · (1 + erf(x/√2)). */
const gelu: Activation = (e, x) => {
  const erf = e.emit('Erf', [e.emit('Mul', [x, scalar(e, Math.SQRT1_2)])]);
  return e.emit('Mul', [e.emit('Mul', [x, scalar(e, 0.5)]), e.emit('Add', [erf, scalar(e, 1)])]);
};

/** x/2 · (1 + tanh(√(2/π) · (x + 0.044715·x³))). */
const geluTanh: Activation = (e, x) => {
  const cube = e.emit('Mul', [e.emit('Mul', [x, x]), x]);
  const inner = e.emit('Add', [x, e.emit('Mul', [cube, scalar(e, 0.044715)])]);
  const tanh = e.emit('Tanh', [e.emit('Mul', [inner, scalar(e, Math.sqrt(2 / Math.PI))])]);
  return e.emit('Mul', [e.emit('Mul', [x, scalar(e, 0.5)]), e.emit('Add', [tanh, scalar(e, 1)])]);
};

const swish: Activation = (e, x) => e.emit('Mul', [x, e.emit('Sigmoid', [x])]);

const softmax =
  (opType: string): Activation =>
  (e, x, { axis = -1 }) =>
    e.emit(opType, [x], { axis });

const prelu: Activation = (e, x, { slope }) =>
  slope ? e.emit('PRelu', [x, cast(e, slope, 'float32')]) : e.refuse('prelu without its slopes');

const activations: Readonly<Record<string, Activation>> = {
  linear: (_, x) => x,
  relu: plain('Relu'),
  relu6,
  elu: (e, x, { alpha }) => e.emit('Elu', [x], { alpha: alpha === undefined ? undefined : float(alpha) }),
  selu: plain('Selu'),
  leakyrelu: (e, x, { alpha = 0.2 }) => e.emit('LeakyRelu', [x], { alpha: float(alpha) }),
  prelu,
  sigmoid: plain('Sigmoid'),
  hard_sigmoid: (e, x, { alpha }) =>
    e.emit('HardSigmoid', [x], { alpha: alpha === undefined ? undefined : float(alpha) }),
  tanh: plain('Tanh'),
  softplus: plain('Softplus'),
  softsign: plain('Softsign'),
  softmax: softmax('Softmax'),
  log_softmax: softmax('LogSoftmax'),
  gelu,
  gelu_new: geluTanh,
  mish: (e, x) => e.emit('Mul', [x, e.emit('Tanh', [e.emit('Softplus', [x])])]),
  swish,
  silu: swish,
};

export const activationNames = Object.keys(activations);

/** Applies it to every element. x float32 of any shape (relu, relu6, linear: int32 too).
 *  @throws a refusal for a name that is not known */
export function activation(e: Emitter, name: string, x: Value, options: ActivationOptions = {}): Value {
  const apply = Object.hasOwn(activations, name) ? activations[name] : undefined;
  return apply ? apply(e, x, options) : e.refuse(`the activation "${name}"`);
}
