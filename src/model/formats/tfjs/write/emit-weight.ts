/** Integers with scales as TensorFlow.js stores them: it knows one scale for a whole tensor. Where there are more, the file has
 *  the integers and the scales, and the product is computed at every run. */
import { elementCount, float32Values, numbers, type Tensor, tensorOf } from '../../../ir/tensor.ts';
import type { Shape } from '../../../ir/type.ts';
import { type Grid, gridPlaces, isBlocked, isUniform } from '../../lowered/grid.ts';
import { floatWeight, type Weight } from '../../lowered/weights.ts';
import type { Emitter } from './emitter.ts';
import type { Ref, WeightData } from './graph.ts';
import { storedBytes } from './shards.ts';
import { storeCodes, storeTensor } from './stored.ts';

/** In as few bytes as keep every bit: plain, integers with one scale, or what expands integers where that is smaller. */
export function emitWeight(e: Emitter, weight: Weight): Ref {
  const { tensor, grid } = weight;
  if (!grid) return e.constant(tensor);
  if (isUniform(grid)) {
    const [scale, zero] = [numbers(grid.scale)[0]!, grid.zero ? numbers(grid.zero)[0]! : 0];
    return e.stored(storeCodes(tensor.dims, numbers(tensor), { scale, zero, dtype: 'float32' }));
  }
  const form = scaledForm(tensor, grid);
  if (!form) return e.constant(floatWeight(weight));
  const { codes, zero, scale } = form;
  const centred = zero ? e.op('Sub', [e.stored(codes), e.stored(trailing(zero))]) : e.stored(codes);
  const scaled = scale ? e.op('Mul', [centred, e.stored(trailing(scale))]) : centred;
  const merged = mergeBlocks(e, scaled, form);
  return sliceFront(e, merged, cutSizes(form, tensor.dims));
}

/** What is the same along its first axes is so without them too. */
const trailing = (data: WeightData): WeightData => ({
  ...data,
  dims: data.dims.slice(
    Math.max(
      0,
      data.dims.findIndex((d) => d > 1),
    ),
  ),
});

/** Blocks of known sizes as the axes that they are of. */
const mergeBlocks = (e: Emitter, x: Ref, { whole, split }: Blocks): Ref =>
  split.length === whole.length ? x : e.op('Reshape', [x, e.int(whole)]);

/** What is left of each axis without what filled its last block; −1: all. */
export const cutSizes = ({ whole }: Blocks, shape: Shape): number[] =>
  whole.map((size, axis) => (shape[axis] === size ? -1 : (shape[axis] as number)));

/** The first elements of each axis; −1: all. */
export const sliceFront = (e: Emitter, x: Ref, sizes: readonly number[]): Ref =>
  sizes.every((size) => size === -1) ? x : e.op('Slice', [x, e.int(sizes.map(() => 0)), e.int(sizes)]);

/** Sizes of a tensor whose scales stand for blocks. */
interface Blocks {
  /** With last blocks that are full. */
  readonly whole: readonly number[];
  /** [blocks, elements of one] for each axis that has blocks. */
  readonly split: readonly number[];
  /** Of the scales, to meet `split`. */
  readonly each: readonly number[];
}

function blocksOf(dims: readonly number[], { scale, step }: Grid): Blocks {
  const own = dims.map((size, axis) => {
    const [count, block] = [scale.dims[axis]!, step[axis]!];
    return isBlocked(block, size)
      ? { whole: count * block, split: [count, block], each: [count, 1] }
      : { whole: size, split: [size], each: [count] };
  });
  return {
    whole: own.map(({ whole }) => whole),
    split: own.flatMap(({ split }) => split),
    each: own.flatMap(({ each }) => each),
  };
}

/** What a weight is computed from: (codes − zero)·scale, where that is smaller than the weight in float32. */
export interface ScaledForm extends Blocks {
  /** [split] */
  readonly codes: WeightData;
  /** [each] */
  readonly zero: WeightData | null;
  /** null: 1 */
  readonly scale: WeightData | null;
  readonly bytes: number;
}

/** About what a node with its constant takes in model.json. */
const nodeBytes = 300;

/** Codes less their zero points, or both, whichever is smaller; null where float32 is. */
export function scaledForm(tensor: Tensor, grid: Grid): ScaledForm | null {
  const blocks = blocksOf(tensor.dims, grid);
  const { split, each, whole } = blocks;
  const scales = numbers(grid.scale);
  const isOne = scales.every((s) => s === 1);
  const scale = isOne ? null : storeTensor(tensorOf(grid.scale.dtype, each, scales), 'a scale');
  const given = padded(numbers(tensor), tensor.dims, whole);
  const form = (values: readonly number[], zero: WeightData | null): ScaledForm[] => {
    const codes = integers(split, values);
    if (!codes) return [];
    const constants = [codes, scale, zero].filter((data) => data !== null);
    const nodes = constants.length - (split.length === whole.length ? 1 : 0);
    const bytes = constants.reduce((sum, data) => sum + storedBytes(data), nodes * nodeBytes);
    return [{ ...blocks, codes, zero, scale, bytes }];
  };
  const forms = grid.zero
    ? [...form(centred(given, whole, grid, grid.zero), null), ...form(given, storedZero(each, grid.zero))]
    : form(given, null);
  const smaller = forms.filter(({ bytes }) => bytes < 4 * elementCount(tensor.dims));
  return smaller.sort((a, b) => a.bytes - b.bytes)[0] ?? null;
}

function centred(codes: readonly number[], dims: readonly number[], grid: Grid, zero: Tensor): number[] {
  const zeros = float32Values(zero);
  const places = gridPlaces(dims, grid);
  return codes.map((code, i) => code - zeros[places[i]!]!);
}

const storedZero = (dims: readonly number[], zero: Tensor): WeightData =>
  integers(dims, numbers(zero)) ?? storeTensor(tensorOf('float32', dims, numbers(zero)), 'a zero point');

/** Null where they aren't whole numbers that span what 16 bits can. */
function integers(dims: readonly number[], values: readonly number[]): WeightData | null {
  const [least, most] = values.reduce(([a, b], v) => [Math.min(a!, v), Math.max(b!, v)], [0, 0]);
  const fits = most! - least! < 2 ** 16 && values.every(Number.isInteger);
  return fits ? storeCodes(dims, values, { scale: 1, zero: 0, dtype: 'float32' }) : null;
}

/** With larger axes, filled with the first element. */
function padded(
  values: readonly number[],
  dims: readonly number[],
  to: readonly number[],
): readonly number[] {
  if (dims.join() === to.join()) return values;
  const places = new Int32Array(elementCount(to)).fill(-1);
  const inner = to.map((_, axis) => elementCount(to.slice(axis + 1)));
  let rows = new Int32Array(1);
  dims.forEach((size, axis) => {
    const next = new Int32Array(rows.length * size);
    rows.forEach((row, i) => {
      for (let j = 0; j < size; j++) next[i * size + j] = row + j * inner[axis]!;
    });
    rows = next;
  });
  rows.forEach((place, i) => {
    places[place] = i;
  });
  return Array.from(places, (i) => values[Math.max(0, i)]!);
}
