/** Layers as a few standard nodes each. `name` scopes the weights: linear(b, 'query', …) makes "query/weight". */
import { type DType, dtypes } from '../ir/dtype.ts';
import type { Value } from '../ir/model.ts';
import { tensorOf } from '../ir/tensor.ts';
import type { NetworkBuilder } from './builder.ts';
import { type Initial, kaiming, normal, ones, uniform, values, xavier, zeros } from './initial.ts';

export interface LinearOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** true by default, starting from zeros. */
  readonly bias?: boolean;
  /** Xavier by default. */
  readonly initial?: Initial;
}

/** y = x·W + b over the last axis, any rank: MatMul and Add. W [inputs, outputs], b [outputs]. */
export function linear(b: NetworkBuilder, name: string, x: Value, options: LinearOptions): Value {
  const { inputs, outputs, bias = true, initial = xavier(inputs, outputs) } = options;
  const at = b.at(name);
  const y = at.op('MatMul', [x, at.weight('weight', [inputs, outputs], initial)]);
  return bias ? at.op('Add', [y, at.weight('bias', [outputs], zeros)]) : y;
}

/** The same for [batch, inputs]: one Gemm. */
export function dense(b: NetworkBuilder, name: string, x: Value, options: LinearOptions): Value {
  const { inputs, outputs, bias = true, initial = xavier(inputs, outputs) } = options;
  const at = b.at(name);
  const weight = at.weight('weight', [inputs, outputs], initial);
  return at.op('Gemm', bias ? [x, weight, at.weight('bias', [outputs], zeros)] : [x, weight]);
}

export interface ConvOptions {
  readonly inputs: number;
  readonly outputs: number;
  /** Side of the square kernel; 3 by default. */
  readonly kernel?: number;
  readonly stride?: number;
  /** Zeros on each side; 0 by default. */
  readonly padding?: number;
  readonly groups?: number;
  readonly bias?: boolean;
  /** Kaiming by default. */
  readonly initial?: Initial;
}

/** 2-D convolution of [batch, inputs, height, width]. W [outputs, inputs/groups, kernel, kernel]. */
export function conv(b: NetworkBuilder, name: string, x: Value, options: ConvOptions): Value {
  const { inputs, outputs, kernel = 3, stride = 1, padding = 0, groups = 1, bias = true } = options;
  b.check(
    inputs % groups === 0,
    `inputs of ${name} must be a multiple of groups (${groups}); ${inputs} came`,
  );
  const fanIn = (inputs / groups) * kernel * kernel;
  const at = b.at(name);
  const dims = [outputs, inputs / groups, kernel, kernel];
  const weight = at.weight('weight', dims, options.initial ?? kaiming(fanIn));
  return at.op('Conv', bias ? [x, weight, at.weight('bias', [outputs], zeros)] : [x, weight], {
    kernel_shape: [kernel, kernel],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    group: groups,
  });
}

export const maxPool = (b: NetworkBuilder, x: Value, size = 2): Value =>
  b.op('MaxPool', [x], { kernel_shape: [size, size], strides: [size, size] });

/** BatchNormalization as a deployed network has it; training replaces its statistics by the batch's. */
export function batchNorm(b: NetworkBuilder, name: string, x: Value, channels: number): Value {
  const at = b.at(name);
  const weights = [
    at.weight('scale', [channels], ones),
    at.weight('bias', [channels], zeros),
    at.weight('mean', [channels], zeros),
    at.weight('variance', [channels], ones),
  ];
  return at.op('BatchNormalization', [x, ...weights], { epsilon: 1e-5 });
}

/** Over the last axis. */
export function layerNorm(b: NetworkBuilder, name: string, x: Value, width: number, epsilon = 1e-5): Value {
  const at = b.at(name);
  const weights = [at.weight('scale', [width], ones), at.weight('bias', [width], zeros)];
  return at.op('LayerNormalization', [x, ...weights], { axis: -1, epsilon });
}

