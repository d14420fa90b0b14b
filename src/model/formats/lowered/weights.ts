/** Constants behind an operator's input, integers with their scales included, so that a writer can permute or cut them
 *  before they are stored. */
import { intAttribute } from '../../ir/attribute.ts';
import { dtypes, isFloat } from '../../ir/dtype.ts';
import { constantOf, isOp, type Node, type Value } from '../../ir/model.ts';
import { denseTensor, elementCount, float32Values, numbers, type Tensor, tensorOf } from '../../ir/tensor.ts';
import { transposeTensor } from '../../ir/transpose.ts';
import { transposePermutation } from '../../ops/defaults.ts';

/** Numbers, or integers that stand for (code − zero)·scale. */
export interface Weight {
  readonly tensor: Tensor;
  /** null: the tensor's elements are the values. */
  readonly grid: Grid | null;
}

export interface Grid {
  /** One for the tensor, or one for each index of `axis`. */
  readonly scale: readonly number[];
  readonly zero: readonly number[];
  readonly axis: number;
}

export const plainWeight = (tensor: Tensor): Weight => ({ tensor, grid: null });

/** The constant behind a value, through DequantizeLinear, Cast between floats, Cast and Mul over integers, Transpose and
 *  Identity. @returns null when it is computed while running, or stored in blocks */
export function weightOf(value: Value | null | undefined): Weight | null {
  if (!value) return null;
  const bare = constantOf(value);
  if (bare) return bare.dtype === 'string' ? null : plainWeight(bare);
  const node = value.producer;
  if (!node) return null;
  if (isOp(node, 'Identity')) return weightOf(node.inputs[0]);
  if (isOp(node, 'Cast')) return castWeight(node);
  if (isOp(node, 'Transpose')) return transposedWeight(node);
  if (isOp(node, 'DequantizeLinear')) return dequantized(node);
  return isOp(node, 'Mul') ? scaledIntegers(node) : null;
}

/** A Cast from one float type to another changes no value that float32 holds, where it widens. */
function castWeight(node: Node): Weight | null {
  const from = weightOf(node.inputs[0]);
  const widens = intAttribute(node, 'to') === dtypes.float32.code;
  return from && !from.grid && isFloat(from.tensor.dtype) && from.tensor.dtype !== 'float64' && widens
    ? from
    : null;
}

function transposedWeight(node: Node): Weight | null {
  const from = weightOf(node.inputs[0]);
  const order = from && transposePermutation(node, from.tensor.dims.length);
  return from && order ? permuted(from, order) : null;
}

/** Integers as int32, whose elements can be moved about. */
const unpacked = (t: Tensor): Tensor => (dtypes[t.dtype].bits < 8 ? tensorOf('int8', t.dims, numbers(t)) : t);

function dequantized(node: Node): Weight | null {
  const tensor = constantOf(node.inputs[0]);
  const scale = constantOf(node.inputs[1]);
  if (!tensor || !scale || intAttribute(node, 'block_size', 0) !== 0) return null;
  const zero = node.inputs[2] ? constantOf(node.inputs[2]) : undefined;
  if (zero === null || tensor.dtype === 'int32' || tensor.dtype.startsWith('float8')) return null;
  const rank = tensor.dims.length;
  const axis = intAttribute(node, 'axis', 1);
  const scales = Array.from(float32Values(scale));
  return gridded(tensor, scales, zero ? numbers(zero) : [], axis < 0 ? axis + rank : axis);
}

/** Mul(Cast(integers), scale): how weights are stored that a runtime expands when it loads them. */
function scaledIntegers(node: Node): Weight | null {
  const cast = node.inputs.find((v) => v?.producer && isOp(v.producer, 'Cast'))?.producer;
  const scale = constantOf(node.inputs.find((v) => v?.producer !== cast));
  const tensor = cast && constantOf(cast.inputs[0]);
  if (!tensor || !scale || !['int8', 'uint8', 'int4', 'uint4'].includes(tensor.dtype)) return null;
  if (!isFloat(scale.dtype) || scale.dims.length > tensor.dims.length) return null;
  const lead = tensor.dims.length - scale.dims.length;
  const long = scale.dims.flatMap((d, i) => (d > 1 ? [i + lead] : []));
  if (long.length > 1 || long.some((axis) => scale.dims[axis - lead] !== tensor.dims[axis])) return null;
  return gridded(tensor, Array.from(float32Values(scale)), [], long[0] ?? 0);
}

