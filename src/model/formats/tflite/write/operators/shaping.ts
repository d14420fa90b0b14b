/** Operators that say in which shape elements stand, and join and split tensors. */
import { intAttribute, intsAttribute } from '../../../../ir/attribute.ts';
import { type Node, shapeOf } from '../../../../ir/model.ts';
import { transposePermutation } from '../../../../ops/defaults.ts';
import { normalAxis } from '../../../../rewrite/arguments.ts';
import {
  type Emitter,
  type LiteRow,
  type LiteRows,
  numbersAt,
  refuse,
  reshaped,
  shapeAt,
  shaped,
} from '../emitter.ts';
import type { LiteTensor } from '../graph.ts';

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

export const axesOf = (node: Node, rank: number): number[] | undefined =>
  (intsAttribute(node, 'axes') ?? numbersAt(node, 1, 'list of axes'))?.map((axis) => normalAxis(axis, rank));

export const shaping: LiteRows = {
  Reshape: reshape,
  Flatten: reshape,
  Squeeze: reshape,
  Unsqueeze: reshape,
  Identity: identity,
  Dropout: identity,
  Transpose: transpose,
  Concat: joined,
  Split: split,
};