/** x · scale / √(mean(x²) + ε) over the last axis, from primitives: opset 17 to 20 have no node for it.
 *  @see Zhang and Sennrich 2019, arXiv:1910.07467 */
export function rmsNorm(b: NetworkBuilder, name: string, x: Value, width: number, epsilon = 1e-6): Value {
  const at = b.at(name);
  const squares = at.op('Mul', [x, x]);
  const mean = reduceMean(at, squares, -1, true);
  const root = at.op('Sqrt', [at.op('Add', [mean, at.scalar('epsilon', epsilon)])]);
  return at.op('Mul', [at.op('Div', [x, root]), at.weight('scale', [width], ones)]);
}

/** Mean over one axis, which stays with size 1 or goes. */
export const reduceMean = (b: NetworkBuilder, x: Value, axis: number, keep: boolean): Value =>
  b.opset >= 18
    ? b.op('ReduceMean', [x, b.integers(axis)], { keepdims: keep ? 1 : 0 })
    : b.op('ReduceMean', [x], { axes: [axis], keepdims: keep ? 1 : 0 });

/** Rows of a table: ids int64 [...] → [..., width]. The weight is "<name>/weight" [count, width]. */
export function embedding(
  b: NetworkBuilder,
  name: string,
  ids: Value,
  options: { count: number; width: number; initial?: Initial },
): Value {
  const { count, width, initial = normal() } = options;
  const at = b.at(name);
  return at.op('Gather', [at.weight('weight', [count, width], initial), ids], { axis: 0 });
}

/** Identity in inference; nothing at all for ratio 0. Training switches it on. */
export function dropout(b: NetworkBuilder, name: string, x: Value, ratio: number): Value {
  b.check(ratio >= 0 && ratio < 1, `dropout must be at least 0 and below 1; ${ratio} came`);
  if (ratio === 0) return x;
  const at = b.at(name);
  return at.op('Dropout', [x, at.scalar('ratio', ratio)]);
}

export type Activation = 'relu' | 'gelu' | 'gelu-tanh' | 'silu' | 'tanh';

/** 'gelu' is the exact one (Erf), 'gelu-tanh' GPT-2's approximation. Before opset 20 they are primitives, which every
 *  runtime fuses again. */
export function activation(b: NetworkBuilder, kind: Activation, x: Value): Value {
  const at = b.at(kind);
  switch (kind) {
    case 'relu':
      return b.op('Relu', [x]);
    case 'tanh':
      return b.op('Tanh', [x]);
    case 'silu':
      return at.op('Mul', [x, at.op('Sigmoid', [x])]);
    case 'gelu':
      return b.opset >= 20 ? b.op('Gelu', [x]) : erfGelu(at, x);
    case 'gelu-tanh':
      return b.opset >= 20 ? b.op('Gelu', [x], { approximate: 'tanh' }) : tanhGelu(at, x);
  }
}

/** ½·x·(1 + erf(x/√2)), in the order that onnxruntime's fusion looks for. */
function erfGelu(b: NetworkBuilder, x: Value): Value {
  const erf = b.op('Erf', [b.op('Div', [x, b.scalar('root2', Math.SQRT2)])]);
  const product = b.op('Mul', [x, b.op('Add', [erf, b.scalar('one', 1)])]);
  return b.op('Mul', [product, b.scalar('half', 0.5)]);
}

/** ½·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))). */
function tanhGelu(b: NetworkBuilder, x: Value): Value {
  const cube = b.op('Mul', [b.op('Mul', [b.op('Mul', [x, x]), x]), b.scalar('cubic', 0.044715)]);
  const inner = b.op('Mul', [b.op('Add', [x, cube]), b.scalar('root', Math.sqrt(2 / Math.PI))]);
  const sum = b.op('Add', [b.op('Tanh', [inner]), b.scalar('one', 1)]);
  return b.op('Mul', [b.op('Mul', [x, sum]), b.scalar('half', 0.5)]);
}

