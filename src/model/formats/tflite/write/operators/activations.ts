/** Activations. What LiteRT lacks is written in its arithmetic; equations are ONNX's. */
import { floatAttribute, intAttribute, textAttribute } from '../../../../ir/attribute.ts';
import { type Node, shapeOf } from '../../../../ir/model.ts';
import { normalAxis } from '../../../../rewrite/arguments.ts';
import type { BuiltinOperator } from '../../codes.ts';
import { type Emitter, type LiteRow, type LiteRows, reshaped } from '../emitter.ts';
import type { LiteTensor, Quantization } from '../graph.ts';
import { activationOf, boundsOf } from '../plan.ts';
import { binary, cast, compare, scaled, shifted, unary } from './arithmetic.ts';
import { transposed } from './shaping.ts';

const own = (op: BuiltinOperator, integers?: LiteRow['integers']): LiteRow => ({
  ...(integers ? { integers } : {}),
  emit: (node, e) => e.op(op, [e.input(node, 0)], e.result()),
});

/** y = f(x) in floats. */
const made = (make: (x: LiteTensor, e: Emitter, node: Node) => LiteTensor): LiteRow => ({
  emit: (node, e) => make(e.input(node, 0), e, node),
});

const fixed = (scale: number, zeroPoint: number) =>
  ({ kind: 'fixed', grid: { scale: [scale], zeroPoint: [zeroPoint], axis: 0 } as Quantization }) as const;

/** Softmax and its logarithm run along the last axis. */
const softmax = (op: 'SOFTMAX' | 'LOG_SOFTMAX', integers: NonNullable<LiteRow['integers']>): LiteRow => ({
  integers,
  emit(node, e) {
    const x = e.input(node, 0);
    const rank = shapeOf(node.inputs[0])!.length;
    const axis = normalAxis(intAttribute(node, 'axis', -1), rank);
    const run = (v: LiteTensor) =>
      e.op(
        op,
        [v],
        { ...e.result(), shape: v.shape },
        op === 'SOFTMAX' ? ['SoftmaxOptions', { beta: 1 }] : ['LogSoftmaxOptions', {}],
      );
    if (axis === rank - 1) return run(x);
    const order = x.shape.map((_, i) => (i === axis ? rank - 1 : i === rank - 1 ? axis : i));
    return transposed(e, run(transposed(e, x, order)), order);
  },
});

/** max(low, min(high, x)) */
export function clipped(e: Emitter, x: LiteTensor, low: number, high: number): LiteTensor {
  const kind = activationOf({ low, high });
  if (kind === 'NONE') return x;
  if (kind) return e.op(kind, [x], x);
  const above = low > Number.NEGATIVE_INFINITY ? binary(e, 'MAXIMUM', x, e.float(low)) : x;
  return high < Number.POSITIVE_INFINITY ? binary(e, 'MINIMUM', above, e.float(high)) : above;
}

/** Bounds may be computed while running, and x may be integers. */
const clip: LiteRow = {
  emit(node, e) {
    const bounds = boundsOf(node);
    const x = e.input(node, 0);
    if (bounds) return clipped(e, x, bounds.low, bounds.high);
    const bound = (y: LiteTensor, index: number, op: 'MAXIMUM' | 'MINIMUM') => {
      const value = node.inputs[index];
      return value ? binary(e, op, y, e.plain(value)) : y;
    };
    return bound(bound(x, 1, 'MAXIMUM'), 2, 'MINIMUM');
  },
};

const leaky: LiteRow = {
  integers: { kind: 'free' },
  emit: (node: Node, e) =>
    e.op('LEAKY_RELU', [e.input(node, 0)], e.result(), [
      'LeakyReluOptions',
      { alpha: floatAttribute(node, 'alpha', 0.01) },
    ]),
};

/** LiteRT takes slopes of x's rank. */
const prelu: LiteRow = {
  emit(node, e) {
    const [x, slope] = [e.input(node, 0), e.input(node, 1)];
    const rank = x.shape.length;
    if (rank > 4) {
      const low = binary(e, 'MINIMUM', x, e.float(0));
      return binary(e, 'ADD', unary(e, 'RELU', x), binary(e, 'MUL', slope, low));
    }
    const wide = [...Array<number>(Math.max(0, rank - slope.shape.length)).fill(1), ...slope.shape];
    return e.op('PRELU', [x, reshaped(e, slope, wide.slice(wide[0] === 1 ? 1 : 0))], e.result());
  },
};

const exp = (e: Emitter, x: LiteTensor) => unary(e, 'EXP', x, 'ExpOptions');

