/** Operators of integers that compute element by element, average or arrange: over the numbers that the integers stand for.
 *  Where onnxruntime looks the result up in a table or multiplies by one factor, a result half-way between two steps may go to
 *  the other one. Source: onnxruntime's ContribOperators (QLinear…, QEmbedLayerNormalization). */
import { intAttribute } from '../../ir/attribute.ts';
import { type Node, shapeOf, type Value } from '../../ir/model.ts';
import { scalar, tensorOf } from '../../ir/tensor.ts';
import { normalAxis } from '../arguments.ts';
import { type Apart, type FusedOperators, inputAt, without } from '../fused/apart.ts';
import { type Emit, skip } from '../rule.ts';
import { centred, quantized, ratioOf, real, rounded, scalesOf } from './integers.ts';

const inputs = (node: Node, count: number) => Array.from({ length: count }, (_, i) => inputAt(node, i));

/** a·s_a/s_c + b·s_b/s_c, rounded. */
const add: Apart = (node, emit) => {
  const [a, aScale, aZero, b, bScale, bZero, cScale, cZero] = inputs(node, 8);
  const scales = scalesOf(aScale!, bScale!, cScale!);
  if (!a || !b || !scales) return skip('scales-computed-at-run-time');
  const part = (x: Value, scale: number, zero: Value | null) =>
    real(emit, x, scalar('float32', Math.fround(scale / scales[2]![0]!)), zero);
  const sum = emit('Add', [part(a, scales[0]![0]!, aZero ?? null), part(b, scales[1]![0]!, bZero ?? null)]);
  return rounded(emit, sum, { zero: cZero ?? null, like: a });
};

const multiply: Apart = (node, emit) => {
  const [a, aScale, aZero, b, bScale, bZero, cScale, cZero] = inputs(node, 8);
  const scales = scalesOf(aScale!, bScale!, cScale!);
  if (!a || !b || !scales) return skip('scales-computed-at-run-time');
  const product = emit('Mul', [centred(emit, a, aZero ?? null), centred(emit, b, bZero ?? null)]);
  const ratio = ratioOf(scales[0]!, scales[1]!, scales[2]![0]!)[0]!;
  return rounded(emit, emit('Mul', [product, scalar('float32', ratio)]), { zero: cZero ?? null, like: a });
};

/** x, s_x, z_x, s_y, z_y: a function of the real numbers. */
const through =
  (compute: (emit: Emit, x: Value, node: Node) => Value | null): Apart =>
  (node, emit) => {
    const [x, xScale, xZero, yScale, yZero] = inputs(node, 5);
    if (!x || !xScale || !yScale) return skip('input-missing');
    const y = compute(emit, real(emit, x, xScale, xZero ?? null), node);
    return y ? quantized(emit, y, yScale, { zero: yZero ?? null, like: x }) : skip('form-not-known');
  };

const isLast = (node: Node) => intAttribute(node, 'channels_last', 0) !== 0;

/** Over all axes between batch and channels. */
function globalMean(emit: Emit, x: Value, node: Node): Value | null {
  const rank = shapeOf(node.inputs[0])?.length;
  if (rank === undefined) return null;
  const axes = Array.from({ length: rank - 2 }, (_, i) => i + (isLast(node) ? 1 : 2));
  return emit('ReduceMean', [x, tensorOf('int64', [axes.length], axes)], { attributes: { keepdims: 1 } });
}

/** Before opset 13 all axes from `axis` on were one. */
function softmax(emit: Emit, x: Value, node: Node): Value | null {
  const rank = shapeOf(node.inputs[0])?.length;
  const old = intAttribute(node, 'opset', 13) < 13;
  const axis = intAttribute(node, 'axis', old ? 1 : -1);
  if (old && (rank === undefined || normalAxis(axis, rank) !== rank - 1)) return null;
  return emit('Softmax', [x], { attributes: { axis } });
}

const concat: Apart = (node, emit) => {
  const [scale, zero] = inputs(node, 2);
  const given = node.inputs.slice(2);
  const like = given[0];
  if (!scale || !like) return skip('input-missing');
  const parts = given.flatMap((x, i) =>
    i % 3 === 0 && x && given[i + 1] ? [real(emit, x, given[i + 1]!, given[i + 2] ?? null)] : [],
  );
  const joined = emit('Concat', parts, { attributes: without(node) });
  return quantized(emit, joined, scale, { zero: zero ?? null, like });
};

const where: Apart = (node, emit) => {
  const [condition, x, xScale, xZero, y, yScale, yZero, zScale, zZero] = inputs(node, 9);
  if (!condition || !x || !xScale || !y || !yScale || !zScale) return skip('input-missing');
  const sides = [real(emit, x, xScale, xZero ?? null), real(emit, y, yScale, yZero ?? null)];
  return quantized(emit, emit('Where', [condition, ...sides]), zScale, { zero: zZero ?? null, like: x });
};

/** Tables and parameters as the numbers that they stand for. */
const embed: Apart = (node, emit) => {
  const all = inputs(node, 18);
  const table = (index: number): Value | null => {
    const [x, scale, zero] = [all[index], all[index + 6], all[index + 11]];
    return x && scale ? real(emit, x, scale, zero ?? null) : null;
  };
  const operands = [all[0]!, all[1] ?? null, ...[2, 3, 4, 5, 6].map(table), all[7] ?? null];
  const made = emit.node('EmbedLayerNormalization', operands, node.outputs.length, {
    domain: 'com.microsoft',
    attributes: without(node),
  });
  return made.outputs;
};

export const quantizedElementwise: FusedOperators = {
  'com.microsoft:QLinearAdd': add,
  'com.microsoft:QLinearMul': multiply,
  'com.microsoft:QLinearSigmoid': through((emit, x) => emit('Sigmoid', [x])),
  'com.microsoft:QLinearLeakyRelu': through((emit, x, node) =>
    emit('LeakyRelu', [x], { attributes: without(node) }),
  ),
  'com.microsoft:QLinearSoftmax': through(softmax),
  'com.microsoft:QLinearGlobalAveragePool': through(globalMean),
  'com.microsoft:QLinearAveragePool': through((emit, x, node) =>
    isLast(node) ? null : emit('AveragePool', [x], { attributes: without(node, 'channels_last') }),
  ),
  'com.microsoft:QLinearConcat': concat,
  'com.microsoft:QLinearWhere': where,
  'com.microsoft:QEmbedLayerNormalization': embed,
};
