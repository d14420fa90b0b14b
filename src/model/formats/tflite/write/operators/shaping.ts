/** Operators that say in which shape elements stand, and join and split tensors. */
import { intAttribute } from '../../../../ir/attribute.ts';
import { shapeOf } from '../../../../ir/model.ts';
import { elementCount } from '../../../../ir/tensor.ts';
import { transposePermutation } from '../../../../ops/defaults.ts';
import { normalAxis, scalarOf } from '../../../../rewrite/arguments.ts';
import { type Emitter, type LiteRow, type LiteRows, refuse, reshaped, shapeAt, shaped } from '../emitter.ts';
import type { LiteTensor } from '../graph.ts';
import { widened } from './broadcasting.ts';

const moves = { kind: 'moves' } as const;

/** The sizes of the result are known: what it was computed from doesn't matter. */
const reshape: LiteRow = {
  integers: moves,
  emit: (node, e) => reshaped(e, e.input(node, 0), e.result().shape),
};

const identity: LiteRow = { integers: moves, emit: (node, e) => e.input(node, 0) };

/** Axis i of the result is axis order[i] of x. */
export function transposed(e: Emitter, x: LiteTensor, order: readonly number[]): LiteTensor {
  if (order.every((from, to) => from === to)) return x;
  const shape = order.map((from) => x.shape[from]!);
  return e.op('TRANSPOSE', [x, e.int(order)], shaped(x, shape), ['TransposeOptions', {}]);
}

const transpose: LiteRow = {
  integers: moves,
  emit: (node, e) => transposed(e, e.input(node, 0), transposePermutation(node, shapeAt(node, 0).length)!),
};

export const concat = (
  e: Emitter,
  parts: readonly LiteTensor[],
  axis: number,
  shape: readonly number[],
): LiteTensor =>
  parts.length === 1
    ? parts[0]!
    : e.op('CONCATENATION', parts, shaped(parts[0]!, shape), [
        'ConcatenationOptions',
        { axis, fusedActivationFunction: 0 },
      ]);

const joined: LiteRow = {
  integers: { kind: 'moves', data: () => 'all' },
  emit(node, e) {
    const { shape } = e.result();
    const parts = node.inputs.map((_, i) => e.input(node, i)).filter((t) => !t.shape.includes(0));
    return concat(e, parts, normalAxis(intAttribute(node, 'axis', 0), shape.length), shape);
  },
};

const split: LiteRow = {
  integers: moves,
  emit(node, e) {
    const shape = shapeAt(node, 0);
    const axis = normalAxis(intAttribute(node, 'axis', 0), shape.length);
    const sizes = node.outputs.map((v) => {
      const size = shapeOf(v)?.[axis];
      return typeof size === 'number' ? size : refuse(node, 'the sizes that it splits into are not known');
    });
    const types = sizes.map((size) => shaped(e.input(node, 0), shape.with(axis, size)));
    return e.ops('SPLIT_V', [e.input(node, 0), e.int(sizes), e.int(axis)], types, [
      'SplitVOptions',
      { numSplits: sizes.length },
    ]);
  },
};

/** Expand broadcasts both ways: the result's sizes are known. */
const expand: LiteRow = { emit: (node, e) => widened(e, e.input(node, 0), e.result().shape) };

const tile: LiteRow = {
  integers: moves,
  emit(node, e) {
    const x = e.input(node, 0);
    const { shape } = e.result();
    const times = e.int(shape.map((d, axis) => (x.shape[axis] === 0 ? 0 : d / x.shape[axis]!)));
    return e.op('TILE', [x, times], shaped(x, shape), ['TileOptions', {}]);
  },
};

/** Outputs beyond the first exist in training. */
const dropout: LiteRow = {
  integers: moves,
  emit(node, e) {
    if (node.outputs[1]?.uses.length) return refuse(node, 'its mask is read');
    const training = node.inputs[2];
    if (training && scalarOf(training) !== 0) return refuse(node, 'it may run in training mode');
    return [e.input(node, 0), null];
  },
};

/** Sizes are known. */
const shape: LiteRow = {
  emit(node, e) {
    const dims = shapeAt(node, 0);
    return e.int(dims.slice(intAttribute(node, 'start', 0), intAttribute(node, 'end', dims.length)));
  },
};

export const shaping: LiteRows = {
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Identity: identity,
  Dropout: dropout,
  Expand: expand,
  Tile: tile,
  Shape: shape,
  Size: { emit: (node, e) => e.int(elementCount(shapeAt(node, 0))) },
  Transpose: transpose,
  Concat: joined,
  Split: split,
};