/** x where it is positive, α(exp(x/β) − 1) elsewhere. */
function exponential(e: Emitter, x: LiteTensor, alpha: number, beta = 1): LiteTensor {
  if (alpha === 1 && beta === 1) return unary(e, 'ELU', x);
  const low = unary(e, 'ELU', scaled(e, binary(e, 'MINIMUM', x, e.float(0)), 1 / beta));
  return binary(e, 'ADD', unary(e, 'RELU', x), scaled(e, low, alpha));
}

/** max(0, min(1, αx + β)) */
export const hardSigmoid = (e: Emitter, x: LiteTensor, alpha: number, beta: number): LiteTensor =>
  clipped(e, shifted(e, scaled(e, x, alpha), beta), 0, 1);

/** max(x, 0) + log(1 + exp(−|x|)) */
function softplus(e: Emitter, x: LiteTensor): LiteTensor {
  const small = exp(e, scaled(e, unary(e, 'ABS', x, 'AbsOptions'), -1));
  return binary(e, 'ADD', unary(e, 'RELU', x), unary(e, 'LOG', shifted(e, small, 1)));
}

const swish = (e: Emitter, x: LiteTensor, alpha: number): LiteTensor =>
  binary(e, 'MUL', x, unary(e, 'LOGISTIC', scaled(e, x, alpha)));

const gelu = (e: Emitter, x: LiteTensor, approximate: boolean): LiteTensor =>
  e.op('GELU', [x], x, ['GeluOptions', { approximate: approximate ? 1 : 0 }]);

/** x + bias where x < −λ, x − bias where x > λ, 0 between. */
function shrink(e: Emitter, x: LiteTensor, node: Node): LiteTensor {
  const lambda = floatAttribute(node, 'lambd', 0.5);
  const bias = floatAttribute(node, 'bias', 0);
  const part = (op: 'LESS' | 'GREATER', limit: number, by: number) =>
    binary(e, 'MUL', shifted(e, x, by), cast(e, compare(e, op, x, e.float(limit)), 'float32'));
  return binary(e, 'ADD', part('LESS', -lambda, bias), part('GREATER', lambda, -bias));
}

const seluAlpha = 1.6732631921768188;
const seluGamma = 1.0507010221481323;

export const activations: LiteRows = {
  Relu: own('RELU', { kind: 'free' }),
  Sigmoid: own('LOGISTIC', fixed(1 / 256, -128)),
  Tanh: own('TANH', fixed(1 / 128, 0)),
  // In integers it is a hundred times slower; XNNPACK makes a table of it where it stands between integers.
  HardSwish: own('HARD_SWISH'),
  Softmax: softmax('SOFTMAX', fixed(1 / 256, -128)),
  LogSoftmax: softmax('LOG_SOFTMAX', fixed(16 / 256, 127)),
  Clip: clip,
  LeakyRelu: leaky,
  PRelu: prelu,
  Softplus: made((x, e) => softplus(e, x)),
  Softsign: made((x, e) => binary(e, 'DIV', x, shifted(e, unary(e, 'ABS', x, 'AbsOptions'), 1))),
  Elu: made((x, e, node) => exponential(e, x, floatAttribute(node, 'alpha', 1))),
  Celu: made((x, e, node) => {
    const alpha = floatAttribute(node, 'alpha', 1);
    return exponential(e, x, alpha, alpha);
  }),
  Selu: made((x, e, node) => {
    const gamma = floatAttribute(node, 'gamma', seluGamma);
    return scaled(e, exponential(e, x, floatAttribute(node, 'alpha', seluAlpha)), gamma);
  }),
  ThresholdedRelu: made((x, e, node) => {
    const above = compare(e, 'GREATER', x, e.float(floatAttribute(node, 'alpha', 1)));
    return binary(e, 'MUL', x, cast(e, above, 'float32'));
  }),
  Shrink: made((x, e, node) => shrink(e, x, node)),
  HardSigmoid: made((x, e, node) =>
    hardSigmoid(e, x, floatAttribute(node, 'alpha', 0.2), floatAttribute(node, 'beta', 0.5)),
  ),
  Mish: made((x, e) => binary(e, 'MUL', x, unary(e, 'TANH', softplus(e, x)))),
  Swish: made((x, e, node) => swish(e, x, floatAttribute(node, 'alpha', 1))),
  Gelu: made((x, e, node) => gelu(e, x, textAttribute(node, 'approximate', 'none') === 'tanh')),
  'com.microsoft:Gelu': made((x, e) => gelu(e, x, false)),
  'com.microsoft:FastGelu': {
    emit(node, e) {
      const x = e.input(node, 0);
      return gelu(e, node.inputs[1] ? binary(e, 'ADD', x, e.plain(node.inputs[1])) : x, true);
    },
  },
  'com.microsoft:QuickGelu': made((x, e, node) => swish(e, x, floatAttribute(node, 'alpha', 1.702))),
};
