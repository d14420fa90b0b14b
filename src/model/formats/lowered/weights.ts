/** Constants behind an operator's input, integers with their scales included, so that a writer can permute or cut them
 *  before they are stored. */
import { intAttribute } from '../../ir/attribute.ts';
import { dtypes, isFloat } from '../../ir/dtype.ts';
import { constantOf, isOp, type Node, shapeOf, type Value } from '../../ir/model.ts';
import { slicedTensor } from '../../ir/slice.ts';
import { denseTensor, elementCount, float32Values, numbers, type Tensor, tensorOf } from '../../ir/tensor.ts';
import { transposeTensor } from '../../ir/transpose.ts';
import { isStatic } from '../../ir/type.ts';
import { transposePermutation } from '../../ops/defaults.ts';
import { normalAxis } from '../../rewrite/arguments.ts';
import { type Grid, gridOf, gridPlaces, permutedGrid, reshapedGrid, slicedGrid } from './grid.ts';

/** Numbers, or integers with their scales. */
export interface Weight {
  readonly tensor: Tensor;
  /** null: the tensor's elements are the values. */
  readonly grid: Grid | null;
}

export const plainWeight = (tensor: Tensor): Weight => ({ tensor, grid: null });

/** The constant behind a value, through DequantizeLinear, Cast between floats, Cast and Mul over integers, Transpose,
 *  Reshape and Identity. @returns null when it is computed while running */
export function weightOf(value: Value | null | undefined): Weight | null {
  if (!value) return null;
  const bare = constantOf(value);
  if (bare) return bare.dtype === 'string' ? null : plainWeight(bare);
  const node = value.producer;
  if (!node) return null;
  if (isOp(node, 'Identity')) return weightOf(node.inputs[0]);
  if (isOp(node, 'Cast')) return castWeight(node);
  if (isOp(node, 'Transpose')) return transposedWeight(node);
  if (isOp(node, 'Reshape')) return reshaped(node);
  if (isOp(node, 'DequantizeLinear')) return dequantized(node);
  return isOp(node, 'Mul') ? scaledIntegers(node) : null;
}

/** A Cast from one float type to another changes no value that float32 holds, where it widens. Integers with scales are
 *  expanded in float32, as all is computed. */
function castWeight(node: Node): Weight | null {
  const from = weightOf(node.inputs[0]);
  if (!from) return null;
  const to = intAttribute(node, 'to');
  if (from.grid) return to === dtypes.float32.code || to === dtypes.float16.code ? from : null;
  const widens = to === dtypes.float32.code;
  return isFloat(from.tensor.dtype) && from.tensor.dtype !== 'float64' && widens ? from : null;
}

function transposedWeight(node: Node): Weight | null {
  const from = weightOf(node.inputs[0]);
  const order = from && transposePermutation(node, from.tensor.dims.length);
  return from && order ? permuted(from, order) : null;
}

function reshaped(node: Node): Weight | null {
  const from = weightOf(node.inputs[0]);
  const dims = shapeOf(node.outputs[0]);
  return from && dims && isStatic(dims) ? reshapedWeight(from, dims) : null;
}

/** Integers in at least 8 bits each, whose elements can be moved about. */
const unpacked = (t: Tensor): Tensor => (dtypes[t.dtype].bits < 8 ? tensorOf('int8', t.dims, numbers(t)) : t);

function dequantized(node: Node): Weight | null {
  const tensor = constantOf(node.inputs[0]);
  const scale = constantOf(node.inputs[1]);
  const zero = node.inputs[2] ? constantOf(node.inputs[2]) : undefined;
  if (!tensor || !scale || zero === null) return null;
  if (tensor.dtype === 'int32' || tensor.dtype.startsWith('float8')) return null;
  const { dims } = tensor;
  const axis = normalAxis(intAttribute(node, 'axis', 1), dims.length);
  const block = intAttribute(node, 'block_size', 0);
  if (block !== 0)
    return gridded(
      tensor,
      scale,
      zero,
      dims.map((_, i) => (i === axis ? block : 1)),
    );
  const one = elementCount(scale.dims) === 1;
  return gridded(
    tensor,
    inDims(
      scale,
      dims.map((_, i) => (i === axis && !one ? scale.dims[0]! : 1)),
    ),
    zero,
  );
}

