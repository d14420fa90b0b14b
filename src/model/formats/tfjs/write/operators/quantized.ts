/** Integers with scales. TensorFlow.js computes nothing in 8 bits: what quantises and expands is written in floats, whose
 *  whole numbers up to 2^24 are exact. */
import { intAttribute } from '../../../../ir/attribute.ts';
import { dtypes } from '../../../../ir/dtype.ts';
import { constantOf, dtypeOf, type Node, shapeOf, type Value } from '../../../../ir/model.ts';
import { denseTensor, elementCount, float32Values, type Tensor, tensorOf } from '../../../../ir/tensor.ts';
import { constantNumbers, normalAxis } from '../../../../rewrite/arguments.ts';
import { gridOf } from '../../../lowered/grid.ts';
import { floatWeight, type Weight } from '../../../lowered/weights.ts';
import { type Emitter, refuse, shapeAt, type TfOperator, type TfOperators } from '../emitter.ts';
import type { Ref } from '../graph.ts';
import { cast } from './elementwise.ts';
import { reshape } from './shaping.ts';

/** A scale or zero point of one element, or of one for each index of the axis, shaped to meet the tensor. */
function parameter(node: Node, e: Emitter, index: number): Ref {
  const value = node.inputs[index] as Value;
  const x = cast(e, e.ref(value), 'float32');
  const shape = shapeOf(value);
  const rank = shapeAt(node, 0).length;
  if (!shape || shape.length === 0 || rank <= 1) return x;
  const axis = normalAxis(intAttribute(node, 'axis', 1), rank);
  return reshape(
    e,
    x,
    Array.from({ length: rank }, (_, i) => (i === axis ? -1 : 1)),
  );
}

const isBlocked = (node: Node) => intAttribute(node, 'block_size', 0) !== 0;

/** clip(round(x/scale) + zero), kept as a float that is a whole number where only a DequantizeLinear reads it. */
const quantize: TfOperator = (node, e) => {
  if (isBlocked(node)) return refuse(node, 'it quantises in blocks');
  const dtype = dtypeOf(node.outputs[0]) ?? 'uint8';
  const { kind, bits } = dtypes[dtype];
  if (kind === 'float') return refuse(node, `it makes ${dtype}`);
  const [low, high] = kind === 'int' ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : [0, 2 ** bits - 1];
  const x = e.input(node, 0);
  const steps = e.op('Round', [isOne(node) ? x : e.op('RealDiv', [x, parameter(node, e, 1)])]);
  const moved = node.inputs[2] ? e.op('AddV2', [steps, parameter(node, e, 2)]) : steps;
  return e.op('ClipByValue', [moved, e.float(low), e.float(high)]);
};

/** Of what is computed while running; constants are weights (weights.ts). */
const dequantize: TfOperator = (node, e) => {
  if (isBlocked(node)) return refuse(node, 'its blocks are computed while it runs');
  const x = cast(e, e.input(node, 0), 'float32');
  const centred = node.inputs[2] ? e.op('Sub', [x, parameter(node, e, 2)]) : x;
  return isOne(node) ? centred : e.op('Mul', [centred, parameter(node, e, 1)]);
};

/** Steps of 1: whole numbers themselves. */
const isOne = (node: Node) => constantNumbers(node.inputs[1])?.every((scale) => scale === 1) ?? false;

/** Largest difference of an 8-bit integer and its zero point. */
const widest = 255;

/** The left operand may have a zero point for each row, the right one for each column. */
function lessZeroPoint(node: Node, e: Emitter, index: 0 | 1): Ref {
  const zero = node.inputs[index + 2];
  const codes = constantOf(node.inputs[index]);
  const points = zero ? constantOf(zero) : undefined;
  if (codes && points !== null) {
    const weight = integerWeight(codes, points, index);
    if (weight) return e.weight(weight);
  }
  const x = cast(e, e.input(node, index), 'float32');
  if (!zero) return x;
  const point = cast(e, e.ref(zero), 'float32');
  const shape = shapeOf(zero);
  if (!shape) return refuse(node, 'the rank of its zero point is not known');
  const isRows = index === 0 && shape.length === 1 && shape[0] !== 1;
  return e.op('Sub', [x, isRows ? e.op('ExpandDims', [point, e.int(1)]) : point]);
}

