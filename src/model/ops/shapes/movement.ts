/** Operators that move, select or repeat elements. */

import { shapeConflict } from '../../../support/diagnostics/graph.ts';
import { intAttribute, intsAttribute } from '../../ir/attribute.ts';
import type { Dim, Shape } from '../../ir/type.ts';
import { transposePermutation } from '../defaults.ts';
import {
  add,
  compare,
  divideCeil,
  divideFloor,
  minimum,
  multiply,
  productOf,
  subtract,
  unify,
} from '../dims.ts';
import type { ShapeContext, ShapeRule, ShapeTable } from '../types.ts';
import {
  axisOf,
  broadcastShapes,
  integers,
  lengthOf,
  normalAxis,
  replaced,
  requireRank,
  sameAsInput,
  tensor,
  unknowns,
} from './common.ts';

/** Shape that Reshape gives `shape` for a target with 0 (copy) and −1 (rest). One unknown element of the target is
 *  found from the element count as well. @throws SHAPE_CONFLICT when the counts can't match */
export function reshaped(shape: Shape | null, target: readonly Dim[], allowZero = false): Dim[] {
  const dims = target.map((t, i): Dim | 'rest' => {
    if (t === 0 && !allowZero) return shape ? (shape[i] ?? null) : null;
    return t === -1 || t === null ? 'rest' : t;
  });
  const open = dims.filter((d) => d === 'rest').length;
  const known = dims.filter((d): d is Dim => d !== 'rest');
  const total = shape && productOf(shape);
  if (open === 0 && typeof total === 'number') {
    const made = productOf(known);
    if (typeof made === 'number' && made !== total)
      throw shapeConflict(
        `[${shape!.join(',')}] has ${total} elements, the target [${target.join(',')}] ${made}`,
      );
  }
  const made = productOf(known);
  const rest = open === 1 && total !== null && made !== 0 ? divideFloor(total, made) : null;
  return dims.map((d) => (d === 'rest' ? rest : d));
}

const reshape: ShapeRule = (c) => {
  const dtype = c.dtype(0);
  const target = intsAttribute(c.node, 'shape') ?? c.data(1)?.values;
  const allowZero = intAttribute(c.node, 'allowzero', 0) !== 0;
  if (target) return [tensor(dtype, reshaped(c.shape(0), target, allowZero))];
  const rank = lengthOf(c, 1);
  return [tensor(dtype, rank === null ? null : unknowns(rank))];
};

const flatten: ShapeRule = (c) => {
  const shape = c.shape(0);
  if (!shape) return [tensor(c.dtype(0), unknowns(2))];
  const axis = intAttribute(c.node, 'axis', 1);
  const at = axis < 0 ? axis + shape.length : axis;
  return [tensor(c.dtype(0), [productOf(shape.slice(0, at)), productOf(shape.slice(at))])];
};

const transpose: ShapeRule = (c) => {
  const shape = c.shape(0);
  const perm = transposePermutation(c.node, shape?.length);
  if (!shape || !perm) return [tensor(c.dtype(0), perm && unknowns(perm.length))];
  if (perm.length !== shape.length)
    throw shapeConflict(`perm [${perm.join(',')}] does not fit rank ${shape.length}`);
  return [
    tensor(
      c.dtype(0),
      perm.map((p) => shape[normalAxis(p, shape.length)]!),
    ),
  ];
};

/** Sizes after Squeeze; axes undefined: every axis known to be 1. */
/** An empty list names no axes, as none does: all of 1 go. So onnxruntime takes it. */
export function squeezed(shape: Shape, axes: readonly number[] | undefined): Dim[] | null {
  if (!axes?.length) return shape.some((d) => typeof d !== 'number') ? null : shape.filter((d) => d !== 1);
  const gone = new Set(axes.map((a) => normalAxis(a, shape.length)));
  for (const a of gone) {
    const d = shape[a]!;
    if (typeof d === 'number' && d !== 1)
      throw shapeConflict(`axis ${a} has size ${d} and can't be squeezed`);
  }
  return shape.filter((_, i) => !gone.has(i));
}

