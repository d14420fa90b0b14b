/** Operators over integers with scales as the operator over the numbers that the integers stand for, between DequantizeLinear and
 *  QuantizeLinear. For formats and engines that find their own integer kernels behind these:
 *    y = Q(op(DQ(x, s_x, z_x), DQ(w, s_w, z_w), b·s_x·s_w), s_y, z_y)
 *  The integers are those of the operator but where a rounding falls half-way. Sources: ONNX QLinearConv-10, QLinearMatMul-21;
 *  onnxruntime's ContribOperators (QGemm, QLinearAdd, QLinearMul). */
import { floatAttribute, intAttribute } from '../../ir/attribute.ts';
import { constantOf, shapeOf, type Value } from '../../ir/model.ts';
import { numbers, type Tensor, tensorOf } from '../../ir/tensor.ts';
import { type Apart, type FusedOperators, inputAt, without } from '../fused/apart.ts';
import { type Emit, skip } from '../rule.ts';
import { quantizedBlocks } from './blocked.ts';
import { quantizedElementwise } from './elementwise.ts';
import { quantized, ratioOf, real, scalesOf } from './integers.ts';
import { convolved } from './products.ts';

const one = new Float32Array([1]);

/** Integers of which each index of an axis may have its own scale and zero point. */
function realAlong(emit: Emit, x: Value, scale: Value, zero: Value | null, axis: number): Value {
  const [scales, zeros] = [constantOf(scale), zero && constantOf(zero)];
  const single = (t: Tensor) => tensorOf(t.dtype, [], numbers(t));
  const whole = scales && numbers(scales).length === 1 && (!zero || zeros);
  const operands = whole ? [x, single(scales), zeros ? single(zeros) : null] : [x, scale, zero];
  return emit('DequantizeLinear', operands, { attributes: { axis } });
}

/** A bias in int32, in steps of the products. */
function realBias(bias: Value | null, x: Float32Array, w: Float32Array): Tensor | null {
  const codes = bias && constantOf(bias);
  if (!codes) return null;
  const steps = ratioOf(x, w, 1);
  const each = (i: number) => steps[steps.length === 1 ? 0 : i % steps.length]!;
  return tensorOf(
    'float32',
    codes.dims,
    Float32Array.from(numbers(codes), (code, i) => code * each(i)),
  );
}

const inputs = (node: Parameters<Apart>[0], count: number) =>
  Array.from({ length: count }, (_, i) => inputAt(node, i));

const conv: Apart = (node, emit) => {
  const [x, xScale, xZero, w, wScale, wZero, yScale, yZero, bias] = inputs(node, 9);
  const scales = scalesOf(xScale!, wScale!, yScale!);
  const rank = constantOf(w)?.dims.length;
  if (!x || !w || rank === undefined || !scales || (bias && !constantOf(bias)))
    return skip('weights-computed-at-run-time');
  const parameters = [
    realAlong(emit, w, wScale!, wZero ?? null, 0),
    realBias(bias ?? null, scales[0]!, scales[1]!),
  ];
  return convolved(node, emit, rank, x, (input) =>
    quantized(
      emit,
      emit('Conv', [real(emit, input, xScale!, xZero ?? null), ...parameters], {
        attributes: without(node, 'channels_last'),
      }),
      yScale!,
      { zero: yZero ?? null, like: x },
    ),
  );
};

const matMul: Apart = (node, emit) => {
  const [a, aScale, aZero, b, bScale, bZero, yScale, yZero] = inputs(node, 8);
  const scales = scalesOf(aScale!, bScale!, yScale!);
  const rank = shapeOf(b)?.length;
  if (!a || !b || !scales) return skip('scales-computed-at-run-time');
  if (scales[0]!.length !== 1) return skip('a-scale-for-each-row');
  if (rank === undefined) return skip('input-rank-unknown');
  const sides = [
    realAlong(emit, a, aScale!, aZero ?? null, 0),
    realAlong(emit, b, bScale!, bZero ?? null, rank - 1),
  ];
  return quantized(emit, emit('MatMul', sides), yScale!, { zero: yZero ?? null, like: a });
};

const gemm: Apart = (node, emit) => {
  const [a, aScale, aZero, b, bScale, bZero, c, yScale, yZero] = inputs(node, 9);
  const scales = scalesOf(aScale!, bScale!);
  if (!a || !b || !scales || (c && !constantOf(c))) return skip('scales-computed-at-run-time');
  const alpha = new Float32Array([floatAttribute(node, 'alpha', 1)]);
  const product = [
    real(emit, a, aScale!, aZero ?? null),
    realAlong(emit, b, bScale!, bZero ?? null, intAttribute(node, 'transB', 0) === 0 ? 1 : 0),
    realBias(c ?? null, ratioOf(alpha, scales[0]!, one[0]!), scales[1]!),
  ];
  const y = emit('Gemm', product, { attributes: without(node) });
  return yScale ? quantized(emit, y, yScale, { zero: yZero ?? null, like: a }) : y;
};

const binary =
  (op: 'Add' | 'Mul'): Apart =>
  (node, emit) => {
    const [a, aScale, aZero, b, bScale, bZero, cScale, cZero] = inputs(node, 8);
    if (!a || !aScale || !b || !bScale || !cScale) return skip('input-missing');
    const sides = [real(emit, a, aScale, aZero ?? null), real(emit, b, bScale, bZero ?? null)];
    return quantized(emit, emit(op, sides), cScale, { zero: cZero ?? null, like: a });
  };

/** By opKey; blocks that share a scale too. */
export const realOperators: FusedOperators = {
  ...quantizedBlocks,
  ...quantizedElementwise,
  QLinearConv: conv,
  'com.microsoft:QLinearConv': conv,
  QLinearMatMul: matMul,
  'com.microsoft:QGemm': gemm,
  'com.microsoft:QLinearAdd': binary('Add'),
  'com.microsoft:QLinearMul': binary('Mul'),
};