function gridded(
  tensor: Tensor,
  scale: readonly number[],
  zero: readonly number[],
  axis: number,
): Weight | null {
  const { length } = scale;
  if (length !== 1 && length !== tensor.dims[axis]) return null;
  const zeros = zero.length === length ? zero : scale.map(() => zero[0] ?? 0);
  return { tensor: unpacked(tensor), grid: { scale, zero: zeros, axis } };
}

/** Axis i of the result is axis order[i] of the weight. */
export function permuted({ tensor, grid }: Weight, order: readonly number[]): Weight {
  const moved = transposeTensor(unpacked(tensor), order);
  return { tensor: moved, grid: grid && { ...grid, axis: order.indexOf(grid.axis) } };
}

/** The weight in float32 [dims], its scale multiplied in. */
export function floatWeight({ tensor, grid }: Weight): Tensor {
  if (!grid) return tensor;
  const { dims } = tensor;
  const inner = elementCount(dims.slice(grid.axis + 1));
  const codes = numbers(tensor);
  const at = (i: number) => (grid.scale.length === 1 ? 0 : Math.floor(i / inner) % (dims[grid.axis] ?? 1));
  return tensorOf(
    'float32',
    dims,
    Float32Array.from(codes, (code, i) => (code - grid.zero[at(i)]!) * grid.scale[at(i)]!),
  );
}

/** The same elements in other dimensions; a weight with a scale for each index of an axis becomes float32. */
export function reshapedWeight(weight: Weight, dims: readonly number[]): Weight {
  const whole = weight.grid && weight.grid.scale.length > 1 ? plainWeight(floatWeight(weight)) : weight;
  return { ...whole, tensor: tensorOf(whole.tensor.dtype, dims, typed(whole.tensor)) };
}

const typed = (t: Tensor) => (t.dtype === 'float16' || t.dtype === 'bfloat16' ? halfBits(t) : numbers(t));

const halfBits = (t: Tensor) => {
  const bytes = t.bytes();
  return new Uint16Array(bytes.slice().buffer);
};

/** Indices [from, to) of one axis. */
export function slicedWeight(weight: Weight, axis: number, from: number, to: number): Weight {
  const { tensor, grid } = weight;
  const { dims } = tensor;
  const inner = elementCount(dims.slice(axis + 1));
  const outer = elementCount(dims.slice(0, axis));
  const size = dims[axis]!;
  const all = typed(tensor);
  const kept: number[] = [];
  for (let o = 0; o < outer; o++)
    for (let i = (o * size + from) * inner; i < (o * size + to) * inner; i++) kept.push(all[i]!);
  const cut = dims.with(axis, to - from);
  const values = tensor.dtype === 'float16' || tensor.dtype === 'bfloat16' ? Uint16Array.from(kept) : kept;
  const own = grid && grid.scale.length > 1 && grid.axis === axis;
  return {
    tensor: tensorOf(tensor.dtype, cut, values),
    grid: own ? { ...grid, scale: grid.scale.slice(from, to), zero: grid.zero.slice(from, to) } : grid,
  };
}

/** One axis of size 1 more, at `axis` of the result. */
export function widenedWeight({ tensor, grid }: Weight, axis: number): Weight {
  const whole = unpacked(tensor);
  const dims = whole.dims.toSpliced(axis, 0, 1);
  const moved = grid && { ...grid, axis: grid.axis >= axis ? grid.axis + 1 : grid.axis };
  return { tensor: denseTensor(whole.dtype, dims, whole.bytes()), grid: moved };
}

/** Zeros between the elements of the axes from `first` on: a filter that a dilation of 1 reads as it was read with
 *  `dilations`. */
export function spreadWeight(weight: Weight, first: number, dilations: readonly number[]): Weight {
  if (dilations.every((d) => d === 1)) return weight;
  const whole = floatWeight(weight);
  const values = float32Values(whole);
  const dims = whole.dims.map((d, i) => (i < first ? d : (d - 1) * dilations[i - first]! + 1));
  const strides = dims.map(
    (_, i) => elementCount(dims.slice(i + 1)) * (i < first ? 1 : dilations[i - first]!),
  );
  const inner = whole.dims.map((_, i) => elementCount(whole.dims.slice(i + 1)));
  const spread = new Float32Array(elementCount(dims));
  values.forEach((v, at) => {
    const to = whole.dims.reduce((sum, d, i) => sum + (Math.floor(at / inner[i]!) % d) * strides[i]!, 0);
    spread[to] = v;
  });
  return plainWeight(tensorOf('float32', dims, spread));
}
