/** Operators that make tensors: constants, ranges, random numbers, windows. */
import { intAttribute, intsAttribute } from '../../ir/attribute.ts';
import { type DType, dtypeFromCode } from '../../ir/dtype.ts';
import type { Node } from '../../ir/model.ts';
import { scalar, stringTensor, type Tensor, tensorOf } from '../../ir/tensor.ts';
import type { Dim } from '../../ir/type.ts';
import { add, divideCeil, divideFloor, subtract } from '../dims.ts';
import type { ShapeContext, ShapeRule, ShapeTable } from '../types.ts';
import { lengthOf, tensor, unknowns } from './common.ts';

/** The tensor of a Constant node, whichever attribute holds it; null for a sparse one. */
export function constantTensor(node: Node): Tensor | null {
  const a = (name: string) => node.attributes.get(name);
  const value = a('value');
  if (value?.type === 'tensor') return value.value;
  const [int, ints, float] = [a('value_int'), a('value_ints'), a('value_float')];
  const [floats, string, strings] = [a('value_floats'), a('value_string'), a('value_strings')];
  if (int?.type === 'int') return tensorOf('int64', [], [int.value]);
  if (ints?.type === 'ints') return tensorOf('int64', [ints.value.length], ints.value);
  if (float?.type === 'float') return scalar('float32', float.value);
  if (floats?.type === 'floats') return tensorOf('float32', [floats.value.length], floats.value);
  if (string?.type === 'string') return stringTensor([], [string.value]);
  if (strings?.type === 'strings') return stringTensor([strings.value.length], strings.value);
  return null;
}

const constant: ShapeRule = (c) => {
  const t = constantTensor(c.node);
  if (t) return [tensor(t.dtype, t.dims)];
  const sparse = c.node.attributes.get('sparse_value');
  return [sparse?.type === 'sparse' ? tensor(sparse.value.values.dtype, sparse.value.dims) : null];
};

/** Type named by attribute `dtype`, else `fallback`. */
const dtypeOr = (c: ShapeContext, fallback: DType | null, name = 'dtype'): DType | null => {
  const code = intAttribute(c.node, name);
  return code === undefined ? fallback : dtypeFromCode(code, `${c.node.opType}.${name}`);
};

/** Number of elements of start, start + step … below limit. */
export function rangeLength(start: Dim, limit: Dim, step: Dim): Dim {
  if (typeof step !== 'number' || step === 0) return null;
  if (typeof start === 'number' && typeof limit === 'number')
    return Math.max(0, Math.ceil((limit - start) / step));
  if (!Number.isInteger(step)) return null;
  const span = step > 0 ? subtract(limit, start) : subtract(start, limit);
  return divideCeil(span, Math.abs(step));
}

/** com.microsoft Range may leave its step out: 1. Source: range_schema_defs.cc. */
const range: ShapeRule = (c) => {
  const [start, limit, given] = [0, 1, 2].map((i) => c.data(i)?.values[0] ?? null);
  const step = c.has(2) ? given : 1;
  return [tensor(c.dtype(0), [rangeLength(start!, limit!, step!)])];
};

const filled = (c: ShapeContext, index: number): readonly Dim[] | null => {
  const rank = lengthOf(c, index);
  return c.data(index)?.values ?? (rank === null ? null : unknowns(rank));
};

const random: ShapeRule = (c) => [tensor(dtypeOr(c, 'float32'), intsAttribute(c.node, 'shape') ?? null)];
const randomLike: ShapeRule = (c) => [tensor(dtypeOr(c, c.dtype(0)), c.shape(0))];

const window: ShapeRule = (c) => [
  tensor(dtypeOr(c, 'float32', 'output_datatype'), [c.data(0)?.values[0] ?? null]),
];

/** ⌊dft_length/2⌋ + 1 frequencies by mel bins. */
const melWeights: ShapeRule = (c) => {
  const [bins, length] = [c.data(0)?.values[0] ?? null, c.data(1)?.values[0] ?? null];
  return [tensor(dtypeOr(c, 'float32', 'output_datatype'), [add(divideFloor(length, 2), 1), bins])];
};

export const generationShapes: ShapeTable = {
  Constant: constant,
  ConstantOfShape: (c) => {
    const value = c.node.attributes.get('value');
    return [tensor(value?.type === 'tensor' ? value.value.dtype : 'float32', filled(c, 0))];
  },
  Range: range,
  'com.microsoft:Range': range,
  RandomNormal: random,
  RandomUniform: random,
  RandomNormalLike: randomLike,
  RandomUniformLike: randomLike,
  Multinomial: (c) => [
    tensor(dtypeOr(c, 'int32'), [c.shape(0)?.[0] ?? null, intAttribute(c.node, 'sample_size', 1)]),
  ],
  EyeLike: randomLike,
  BlackmanWindow: window,
  HammingWindow: window,
  HannWindow: window,
  MelWeightMatrix: melWeights,
};
