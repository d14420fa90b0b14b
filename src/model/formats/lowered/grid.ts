/** Which scale and zero point belong to which element of a tensor of integers: one for all, one for each index of some axes,
 *  or one for each block along an axis. */

import { slicedTensor } from '../../ir/slice.ts';
import { elementCount, float32Values, numbers, type Tensor, tensorOf } from '../../ir/tensor.ts';
import { transposeTensor } from '../../ir/transpose.ts';

/** Integers that stand for (code − zero)·scale. */
export interface Grid {
  /** Float, with ⌈size/step⌉ elements along each axis of the integers. */
  readonly scale: Tensor;
  /** Real numbers of the same sizes; null: all are 0. */
  readonly zero: Tensor | null;
  /** How many neighbours along each axis share a scale: 1, as many as a block has, or as many as there are. */
  readonly step: readonly number[];
}

/** @param step  by default each axis along which there is one scale shares it, and every other has its own
 *  @returns null where the sizes don't fit */
export function gridOf(
  dims: readonly number[],
  scale: Tensor,
  zero: Tensor | null,
  step: readonly number[] = dims.map((d, axis) => (scale.dims[axis] === 1 ? d : 1)),
): Grid | null {
  const fits =
    scale.dims.length === dims.length &&
    dims.every((d, axis) => Math.ceil(d / Math.max(1, step[axis]!)) === scale.dims[axis]!);
  if (!fits || (zero && elementCount(zero.dims) !== elementCount(scale.dims))) return null;
  const zeros = zero && numbers(zero).some((z) => z !== 0) ? zero : null;
  if (isConstant(scale) && (!zeros || isConstant(zeros))) return uniformGrid(dims, scale, zeros);
  return { scale, zero: zeros && tensorOf('float32', scale.dims, float32Values(zeros)), step };
}

const isConstant = (t: Tensor): boolean => numbers(t).every((v, _, all) => v === all[0]);

/** One scale and zero point where all are the same. */
function uniformGrid(dims: readonly number[], scale: Tensor, zero: Tensor | null): Grid {
  const one = (t: Tensor) =>
    tensorOf(
      t.dtype,
      dims.map(() => 1),
      numbers(t).slice(0, 1),
    );
  return {
    scale: one(scale),
    zero:
      zero &&
      tensorOf(
        'float32',
        dims.map(() => 1),
        numbers(zero).slice(0, 1),
      ),
    step: dims,
  };
}

/** One scale and zero point for all elements. */
export const isUniform = ({ scale }: Grid): boolean => elementCount(scale.dims) === 1;

/** Scales for all elements or for each index of one axis, as most formats know them; null for others. */
export function channelScales(grid: Grid, dims: readonly number[]): ChannelScales | null {
  const own = dims.flatMap((size, axis) => (grid.step[axis]! < size ? [axis] : []));
  if (own.length > 1 || own.some((axis) => grid.step[axis] !== 1)) return null;
  const scale = Array.from(float32Values(grid.scale));
  return { scale, zero: grid.zero ? numbers(grid.zero) : scale.map(() => 0), axis: own[0] ?? 0 };
}

export interface ChannelScales {
  readonly scale: readonly number[];
  readonly zero: readonly number[];
  readonly axis: number;
}

export const isBlocked = (step: number, size: number): boolean => step > 1 && step < size;

export function permutedGrid({ scale, zero, step }: Grid, order: readonly number[]): Grid {
  const moved = order.map((axis) => step[axis]!);
  return { scale: transposeTensor(scale, order), zero: zero && transposeTensor(zero, order), step: moved };
}

/** Indices [from, to) of an axis of `size`; null where that cuts a block. */
export function slicedGrid(grid: Grid, axis: number, from: number, to: number, size: number): Grid | null {
  const step = grid.step[axis]!;
  const count = to - from;
  if (step >= size) return { ...grid, step: grid.step.with(axis, count) };
  if (from % step !== 0 || (to % step !== 0 && to !== size)) return null;
  const cut = (t: Tensor) => slicedTensor(t, axis, from / step, Math.ceil(to / step));
  return {
    scale: cut(grid.scale),
    zero: grid.zero && cut(grid.zero),
    step: grid.step.with(axis, Math.min(step, count)),
  };
}

/** Where the scale of each element stands among the scales. */
export function gridPlaces(dims: readonly number[], { scale, step }: Grid): Int32Array {
  let places = new Int32Array(1);
  dims.forEach((size, axis) => {
    const next = new Int32Array(places.length * size);
    for (let i = 0, at = 0; i < places.length; i++)
      for (let j = 0; j < size; j++)
        next[at++] = places[i]! * scale.dims[axis]! + Math.floor(j / step[axis]!);
    places = next;
  });
  return places;
}

/** The grid of the same elements in other dimensions; null where no steps along their axes say the same.
 *  Axes that become others together have elements in one order, in which each `block` in a row share a scale. */
export function reshapedGrid(grid: Grid, dims: readonly number[], to: readonly number[]): Grid | null {
  const step: number[] = [];
  for (const { from, into } of factored(dims, to)) {
    const block = commonBlock(from.map((axis) => [dims[axis]!, grid.step[axis]!] as const));
    const steps =
      block &&
      spreadBlock(
        block,
        into.map((axis) => to[axis]!),
      );
    if (!steps) return null;
    step.push(...steps);
  }
  const sizes = to.map((d, axis) => Math.ceil(d / step[axis]!));
  const again = (t: Tensor) => tensorOf(t.dtype, sizes, numbers(t));
  return { scale: again(grid.scale), zero: grid.zero && again(grid.zero), step };
}

/** The shortest runs of axes with as many elements before as after. */
function factored(dims: readonly number[], to: readonly number[]) {
  const groups: { from: number[]; into: number[] }[] = [];
  for (let i = 0, j = 0; i < dims.length || j < to.length; ) {
    const group = { from: [] as number[], into: [] as number[] };
    let [before, after] = [1, 1];
    do {
      const takesOld = i < dims.length && (before <= after || j === to.length);
      if (takesOld) before *= dims[push(group.from, i++)]!;
      else after *= to[push(group.into, j++)]!;
    } while (before !== after && (i < dims.length || j < to.length));
    groups.push(group);
  }
  return groups;
}

const push = (list: number[], item: number): number => {
  list.push(item);
  return item;
};

/** How many elements in a row share a scale, over axes [size, step]; null where that differs along them. */
function commonBlock(axes: readonly (readonly [number, number])[]): number | null {
  let block = 1;
  let open = true;
  for (const [size, step] of [...axes].reverse()) {
    const shared = Math.min(step, size);
    if (!open && shared > 1) return null;
    block *= shared;
    // Blocks in front of an axis that isn't shared whole would be torn apart.
    if (shared < size) {
      if (size % shared !== 0) return null;
      open = false;
    }
  }
  return block;
}

/** The steps along axes that make `block` neighbours of their elements share a scale; null where none do. */
function spreadBlock(block: number, sizes: readonly number[]): number[] | null {
  let rest = block;
  const steps = [...sizes].reverse().map((size) => {
    const step = rest >= size ? size : rest;
    const whole = rest >= size ? rest % size === 0 : size % rest === 0;
    rest = whole ? rest / step : Number.NaN;
    return step;
  });
  return rest === 1 ? steps.reverse() : null;
}