const squeeze: ShapeRule = (c) => {
  const axes = integers(c, 'axes', 1);
  const shape = c.shape(0);
  const count = axes === null ? lengthOf(c, 1) : null;
  if (shape && count) return [tensor(c.dtype(0), unknowns(Math.max(0, shape.length - count)))];
  return [tensor(c.dtype(0), shape && axes !== null ? squeezed(shape, axes) : null)];
};

export function unsqueezed(shape: Shape, axes: readonly number[]): Dim[] {
  const rank = shape.length + axes.length;
  const at = new Set(axes.map((a) => normalAxis(a, rank)));
  let next = 0;
  return Array.from({ length: rank }, (_, i) => (at.has(i) ? 1 : shape[next++]!));
}

const unsqueeze: ShapeRule = (c) => {
  const axes = integers(c, 'axes', 1);
  const shape = c.shape(0);
  const count = axes === null ? lengthOf(c, 1) : null;
  if (shape && count !== null) return [tensor(c.dtype(0), unknowns(shape.length + count))];
  return [tensor(c.dtype(0), shape && axes ? unsqueezed(shape, axes) : null)];
};

const concat: ShapeRule = (c) => {
  const shapes = c.node.inputs.map((_, i) => c.shape(i));
  const first = shapes.find((s) => s !== null);
  const dtype = c.node.inputs.map((_, i) => c.dtype(i)).find((d) => d !== null) ?? null;
  if (!first) return [tensor(dtype, null)];
  const axis = axisOf(c, 1, first.length);
  return [
    tensor(
      dtype,
      first.map((_, i) => {
        const sizes = shapes.map((s) => {
          if (s && s.length !== first.length)
            throw shapeConflict(`ranks ${first.length} and ${s.length} differ`);
          return s ? s[i]! : null;
        });
        return i === axis ? sizes.reduce<Dim>(add, 0) : sizes.reduce<Dim>(unify, null);
      }),
    ),
  ];
};

const split: ShapeRule = (c) => {
  const shape = c.shape(0);
  const count = c.node.outputs.length;
  const dtype = c.dtype(0);
  if (!shape) return Array.from({ length: count }, () => tensor(dtype, null));
  const axis = axisOf(c, 0, shape.length);
  const sizes = intsAttribute(c.node, 'split') ?? c.data(1)?.values;
  const parts = intAttribute(c.node, 'num_outputs', count);
  const size = shape[axis]!;
  const chunk = divideCeil(size, parts);
  const given = c.has(1) || c.node.attributes.has('split');
  return Array.from({ length: count }, (_, i) => {
    const even = i < parts - 1 ? chunk : subtract(size, multiply(chunk, parts - 1));
    // Over a symbol the parts are equal wherever the runtime accepts the size at all.
    const part = typeof size === 'number' ? even : divideFloor(size, parts);
    return tensor(dtype, replaced(shape, axis, given ? (sizes?.[i] ?? null) : part));
  });
};

/** Elements that start:end:step takes of a size. Symbolic bounds are taken to lie inside where that can't be told. */
export function sliceLength(size: Dim, start: Dim, end: Dim, step: number): Dim {
  if (size === null || start === null || end === null || step === 0) return null;
  const from = clampBound(start, size, step);
  const to = clampBound(end, size, step);
  if (from === null || to === null) return null;
  const span = step > 0 ? subtract(to, from) : subtract(from, to);
  const count = divideCeil(span, Math.abs(step));
  return typeof count === 'number' ? Math.max(0, count) : count;
}

/** A bound counted from the front and kept inside the axis: [0, size], or [−1, size − 1] going backwards. */
function clampBound(bound: Dim, size: Dim, step: number): Dim {
  const most = step > 0 ? size : subtract(size, 1);
  const least = step > 0 ? 0 : -1;
  if (typeof bound === 'number' && Math.abs(bound) > 2 ** 31 - 2 ** 10) return bound > 0 ? most : least;
  const negative = compare(bound, 0) === -1;
  const at = negative ? add(bound, size) : bound;
  if (typeof at === 'number' && typeof most === 'number') return Math.min(Math.max(at, least), most);
  if (negative) return at;
  return at === 0 ? 0 : minimum(at, most);
}

