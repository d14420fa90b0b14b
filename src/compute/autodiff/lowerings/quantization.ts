/** Fake quantisation: QuantizeLinear followed by DequantizeLinear as differentiable arithmetic,
 *    y = s·round(clip(x/s, qmin − z, qmax − z)),
 *  which equals s·(clip(round(x/s) + z, qmin, qmax) − z) for every x, because the bounds are whole numbers. The rounding
 *  lets the gradient through (straight-through). With v = x/s the ordinary rules then give
 *    dy/dx = 1 inside the range, 0 outside;  dy/ds = round(v) − v inside, qmin − z below, qmax − z above,
 *  the gradient by the step size of LSQ (Esser et al. 2020, arXiv:1902.08153, eq. 2–3). Scales may be trained; zero
 *  points are constant. Scales stand for the whole tensor, one axis or blocks along an axis. */

import { intAttribute } from '../../../model/ir/attribute.ts';
import { type DType, dtypeFromCode, dtypes } from '../../../model/ir/dtype.ts';
import { constantOf, dtypeOf, isOp, type Node, shapeOf, type Value } from '../../../model/ir/model.ts';
import { elementCount, numbers, tensorOf } from '../../../model/ir/tensor.ts';
import type { Lowering, LoweringContext, LoweringTable } from '../rule.ts';
import { straightThrough } from '../rule.ts';
import { fromFront, refused } from '../rules/pieces.ts';

/** Operators that only move elements: quantising before or after them is the same when one scale serves all. */
const moving = [
  'Reshape',
  'Flatten',
  'Transpose',
  'Squeeze',
  'Unsqueeze',
  'Identity',
  'Slice',
  'Gather',
  'MaxPool',
];

const dequantize: Lowering = (c) => {
  const between: Node[] = [];
  let source = c.input(0);
  while (source.producer && isOp(source.producer, ...moving)) {
    between.push(source.producer);
    source = source.producer.inputs[0] as Value;
  }
  const quantize = source.producer;
  if (!quantize || !isOp(quantize, 'QuantizeLinear')) return [plain(c)];
  const single = [quantize, c.node].every(
    (n) => elementCount(shapeOf(n.inputs[1])?.map(Number) ?? [0]) === 1,
  );
  // Left as integers they would let no gradient through, and nobody would hear of it.
  if (between.length > 0 && !single)
    throw refused(
      c,
      `${between[0]?.opType} stands between it and its QuantizeLinear, which has several scales`,
    );
  let y = roundTrip(c, quantize);
  if (!y) throw refused(c, 'its QuantizeLinear must have a constant zero point and an integer type');
  for (const node of between.reverse())
    y = c.op(node.opType, [y, ...node.inputs.slice(1)], Object.fromEntries(node.attributes));
  return [y];
};

/** (x − z)·s of integers that come from anywhere else: a stored weight, an input. */
function plain(c: LoweringContext): Value {
  const [x, scale] = [c.input(0), c.input(1)];
  const along = aligner(c, c.node, x);
  const asFloat = (v: Value) => c.op('Cast', [v], { to: dtypes[dtypeOf(scale) ?? 'float32'].code });
  const zero = c.has(2) && !isZero(c.input(2)) ? c.input(2) : null;
  const shifted = zero ? c.op('Sub', [asFloat(x), along(asFloat(zero))]) : asFloat(x);
  return c.op('Mul', [shifted, along(scale)]);
}

/** What the reader of the integers gets for the float `x` of `quantize`. Null when the integers have no known range
 *  (float8) or the zero point is computed. */
