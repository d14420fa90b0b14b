/** Pixels of a block moved into the batch and back, as TensorFlow's SpaceToBatchND and BatchToSpaceND look in ONNX: a Reshape
 *  that splits axes, a Transpose, and a Reshape that joins them. The outer Reshapes may be joined with neighbours that put in or
 *  take away axes of 1, the Transposes with those that put other axes in another order. */

import type { Shape } from '../ir/type.ts';
import { divideFloor, isSame, multiply, productOf } from '../ops/dims.ts';

/** How axes are cut in blocks; the first axis is the batch, whose block is 1. */
export interface Blocks {
  /** Sizes with the blocks stacked in the batch. */
  readonly stacked: Shape;
  /** One for each axis. */
  readonly blocks: readonly number[];
  /** Where the place within a block stands in the batch: 0 goes slowest. Null for an axis in one block. */
  readonly places: readonly (number | null)[];
  /** Which axis of the whole picture each is; null for one of 1 that was put in. */
  readonly axes: readonly (number | null)[];
}

/** Sizes with the blocks in their places. */
export function spread({ stacked, blocks }: Blocks): Shape {
  const count = blocks.reduce((a, b) => a * b, 1);
  return stacked.map((d, i) => (i === 0 ? divideFloor(d, count) : multiply(d, blocks[i]!)));
}

/** [n, …s/b, b, …] with `perm` = [places…, n, the others]: how blocks may have been stacked. A batch of 1 may stand anywhere
 *  among the others, and rewrites of Transposes leave it there: then there are several readings, of which the shapes around tell
 *  the right one. None where that isn't what happens. */
export function stackedBlocks(split: Shape, perm: readonly number[]): Blocks[] {
  const places = perm.map((_, i) => i).slice(1);
  const others = split[0] === 1 ? places.map((i) => movedTo(perm, perm.indexOf(0), i)) : [];
  return [perm, ...others].flatMap((order) => stackedIn(split, order) ?? []);
}

/** [places…, n, …s] with `perm` = [n, each axis with its place behind it]; the same the other way round. */
export function spreadBlocks(split: Shape, perm: readonly number[]): Blocks[] {
  const from = perm[0] ?? 0;
  const places = split.map((_, i) => i).slice(1);
  const others = split[from] === 1 ? places : [];
  const readings = others.map((to) => {
    const order = movedTo(
      split.map((_, i) => i),
      from,
      to,
    );
    return { split: order.map((axis) => split[axis]!), perm: perm.map((axis) => order.indexOf(axis)) };
  });
  return [{ split, perm }, ...readings].flatMap((reading) => spreadIn(reading.split, reading.perm) ?? []);
}

const movedTo = (list: readonly number[], from: number, to: number): number[] =>
  list.toSpliced(from, 1).toSpliced(to, 0, list[from]!);

function stackedIn(split: Shape, perm: readonly number[]): Blocks | null {
  const count = perm.indexOf(0);
  if (count < 1 || perm.length !== split.length) return null;
  const places = perm.slice(0, count);
  // The place within a block stands behind the axis that it is of.
  if (places.some((p) => p < 2 || places.includes(p - 1))) return null;
  const others = perm.slice(count);
  const inOrder = [...others].sort((a, b) => a - b);
  return blocksOf(
    others.map((axis) => split[axis]!),
    others.map((axis) => placeAt(places.indexOf(axis + 1))),
    places.map((p) => split[p]!),
    others.map((axis) => inOrder.indexOf(axis)),
  );
}

function spreadIn(split: Shape, perm: readonly number[]): Blocks | null {
  const count = perm[0] ?? 0;
  if (count < 1 || perm.length !== split.length) return null;
  const rank = split.length - count;
  const places = new Array<number | null>(rank).fill(null);
  const axes: number[] = [];
  for (const [i, axis] of perm.entries()) {
    if (axis >= count) axes.push(axis - count);
    else if (axes.length < 2 || perm[i - 1]! < count) return null;
    else places[axes.at(-1)!] = axis;
  }
  return blocksOf(
    split.slice(count),
    places,
    split.slice(0, count),
    places.map((_, i) => axes.indexOf(i)),
  );
}

const placeAt = (index: number) => (index < 0 ? null : index);

function blocksOf(
  sizes: Shape,
  places: readonly (number | null)[],
  counts: Shape,
  axes: readonly number[],
): Blocks | null {
  const blocks = places.map((place) => (place === null ? 1 : counts[place]!));
  if (!blocks.every((b) => typeof b === 'number' && b >= 1)) return null;
  const total = productOf(counts);
  return {
    stacked: sizes.map((d, i) => (i === 0 ? multiply(d, total) : d)),
    blocks: blocks as number[],
    places,
    axes,
  };
}

/** The same blocks seen under a shape that has other axes of 1. Null where it differs otherwise, or in the batch. */
export function seenAs({ stacked, blocks, places, axes }: Blocks, shape: Shape): Blocks | null {
  const isLeftOut = (i: number) => i > 0 && stacked[i] === 1 && blocks[i] === 1;
  const from: (number | null)[] = [];
  let at = 0;
  for (const size of shape) {
    while (size !== 1 && isLeftOut(at)) at++;
    const isPutIn = !isSame(size, stacked[at] ?? null);
    if (isPutIn && (size !== 1 || from.length === 0)) return null;
    from.push(isPutIn ? null : at++);
  }
  while (isLeftOut(at)) at++;
  if (at < stacked.length) return null;
  return {
    stacked: shape,
    blocks: from.map((i) => (i === null ? 1 : blocks[i]!)),
    places: from.map((i) => (i === null ? null : places[i]!)),
    axes: from.map((i) => (i === null ? null : axes[i]!)),
  };
}

export const permuted = ({ stacked, blocks, places, axes }: Blocks, perm: readonly number[]): Blocks => ({
  stacked: perm.map((axis) => stacked[axis]!),
  blocks: perm.map((axis) => blocks[axis]!),
  places: perm.map((axis) => places[axis]!),
  axes: perm.map((axis) => axes[axis]!),
});

/** Whether both stack the same axes in the same order. */
export const isStackedAlike = (a: Blocks, b: Blocks) =>
  a.blocks.join() === b.blocks.join() && a.places.join() === b.places.join();