const slice: ShapeRule = (c) => {
  const shape = c.shape(0);
  if (!shape) return [tensor(c.dtype(0), null)];
  const bounds = sliceBounds(c, shape.length);
  if (!bounds) return [tensor(c.dtype(0), unknowns(shape.length))];
  const out = [...shape];
  for (const b of bounds) out[b.axis] = sliceLength(shape[b.axis]!, b.start, b.end, b.step);
  return [tensor(c.dtype(0), out)];
};

/** Starts, ends, steps by axis, from attributes (opset < 10) or inputs; null when the axes or steps are unknown. */
export function sliceBounds(
  c: ShapeContext,
  rank: number,
): { axis: number; start: Dim; end: Dim; step: number }[] | null {
  const starts = intsAttribute(c.node, 'starts') ?? c.data(1)?.values;
  const ends = intsAttribute(c.node, 'ends') ?? c.data(2)?.values;
  const count = starts?.length ?? ends?.length ?? lengthOf(c, 1) ?? lengthOf(c, 2);
  const axes = integers(c, 'axes', 3);
  const steps = integers(c, 'steps', 4);
  if (count == null || axes === null || steps === null) return null;
  return Array.from({ length: count }, (_, i) => ({
    axis: normalAxis(axes?.[i] ?? i, rank),
    start: starts?.[i] ?? null,
    end: ends?.[i] ?? null,
    step: steps?.[i] ?? 1,
  }));
}

const gather: ShapeRule = (c) => {
  const [data, indices] = [c.shape(0), c.shape(1)];
  if (!data || !indices) return [tensor(c.dtype(0), null)];
  requireRank(data, 1, 'Gather');
  const axis = axisOf(c, 0, data.length);
  return [tensor(c.dtype(0), [...data.slice(0, axis), ...indices, ...data.slice(axis + 1)])];
};

const gatherND: ShapeRule = (c) => {
  const [data, indices] = [c.shape(0), c.shape(1)];
  const depth = indices?.[indices.length - 1];
  if (!data || !indices || typeof depth !== 'number') return [tensor(c.dtype(0), null)];
  const batch = intAttribute(c.node, 'batch_dims', 0);
  return [tensor(c.dtype(0), [...indices.slice(0, -1), ...data.slice(batch + depth)])];
};

const pad: ShapeRule = (c) => {
  const shape = c.shape(0);
  if (!shape) return [tensor(c.dtype(0), null)];
  const pads = intsAttribute(c.node, 'pads') ?? intsAttribute(c.node, 'paddings') ?? c.data(1)?.values;
  const axes = integers(c, 'axes', 3);
  if (!pads || axes === null) return [tensor(c.dtype(0), unknowns(shape.length))];
  const at = (axes ?? shape.map((_, i) => i)).map((a) => normalAxis(a, shape.length));
  if (pads.length !== 2 * at.length)
    throw shapeConflict(`${pads.length} pads for ${at.length} axes; two for each are needed`);
  const out: Dim[] = [...shape];
  at.forEach((axis, i) => {
    out[axis] = add(out[axis]!, add(pads[i]!, pads[i + at.length]!));
  });
  return [tensor(c.dtype(0), out)];
};

/** repeats; before opset 6 tiles and axis. */
const tile: ShapeRule = (c) => {
  const shape = c.shape(0);
  const repeats = c.has(2) ? tilesAlongAxis(c, shape) : c.data(1)?.values;
  return [tensor(c.dtype(0), shape?.map((d, i) => multiply(d, repeats?.[i] ?? null)) ?? null)];
};

function tilesAlongAxis(c: ShapeContext, shape: Shape | null): readonly Dim[] | undefined {
  const axis = c.data(2)?.values[0];
  return typeof axis === 'number'
    ? shape?.map((_, i) => (i === axis ? (c.data(1)?.values[0] ?? null) : 1))
    : undefined;
}

const expand: ShapeRule = (c) => {
  const target = c.data(1)?.values;
  const rank = lengthOf(c, 1);
  const shape = c.shape(0);
  if (target) return [tensor(c.dtype(0), broadcastShapes(shape, target))];
  return [tensor(c.dtype(0), rank === null || !shape ? null : unknowns(Math.max(rank, shape.length)))];
};

