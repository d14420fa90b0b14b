/** Pieces that most shape rules are made of. */

import { shapeConflict } from '../../../support/diagnostics/graph.ts';
import { intAttribute, intsAttribute } from '../../ir/attribute.ts';
import type { DType } from '../../ir/dtype.ts';
import type { Dim, Shape, ValueType } from '../../ir/type.ts';
import { broadcastDim } from '../dims.ts';
import type { ShapeContext, ShapeRule } from '../types.ts';

/** A tensor type, or null when the dtype is unknown. */
export const tensor = (dtype: DType | null, shape: Shape | null): ValueType | null =>
  dtype && { kind: 'tensor', dtype, shape };

/** `rank` unknown sizes. */
export const unknowns = (rank: number): null[] => Array<null>(rank).fill(null);

/** Output i is like input `of[i]`. */
export const like =
  (...of: number[]): ShapeRule =>
  (c) =>
    of.map((i) => c.type(i));

export const sameAsInput: ShapeRule = like(0);

/** Numpy's rule over any number of shapes; null when a rank is unknown. @throws SHAPE_CONFLICT */
export function broadcastShapes(...shapes: (Shape | null)[]): Shape | null {
  if (shapes.some((s) => s === null)) return null;
  const known = shapes as Shape[];
  const rank = Math.max(0, ...known.map((s) => s.length));
  return Array.from({ length: rank }, (_, i) =>
    known.reduce<Dim>((d, s) => {
      const at = i - rank + s.length;
      return at < 0 ? d : broadcastDim(d, s[at]!);
    }, 1),
  );
}

/** Element-wise over all inputs; dtype of input `from`, or a fixed one. Before opset 7 the attribute `broadcast` says that the
 *  second input spreads over the first. */
export const broadcasting =
  (dtype: DType | number = 0): ShapeRule =>
  (c) => [
    tensor(
      typeof dtype === 'number' ? c.dtype(dtype) : dtype,
      intAttribute(c.node, 'broadcast', 0) !== 0
        ? c.shape(0)
        : broadcastShapes(...c.node.inputs.flatMap((v, i) => (v ? [c.shape(i)] : []))),
    ),
  ];

/** −1 counts from the end. @throws SHAPE_CONFLICT when the axis is outside the rank */
export function normalAxis(axis: number, rank: number): number {
  const at = axis < 0 ? axis + rank : axis;
  if (at < 0 || at >= Math.max(rank, 1)) throw shapeConflict(`axis ${axis} is outside rank ${rank}`);
  return at;
}

export const axisOf = (c: ShapeContext, fallback: number, rank: number, name = 'axis') =>
  normalAxis(intAttribute(c.node, name, fallback), rank);

/** Integers from an attribute (older opsets) or from input `index`. undefined: given nowhere; null: not known. */
export function integers(c: ShapeContext, name: string, index: number): number[] | null | undefined {
  const attribute = intsAttribute(c.node, name);
  if (attribute) return attribute;
  if (!c.has(index)) return undefined;
  const values = c.data(index)?.values;
  return values?.every((v) => typeof v === 'number') ? (values as number[]) : null;
}

/** How many elements a 1-D input has, when that is a number. */
export function lengthOf(c: ShapeContext, index: number): number | null {
  const shape = c.shape(index);
  return shape?.length === 1 && typeof shape[0] === 'number' ? shape[0] : null;
}

/** @throws SHAPE_CONFLICT naming what the rank should be */
export function requireRank(shape: Shape, least: number, what: string): void {
  if (shape.length < least)
    throw shapeConflict(
      `${what} needs at least ${least} dimensions; [${shape.join(',')}] has ${shape.length}`,
    );
}

export const replaced = (shape: Shape, axis: number, dim: Dim): Dim[] =>
  shape.map((d, i) => (i === axis ? dim : d));
