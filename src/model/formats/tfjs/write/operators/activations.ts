/** Activations. What TensorFlow.js lacks is written in its arithmetic; equations are ONNX's. */
import { floatAttribute, textAttribute } from '../../../../ir/attribute.ts';
import { type Node, shapeOf } from '../../../../ir/model.ts';
import type { Emitter, TfOperator, TfOperators } from '../emitter.ts';
import type { Ref } from '../graph.ts';
import { cast } from './elementwise.ts';

const unary =
  (op: string): TfOperator =>
  (node, e) =>
    e.op(op, [e.input(node, 0)]);

/** y = f(x), f made of several nodes. */
const composed =
  (make: (x: Ref, e: Emitter, node: Node) => Ref): TfOperator =>
  (node, e) =>
    make(e.input(node, 0), e, node);

export const scaled = (e: Emitter, x: Ref, factor: number): Ref =>
  factor === 1 ? x : e.op('Mul', [x, e.float(factor)]);
export const shifted = (e: Emitter, x: Ref, by: number): Ref =>
  by === 0 ? x : e.op('AddV2', [x, e.float(by)]);

/** max(0, min(1, αx + β)) */
function hardSigmoid(e: Emitter, x: Ref, alpha: number, beta: number): Ref {
  return e.op('ClipByValue', [shifted(e, scaled(e, x, alpha), beta), e.float(0), e.float(1)]);
}

/** x where it is positive, α(exp(x/β) − 1) elsewhere. The exponent is held at 0, so that no branch overflows. */
function exponential(e: Emitter, x: Ref, alpha: number, beta = 1): Ref {
  const low = e.op('Minimum', [x, e.float(0)]);
  const curve = e.op('Expm1', [scaled(e, low, 1 / beta)]);
  return e.op('AddV2', [e.op('Relu', [x]), scaled(e, curve, alpha)]);
}

/** x·Φ(x), by the error function or its approximation by tanh. */
function gelu(e: Emitter, x: Ref, approximate: boolean): Ref {
  const inner = approximate
    ? e.op('Tanh', [
        scaled(
          e,
          e.op('AddV2', [x, scaled(e, e.op('Mul', [e.op('Square', [x]), x]), 0.044715)]),
          Math.sqrt(2 / Math.PI),
        ),
      ])
    : e.op('Erf', [scaled(e, x, Math.SQRT1_2)]);
  return e.op('Mul', [scaled(e, x, 0.5), shifted(e, inner, 1)]);
}

const seluAlpha = 1.6732631921768188;
const seluGamma = 1.0507010221481323;

const selu: TfOperator = composed((x, e, node) => {
  const alpha = floatAttribute(node, 'alpha', seluAlpha);
  const gamma = floatAttribute(node, 'gamma', seluGamma);
  const usual = Math.abs(alpha - seluAlpha) < 1e-6 && Math.abs(gamma - seluGamma) < 1e-6;
  return usual ? e.op('Selu', [x]) : scaled(e, exponential(e, x, alpha), gamma);
});

const elu: TfOperator = composed((x, e, node) => {
  const alpha = floatAttribute(node, 'alpha', 1);
  return alpha === 1 ? e.op('Elu', [x]) : exponential(e, x, alpha);
});

const thresholded: TfOperator = composed((x, e, node) => {
  const above = e.op('Greater', [x, e.float(floatAttribute(node, 'alpha', 1))], {}, 'bool');
  return e.op('Mul', [x, cast(e, above, 'float32')]);
});

/** x + bias where x < −λ, x − bias where x > λ, 0 between. */
const shrink: TfOperator = composed((x, e, node) => {
  const lambda = floatAttribute(node, 'lambd', 0.5);
  const bias = floatAttribute(node, 'bias', 0);
  const part = (op: string, limit: number, by: number) => {
    const there = cast(e, e.op(op, [x, e.float(limit)], {}, 'bool'), 'float32');
    return e.op('Mul', [shifted(e, x, by), there]);
  };
  return e.op('AddV2', [part('Less', -lambda, bias), part('Greater', lambda, -bias)]);
});

const leaky: TfOperator = composed((x, e, node) =>
  e.op('LeakyRelu', [x], { alpha: { float: floatAttribute(node, 'alpha', 0.01) } }),
);

/** TensorFlow.js's wasm kernel takes one slope for each index of the last axis; others are max(x, 0) + slope·min(x, 0). */
const prelu: TfOperator = composed((x, e, node) => {
  const slope = e.input(node, 1);
  const dims = shapeOf(node.inputs[1]);
  const last = shapeOf(node.inputs[0])?.at(-1);
  const alongLast = typeof last === 'number' && last > 1 && dims?.at(-1) === last;
  if (alongLast && dims?.slice(0, -1).every((d) => d === 1)) return e.op('Prelu', [x, slope]);
  const low = e.op('Minimum', [x, e.float(0)]);
  return e.op('AddV2', [e.op('Relu', [x]), e.op('Mul', [slope, low])]);
});

export const activations: TfOperators = {
  Relu: unary('Relu'),
  Sigmoid: unary('Sigmoid'),
  Tanh: unary('Tanh'),
  Softplus: unary('Softplus'),
  Selu: selu,
  Elu: elu,
  Celu: composed((x, e, node) => {
    const alpha = floatAttribute(node, 'alpha', 1);
    return exponential(e, x, alpha, alpha);
  }),
  LeakyRelu: leaky,
  PRelu: prelu,
  ThresholdedRelu: thresholded,
  Shrink: shrink,
  HardSigmoid: composed((x, e, node) =>
    hardSigmoid(e, x, floatAttribute(node, 'alpha', 0.2), floatAttribute(node, 'beta', 0.5)),
  ),
  HardSwish: composed((x, e) => e.op('Mul', [x, hardSigmoid(e, x, 1 / 6, 0.5)])),
  Mish: composed((x, e) => e.op('Mul', [x, e.op('Tanh', [e.op('Softplus', [x])])])),
  Swish: composed((x, e, node) => swish(e, x, floatAttribute(node, 'alpha', 1))),
  Softsign: composed((x, e) => e.op('RealDiv', [x, shifted(e, e.op('Abs', [x]), 1)])),
  Gelu: composed((x, e, node) => gelu(e, x, textAttribute(node, 'approximate', 'none') === 'tanh')),
  'com.microsoft:Gelu': composed((x, e) => gelu(e, x, false)),
  'com.microsoft:FastGelu': composed((x, e, node) =>
    gelu(e, node.inputs[1] ? e.op('AddV2', [x, e.input(node, 1)]) : x, true),
  ),
  'com.microsoft:QuickGelu': composed((x, e, node) => swish(e, x, floatAttribute(node, 'alpha', 1.702))),
};

const swish = (e: Emitter, x: Ref, alpha: number): Ref =>
  e.op('Mul', [x, e.op('Sigmoid', [scaled(e, x, alpha)])]);