const topK: ShapeRule = (c) => {
  const shape = c.shape(0);
  if (!shape) return [tensor(c.dtype(0), null), tensor('int64', null)];
  const k = intAttribute(c.node, 'k') ?? c.data(1)?.values[0] ?? null;
  const out = replaced(shape, axisOf(c, -1, shape.length), k);
  return [tensor(c.dtype(0), out), tensor('int64', out)];
};

const oneHot: ShapeRule = (c) => {
  const shape = c.shape(0);
  if (!shape) return [tensor(c.dtype(2), null)];
  const axis = normalAxis(intAttribute(c.node, 'axis', -1), shape.length + 1);
  const depth = c.data(1)?.values[0] ?? null;
  return [tensor(c.dtype(2), [...shape.slice(0, axis), depth, ...shape.slice(axis)])];
};

const unique: ShapeRule = (c) => {
  const axis = intAttribute(c.node, 'axis');
  const shape = c.shape(0);
  const out = axis === undefined ? [null] : shape && replaced(shape, normalAxis(axis, shape.length), null);
  const inverse = axis === undefined ? shape && productOf(shape) : shape?.[normalAxis(axis, shape.length)];
  return [
    tensor(c.dtype(0), out),
    tensor('int64', [null]),
    tensor('int64', [inverse ?? null]),
    tensor('int64', [null]),
  ];
};

const compress: ShapeRule = (c) => {
  const shape = c.shape(0);
  const axis = intAttribute(c.node, 'axis');
  const chosen = c.data(1)?.values;
  const count = chosen?.every((v) => typeof v === 'number') ? chosen.filter((v) => v !== 0).length : null;
  if (axis === undefined) return [tensor(c.dtype(0), [count])];
  return [tensor(c.dtype(0), shape && replaced(shape, normalAxis(axis, shape.length), count))];
};

const centerCropPad: ShapeRule = (c) => {
  const shape = c.shape(0);
  const sizes = c.data(1)?.values;
  if (!shape) return [tensor(c.dtype(0), null)];
  const axes = intsAttribute(c.node, 'axes') ?? shape.map((_, i) => i);
  const out: Dim[] = [...shape];
  axes.forEach((a, i) => {
    out[normalAxis(a, shape.length)] = sizes?.[i] ?? null;
  });
  return [tensor(c.dtype(0), out)];
};

export const movementShapes: ShapeTable = {
  Reshape: reshape,
  Flatten: flatten,
  Transpose: transpose,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Concat: concat,
  Split: split,
  Slice: slice,
  Gather: gather,
  GatherElements: (c) => [tensor(c.dtype(0), c.shape(1))],
  GatherND: gatherND,
  Pad: pad,
  Tile: tile,
  Expand: expand,
  TopK: topK,
  OneHot: oneHot,
  Unique: unique,
  Compress: compress,
  CenterCropPad: centerCropPad,
  ReverseSequence: sameAsInput,
  Scatter: sameAsInput,
  ScatterElements: sameAsInput,
  ScatterND: sameAsInput,
  TensorScatter: sameAsInput,
  NonZero: (c) => [tensor('int64', [c.shape(0)?.length ?? null, null])],
  Shape: (c) => {
    const rank = c.shape(0)?.length;
    if (rank === undefined) return [tensor('int64', [null])];
    const inside = (a: number) => Math.min(Math.max(a < 0 ? a + rank : a, 0), rank);
    const [from, to] = [inside(intAttribute(c.node, 'start', 0)), inside(intAttribute(c.node, 'end', rank))];
    return [tensor('int64', [Math.max(0, to - from)])];
  },
  Size: () => [tensor('int64', [])],
  NonMaxSuppression: () => [tensor('int64', [null, 3])],
  'com.microsoft:Pad': pad,
  'com.microsoft:Unique': (c) => [
    tensor(c.dtype(0), [null]),
    tensor('int64', [c.shape(0)?.[0] ?? null]),
    tensor('int64', [null]),
  ],
};
