/** Normalisations in training, and those written as simpler ones. */
import { float, floatAttribute, intAttribute, intsAttribute } from '../../../model/ir/attribute.ts';
import { constantOf, type Value } from '../../../model/ir/model.ts';
import { tensorOf } from '../../../model/ir/tensor.ts';
import type { Lowering, LoweringContext, LoweringTable } from '../rule.ts';

/** In training: batch statistics, read from the node itself (with momentum 0 the running statistics that it gives out
 *  are those of the batch). Running ones are kept as PyTorch does: momentum of ONNX, variance with n − 1.
 *  As deployed otherwise. */
const batchNormalization: Lowering = (c) => {
  const trains = intAttribute(c.node, 'training_mode', 0) === 1;
  const momentum = floatAttribute(c.node, 'momentum', 0.9);
  const epsilon = float(floatAttribute(c.node, 'epsilon', 1e-5));
  const inputs = [0, 1, 2, 3, 4].map(c.input);
  if (c.mode === 'infer') return trains ? [c.op('BatchNormalization', inputs, { epsilon })] : null;
  if (trains && momentum === 0 && c.node.outputs.length >= 3) return null;

  const attributes = { epsilon, momentum: float(0), training_mode: 1 };
  // The runtime writes the batch's statistics over these two inputs, in place: it gets values of its own, whose content
  // momentum 0 ignores, and not the running statistics that are still to be read.
  const scratch = [3, 4].map((i) => c.op('Neg', [c.input(i)]));
  const operands = [...inputs.slice(0, 3), ...scratch];
  const [y, mean, variance] = c.ops('BatchNormalization', operands, 3, attributes);
  if (!y || !mean || !variance) return null;
  const shape = c.dims(c.input(0));
  const count = shape.reduce((a, b) => a * b, 1) / (shape[1] as number);
  const unbiased = c.op('Mul', [variance, count / Math.max(1, count - 1)]);
  const running = [mean, unbiased].map((next, i) => {
    const state = c.input(3 + i);
    if (!trains && !constantOf(state)) return null;
    const old = c.op('Mul', [state, momentum]);
    const moved = c.op('Add', [old, c.op('Mul', [next, 1 - momentum])]);
    if (constantOf(state)) c.update(state, moved);
    return moved;
  });
  return [y, ...running];
};

/** The same node, giving out its statistics as well: the gradient needn't compute them again. */
const withStatistics =
  (outputs: number): Lowering =>
  (c) =>
    Array.from({ length: outputs }, (_, i) => c.node.outputs[i]).every(Boolean)
      ? null
      : c.ops(c.node.opType, c.node.inputs, outputs, Object.fromEntries(c.node.attributes));

/** (x − μ)/σ over the axes, of which all samples are usually one. The runtime adds 1e-9 to σ. */
const meanVariance: Lowering = (c) => {
  const axes = c.ints(intsAttribute(c.node, 'axes', [0, 2, 3]));
  const x = c.input(0);
  const centred = c.op('Sub', [x, c.op('ReduceMean', [x, axes], { keepdims: 1 })]);
  const variance = c.op('ReduceMean', [c.op('Mul', [centred, centred]), axes], { keepdims: 1 });
  return [c.op('Div', [centred, c.op('Add', [c.op('Sqrt', [variance]), 1e-9])])];
};

const isRead = (c: LoweringContext, output: number) => (c.node.outputs[output]?.uses.length ?? 0) > 0;

/** The normalisation of the last axis, with as many outputs as are read: y, mean, 1/σ; the simplified one has no mean. */
function normalized(c: LoweringContext, x: Value, scale: Value, bias: Value | null, simplified = false) {
  const op = simplified ? 'SimplifiedLayerNormalization' : 'LayerNormalization';
  const attributes = { axis: -1, epsilon: float(floatAttribute(c.node, 'epsilon', 1e-12)) };
  const statistics = isRead(c, 1) || isRead(c, 2) ? (simplified ? 2 : 3) : 1;
  const made = c.ops(op, bias ? [x, scale, bias] : [x, scale], statistics, attributes);
  return simplified ? [made[0] ?? null, null, made[1] ?? null] : [0, 1, 2].map((i) => made[i] ?? null);
}

/** input, skip, scale, then bias of the normalisation (not in the simplified one) and bias of the sum. */
const skip =
  (simplified: boolean): Lowering =>
  (c) => {
    const added = simplified ? 3 : 4;
    const both = c.op('Add', [c.input(0), c.input(1)]);
    const total = c.has(added) ? c.op('Add', [both, c.input(added)]) : both;
    const bias = !simplified && c.has(3) ? c.input(3) : null;
    return [...normalized(c, total, c.input(2), bias, simplified), total];
  };

/** Word, position and segment embeddings of ids [B, S], added up and normalised. Outputs y, count of the mask, sum. */
const embed: Lowering = (c) => {
  const [batch = 1, length = 1] = c.dims(c.input(0));
  const words = c.op('Gather', [c.input(2), c.input(0)]);
  const rows = c.has(8) ? c.input(8) : c.constant(positions(length));
  const placed = c.op('Add', [words, c.op('Gather', [c.input(3), rows])]);
  const segments = c.has(1) && c.has(4) ? c.op('Gather', [c.input(4), c.input(1)]) : null;
  const total = segments ? c.op('Add', [placed, segments]) : placed;
  const ones = () => c.op('ReduceSum', [c.input(7), c.ints([1])], { keepdims: 0 });
  const counts = () => (c.has(7) ? ones() : c.constant(tensorOf('int32', [batch], new Int32Array(batch))));
  const epsilon = float(floatAttribute(c.node, 'epsilon', 1e-12));
  const y = c.op('LayerNormalization', [total, c.input(5), c.input(6)], { axis: -1, epsilon });
  return [y, isRead(c, 1) ? counts() : null, total];
};

const positions = (length: number) =>
  tensorOf(
    'int64',
    [1, length],
    Array.from({ length }, (_, i) => i),
  );

export const normalizationLowerings: LoweringTable = {
  BatchNormalization: batchNormalization,
  LayerNormalization: withStatistics(3),
  SimplifiedLayerNormalization: withStatistics(2),
  MeanVarianceNormalization: meanVariance,
  'com.microsoft:SkipLayerNormalization': skip(false),
  'com.microsoft:SkipSimplifiedLayerNormalization': skip(true),
  'com.microsoft:EmbedLayerNormalization': embed,
};