export interface FeedForwardOptions {
  readonly width: number;
  readonly hidden: number;
  readonly activation: Activation;
  readonly bias?: boolean;
  readonly dropout?: number;
  /** Of both layers; Xavier by default. */
  readonly initial?: Initial;
  /** Of the second layer alone. */
  readonly outputInitial?: Initial;
}

/** Linear, activation, linear: "<name>/up" and "<name>/down". */
export function feedForward(b: NetworkBuilder, name: string, x: Value, options: FeedForwardOptions): Value {
  const { width, hidden, bias = true, initial = xavier(width, hidden) } = options;
  const at = b.at(name);
  const up = linear(at, 'up', x, { inputs: width, outputs: hidden, bias, initial });
  const active = dropout(at, 'dropout', activation(at, options.activation, up), options.dropout ?? 0);
  return linear(at, 'down', active, {
    inputs: hidden,
    outputs: width,
    bias,
    initial: options.outputInitial ?? initial,
  });
}

export interface LstmOutputs {
  /** [sequence, batch, hidden] */
  readonly states: Value;
  /** The last step's, [batch, hidden]. */
  readonly last: Value;
}

/** One forward LSTM layer over [sequence, batch, inputs], ONNX's own node and gate order (i, o, f, c).
 *  Weights "input" W [1, 4·hidden, inputs], "recurrent" R [1, 4·hidden, hidden], "bias" [1, 8·hidden]; the forget gate
 *  starts open (bias 1), so that a gradient reaches the first steps. @see Jozefowicz et al. 2015 */
export function lstm(
  b: NetworkBuilder,
  name: string,
  x: Value,
  options: { inputs: number; hidden: number },
): LstmOutputs {
  const { inputs, hidden } = options;
  const at = b.at(name);
  const limit = uniform(1 / Math.sqrt(hidden));
  const bias = new Float32Array(8 * hidden).fill(1, 2 * hidden, 3 * hidden);
  const [states, last] = at.ops(
    'LSTM',
    [
      x,
      at.weight('input', [1, 4 * hidden, inputs], limit),
      at.weight('recurrent', [1, 4 * hidden, hidden], limit),
      at.weight('bias', [1, 8 * hidden], values(bias)),
    ],
    2,
    { hidden_size: hidden },
  );
  return {
    states: at.op('Squeeze', [states!, at.integers(1)]),
    last: at.op('Squeeze', [last!, at.integers(0)]),
  };
}

/** sin and cos of the position at wavelengths from 2π to 10 000·2π, [length, width], even columns sin.
 *  @see Vaswani et al. 2017, arXiv:1706.03762, 3.5 */
export function sinusoids(length: number, width: number): Float32Array {
  return Float32Array.from({ length: length * width }, (_, i) => {
    const [position, column] = [Math.floor(i / width), i % width];
    const angle = position / 10_000 ** ((column - (column % 2)) / width);
    return column % 2 === 0 ? Math.sin(angle) : Math.cos(angle);
  });
}

/** Adds fixed sinusoids to [batch, sequence, width], sequence ≤ `length`. */
export function addSinusoids(b: NetworkBuilder, x: Value, length: number, width: number): Value {
  const at = b.at('positions');
  const table = at.constant('table', tensorOf('float32', [length, width], sinusoids(length, width)));
  const rows = at.op('Slice', [table, at.integers(0), sizeOf(at, x, 1), at.integers(0)]);
  return at.op('Add', [x, rows]);
}

/** The size of one axis as int64 [1]. */
export const sizeOf = (b: NetworkBuilder, x: Value, axis: number): Value =>
  b.op('Shape', [x], { start: axis, end: axis + 1 });

/** from … to − 1, int64 [to − from]; both are int64 [1]. */
export function positions(b: NetworkBuilder, from: Value, to: Value): Value {
  const scalar = (v: Value) => b.op('Squeeze', [v, b.integers(0)]);
  const one = b.constant('one', tensorOf('int64', [], [1]));
  return b.op('Range', [scalar(from), scalar(to), one]);
}

export const cast = (b: NetworkBuilder, x: Value, to: DType): Value =>
  b.op('Cast', [x], { to: dtypes[to].code });