/** Codes less their zero points, in one step each. */
function integerWeight(codes: Tensor, zero: Tensor | undefined, index: 0 | 1): Weight | null {
  const { dims } = codes;
  const own = index === 0 ? dims.length - 2 : dims.length - 1;
  const count = zero ? elementCount(zero.dims) : 1;
  const each = dims.map((size, axis) => (axis === own && count === size ? size : 1));
  if (elementCount(each) !== count) return null;
  const ones = tensorOf('float32', each, new Float32Array(count).fill(1));
  const grid = gridOf(dims, ones, zero ? denseTensor(zero.dtype, each, zero.bytes()) : null);
  return grid && { tensor: codes, grid };
}

/** Products of integers less their zero points. A float holds sums up to 2^24 exactly: where longer ones may come, parts are
 *  multiplied, which as int32 add up to the whole. */
const matMulInteger: TfOperator = (node, e) => {
  const times = (a: Ref, b: Ref) =>
    e.op('BatchMatMulV2', [a, b], { adj_x: { bool: false }, adj_y: { bool: false } });
  const [left, right] = [lessZeroPoint(node, e, 0), lessZeroPoint(node, e, 1)];
  const depth = shapeAt(node, 0).at(-1);
  const exact = Math.floor(2 ** 24 / (widest * largestInteger(node)));
  if (typeof depth === 'number' && depth <= exact) return times(left, right);
  if (typeof depth !== 'number') return refuse(node, 'the length of its sums is not known');
  if (shapeAt(node, 1).length < 2 || shapeAt(node, 0).length < 2) return refuse(node, 'it sums a vector');
  const sizes = Array.from({ length: Math.ceil(depth / exact) }, (_, i) =>
    Math.min(exact, depth - i * exact),
  );
  const parts = (x: Ref, axis: number) =>
    e.ops(
      'SplitV',
      [x, e.int(sizes), e.int(axis)],
      sizes.map(() => x.dtype),
      { num_split: { int: sizes.length } },
    );
  const rights = parts(right, shapeAt(node, 1).length - 2);
  return parts(left, shapeAt(node, 0).length - 1)
    .map((part, i) => cast(e, times(part, rights[i]!), 'int32'))
    .reduce((sum, part) => e.op('AddV2', [sum, part]));
};

/** Of the second operand less its zero points: what its constants have, or what 8 bits can have. */
function largestInteger(node: Node): number {
  const codes = constantOf(node.inputs[1]);
  const zero = node.inputs[3] ? constantOf(node.inputs[3]) : undefined;
  const weight = codes && zero !== null ? integerWeight(codes, zero, 1) : null;
  if (!weight) return widest;
  return float32Values(floatWeight(weight)).reduce((most, code) => Math.max(most, Math.abs(code)), 1);
}

/** scale = (max − min)/255 with 0 in the range, zero = clip(round(−min/scale)).
 *  Source: ONNX DynamicQuantizeLinear-11. */
const dynamicQuantize: TfOperator = (node, e) => {
  const x = e.input(node, 0);
  const axes = e.int(shapeAt(node, 0).map((_, axis) => axis));
  const bound = (op: string, limit: string) =>
    e.op(limit, [e.op(op, [x, axes], { keep_dims: { bool: false } }), e.float(0)]);
  const [low, high] = [bound('Min', 'Minimum'), bound('Max', 'Maximum')];
  const scale = e.op('RealDiv', [e.op('Sub', [high, low]), e.float(255)]);
  const clipped = (v: Ref) => e.op('ClipByValue', [v, e.float(0), e.float(255)]);
  const zero = clipped(e.op('Round', [e.op('RealDiv', [e.op('Neg', [low]), scale])]));
  const y = clipped(e.op('AddV2', [e.op('Round', [e.op('RealDiv', [x, scale])]), zero]));
  return [y, scale, zero];
};

export const quantized: TfOperators = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  MatMulInteger: matMulInteger,
  DynamicQuantizeLinear: dynamicQuantize,
};
