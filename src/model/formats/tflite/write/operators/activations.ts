/** Activations. What LiteRT lacks is written in its arithmetic; equations are ONNX's. */
import { floatAttribute, intAttribute } from '../../../../ir/attribute.ts';
import { type Node, shapeOf } from '../../../../ir/model.ts';
import { normalAxis } from '../../../../rewrite/arguments.ts';
import type { BuiltinOperator } from '../../codes.ts';
import { type Emitter, type LiteRow, type LiteRows, refuse } from '../emitter.ts';
import type { LiteTensor, Quantization } from '../graph.ts';
import { activationOf, boundsOf } from '../plan.ts';
import { transposed } from './shaping.ts';

const unary = (op: BuiltinOperator, integers?: LiteRow['integers']): LiteRow => ({
  ...(integers ? { integers } : {}),
  emit: (node, e) => e.op(op, [e.input(node, 0)], e.result()),
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
  const above =
    low > Number.NEGATIVE_INFINITY ? e.op('MAXIMUM', [x, e.float(low)], x, ['MaximumMinimumOptions', {}]) : x;
  return high < Number.POSITIVE_INFINITY
    ? e.op('MINIMUM', [above, e.float(high)], above, ['MaximumMinimumOptions', {}])
    : above;
}

const clip: LiteRow = {
  emit(node, e) {
    const bounds = boundsOf(node) ?? refuse(node, 'its bounds are computed while it runs');
    return clipped(e, e.input(node, 0), bounds.low, bounds.high);
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

export const activations: LiteRows = {
  Relu: unary('RELU', { kind: 'free' }),
  Sigmoid: unary('LOGISTIC', fixed(1 / 256, -128)),
  Tanh: unary('TANH', fixed(1 / 128, 0)),
  HardSwish: unary('HARD_SWISH', { kind: 'free' }),
  Softmax: softmax('SOFTMAX', fixed(1 / 256, -128)),
  LogSoftmax: softmax('LOG_SOFTMAX', fixed(16 / 256, 127)),
  Clip: clip,
  LeakyRelu: leaky,
};