function roundTrip(c: LoweringContext, quantize: Node): Value | null {
  const [x, scale] = quantize.inputs as Value[];
  const range = x && scale && rangeOf(quantize);
  if (!range) return null;
  const zero = zeroPoint(quantize);
  if (!zero) return null;
  const into = aligner(c, quantize, x);
  const rounded = round(c, clipped(c, c.op('Div', [x, into(scale)]), zero, range, into));
  // Almost always the same values again; a model may also widen with another scale.
  if (c.input(1) === scale && (c.node.inputs[2] ?? null) === (quantize.inputs[2] ?? null))
    return c.op('Mul', [rounded, into(scale)]);
  const outOf = aligner(c, c.node, x);
  const other = zeroPoint(c.node);
  if (!other) return null;
  const shift =
    zero.values.length === other.values.length && zero.values.every((z, i) => z === other.values[i]);
  const level = shift
    ? rounded
    : c.op('Sub', [c.op('Add', [rounded, into(floats(c, zero))]), outOf(floats(c, other))]);
  return c.op('Mul', [level, outOf(c.input(1))]);
}

interface Constants {
  readonly dims: readonly number[];
  readonly values: readonly number[];
}

const floats = (c: LoweringContext, { dims, values }: Constants) =>
  c.constant(tensorOf('float32', dims, values));

function zeroPoint(node: Node): Constants | null {
  const value = node.inputs[2];
  if (!value) return { dims: [], values: [0] };
  const tensor = constantOf(value);
  return tensor && { dims: tensor.dims, values: numbers(tensor) };
}

const isZero = (v: Value) => {
  const tensor = constantOf(v);
  return tensor !== null && numbers(tensor).every((z) => z === 0);
};

/** v clipped to what the integers can hold, with the zero point at 0. */
function clipped(
  c: LoweringContext,
  v: Value,
  zero: Constants,
  [least, most]: readonly [number, number],
  along: (v: Value) => Value,
): Value {
  const [first = 0] = zero.values;
  if (zero.values.every((z) => z === first)) return c.op('Clip', [v, least - first, most - first]);
  const bound = (limit: number) =>
    along(floats(c, { dims: zero.dims, values: zero.values.map((z) => limit - z) }));
  return c.op('Min', [c.op('Max', [v, bound(least)]), bound(most)]);
}

function round(c: LoweringContext, v: Value): Value {
  const rounded = c.op('Round', [v]);
  straightThrough.set(rounded.producer!, true);
  return rounded;
}

function rangeOf(quantize: Node): readonly [number, number] | null {
  const code = intAttribute(quantize, 'output_dtype', 0);
  const dtype: DType =
    dtypeOf(quantize.inputs[2]) ?? (code ? dtypeFromCode(code, 'QuantizeLinear.output_dtype') : 'uint8');
  const { kind, bits } = dtypes[dtype];
  if (kind === 'uint') return [0, 2 ** bits - 1];
  return kind === 'int' ? [-(2 ** (bits - 1)), 2 ** (bits - 1) - 1] : null;
}

/** Gives scales and zero points of a node a shape that broadcasts against its tensor `x`. */
function aligner(c: LoweringContext, node: Node, x: Value): (v: Value) => Value {
  const dims = c.dims(x);
  const axis = fromFront(intAttribute(node, 'axis', 1), dims.length);
  const block = intAttribute(node, 'block_size', 0);
  return (v) => {
    const own = c.dims(v);
    if (elementCount(own) === 1) return c.reshape(v, []);
    if (block === 0)
      return c.reshape(
        v,
        dims.map((d, i) => (i === axis ? d : 1)),
      );
    // One scale a block along the axis: repeated, and cut where the last block is short.
    const count = own[axis] ?? 1;
    const apart = [...own.slice(0, axis), count, 1, ...own.slice(axis + 1)];
    const spread = c.op('Expand', [
      c.reshape(v, apart),
      c.ints(apart.map((d, i) => (i === axis + 1 ? block : d))),
    ]);
    const whole = c.reshape(
      spread,
      own.map((d, i) => (i === axis ? d * block : d)),
    );
    const size = dims[axis] ?? 0;
    return count * block === size
      ? whole
      : c.op('Slice', [whole, c.ints([0]), c.ints([size]), c.ints([axis])]);
  };
}

export const quantizationLowerings: LoweringTable = { DequantizeLinear: dequantize };