/** (Cast(integers) − zero)·scale: how weights are stored that a runtime expands when it loads them. */
function scaledIntegers(node: Node): Weight | null {
  const from = node.inputs.find((v) => v?.producer && isOp(v.producer, 'Cast', 'Sub'))?.producer;
  const scale = constantOf(node.inputs.find((v) => v?.producer !== from));
  const centred = from && (isOp(from, 'Sub') ? centredIntegers(from) : castIntegers(from));
  if (!centred || !scale || !isFloat(scale.dtype)) return null;
  const { tensor, zero } = centred;
  const scales = broadcastable(scale, tensor);
  const zeros = zero && broadcastable(zero, tensor);
  if (!scales || (zero && !zeros)) return null;
  if (!zeros || zeros.dims.join() === scales.dims.join()) return gridded(tensor, scales, zeros ?? undefined);
  return null;
}

function centredIntegers(node: Node): { tensor: Tensor; zero: Tensor } | null {
  const cast = node.inputs[0]?.producer;
  const zero = constantOf(node.inputs[1]);
  const from = cast && isOp(cast, 'Cast') ? castIntegers(cast) : null;
  return from && zero && isFloat(zero.dtype) ? { ...from, zero } : null;
}

function castIntegers(cast: Node): { tensor: Tensor; zero: null } | null {
  const tensor = constantOf(cast.inputs[0]);
  return tensor && ['int8', 'uint8', 'int4', 'uint4'].includes(tensor.dtype) ? { tensor, zero: null } : null;
}

/** With as many axes as the integers, along each of which it has one element or as many as they; null where it hasn't. */
function broadcastable(t: Tensor, { dims }: Tensor): Tensor | null {
  const lead = dims.length - t.dims.length;
  if (lead < 0 || t.dims.some((d, i) => d !== 1 && d !== dims[i + lead])) return null;
  return inDims(t, [...Array<number>(lead).fill(1), ...t.dims]);
}

const inDims = (t: Tensor, dims: readonly number[]): Tensor =>
  elementCount(dims) === elementCount(t.dims) ? withDims(t, dims) : t;

function gridded(
  tensor: Tensor,
  scale: Tensor,
  zero: Tensor | undefined,
  step?: readonly number[],
): Weight | null {
  const grid = gridOf(tensor.dims, scale, zero ?? null, step);
  return grid && { tensor: unpacked(tensor), grid };
}

/** Axis i of the result is axis order[i] of the weight. */
export const permuted = ({ tensor, grid }: Weight, order: readonly number[]): Weight => ({
  tensor: transposeTensor(unpacked(tensor), order),
  grid: grid && permutedGrid(grid, order),
});

/** The weight in float32 [dims], its scale multiplied in. */
export function floatWeight({ tensor, grid }: Weight): Tensor {
  if (!grid) return tensor;
  const codes = numbers(tensor);
  const places = gridPlaces(tensor.dims, grid);
  const scale = float32Values(grid.scale);
  const zero = grid.zero ? float32Values(grid.zero) : new Float32Array(scale.length);
  const values = Float32Array.from(codes, (code, i) => (code - zero[places[i]!]!) * scale[places[i]!]!);
  return tensorOf('float32', tensor.dims, values);
}

/** The same elements in other dimensions; float32 where their scales don't go along. */
export function reshapedWeight(weight: Weight, dims: readonly number[]): Weight {
  const grid = weight.grid && reshapedGrid(weight.grid, weight.tensor.dims, dims);
  const whole = weight.grid && !grid ? plainWeight(floatWeight(weight)) : weight;
  return { grid, tensor: withDims(unpacked(whole.tensor), dims) };
}

const withDims = (t: Tensor, dims: readonly number[]): Tensor => denseTensor(t.dtype, dims, t.bytes());

/** Indices [from, to) of one axis; float32 where that cuts a block. */
export function slicedWeight(weight: Weight, axis: number, from: number, to: number): Weight {
  const grid = weight.grid && slicedGrid(weight.grid, axis, from, to, weight.tensor.dims[axis]!);
  const whole = weight.grid && !grid ? plainWeight(floatWeight(weight)) : weight;
  return { tensor: slicedTensor(unpacked(whole.tensor), axis, from, to), grid };
}

/** One axis of size 1 more, at `axis` of the result. */
export const widenedWeight = (weight: Weight, axis: number): Weight =>
  reshapedWeight(weight, weight.tensor.dims.toSpliced(axis, 0, 1));

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
