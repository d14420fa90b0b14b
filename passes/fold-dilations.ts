/** Makes a dilated Conv of one that runs on every b-th pixel at a time, as TensorFlow writes dilation (SpaceToBatchND,
 *  BatchToSpaceND): the pixels of a block are stacked along the batch, convolved, and put back in their places.
 *    Stack(z, b) = Reshape(Transpose(Reshape(z, [n, …s/b, b, …]), [places…, n, …]), [n·places, …s/b, …]),  z = x or Pad(x, p)
 *    Unstack(Conv(Stack(z, b), pads q, dilations d), b)   ⇒   Conv(x, pads p + b·q, dilations b·d)
 *  An output meets inputs that are b·d apart, all in one stacked picture; zeros around that are zeros b times as wide around
 *  the whole. Transposes to and from channels first may stand around the Conv, and an axis of 1 be put in for it, as
 *  TensorFlow does for signals. What is cropped behind it is left to fuse-crop.
 *  Left alone: strides over a blocked axis, blocks that differ before
 *  and after, sizes that are not known, auto_pad SAME (which depends on the size), an inner result that others read.
 *  Source: tensorflow python/ops/nn_ops.py (with_space_to_batch), ONNX Conv-11. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { intsAttribute } from '../src/model/ir/attribute.ts';
import { dtypeOf, type Node, shapeOf, type Value } from '../src/model/ir/model.ts';
import { tensorOf } from '../src/model/ir/tensor.ts';
import { type Shape, tensorType } from '../src/model/ir/type.ts';
import { transposePermutation } from '../src/model/ops/defaults.ts';
import { isSame } from '../src/model/ops/dims.ts';
import { applyRules } from '../src/model/rewrite/apply.ts';
import { explicitPads } from '../src/model/rewrite/arguments.ts';
import {
  type Blocks,
  isStackedAlike,
  permuted,
  seenAs,
  spread,
  spreadBlocks,
  stackedBlocks,
} from '../src/model/rewrite/blocks.ts';
import { allPads, padsZeros } from '../src/model/rewrite/pads.ts';
import { either, op, optional, value } from '../src/model/rewrite/pattern.ts';
import { knownTarget } from '../src/model/rewrite/reshape-target.ts';
import { defineRule, type Emit, skip } from '../src/model/rewrite/rule.ts';
import { withWindow } from '../src/model/rewrite/window.ts';

const x = value();
const pad = op('Pad', [x], { rest: true, shared: true });
const whole = value();
const split = op('Reshape', [either(pad, whole)], { rest: true });
const moved = op('Transpose', [split]);
const stacked = op('Reshape', [moved], { rest: true });
const first = op('Transpose', [stacked]);
const w = value();
const b = optional(value());
const conv = op('Conv', [either(first, stacked, moved), w, b]);
const last = op('Transpose', [conv]);
const splitAgain = op('Reshape', [either(last, conv)], { rest: true });
const movedBack = op('Transpose', [either(splitAgain, conv)]);

const dilate = defineRule({
  name: 'blocks-to-dilation',
  match: op('Reshape', [movedBack], { rest: true }),
  rewrite(m, emit) {
    const given = blocksBefore(m.get(split), m.get(moved), m.has(stacked) ? m.get(stacked) : null);
    const made = blocksBehind(m.has(splitAgain) ? m.get(splitAgain) : null, m.get(movedBack));
    if (!given || !made) return null;
    const perm = m.has(first) ? permOf(m.get(first)) : null;
    const back = m.has(last) ? permOf(m.get(last)) : null;
    const computed = perm ? permuted(given.seen, perm) : given.seen;
    if (!isStackedAlike(back ? permuted(computed, back) : computed, made)) return skip('other-blocks-behind');

    const padding = m.has(pad) ? foldablePads(m.get(pad), given.whole) : null;
    const attributes = dilated(m.get(conv), computed, padding?.pads ?? null);
    if (typeof attributes === 'string') return skip(attributes);
    const source = padding ? m.get(x) : m.get(split).inputs[0]!;
    const seen = asSeen(emit, source, padding ? padding.sizes : given.whole, given.seen);
    if (!seen) return skip('shape-unknown');
    const y = emit('Conv', [transposed(emit, seen, perm), m.get(w), m.get(b)], { attributes });
    const result = transposed(emit, y, back);
    result.type = tensorType(dtypeOf(seen)!, spread(made));
    const inOrder = transposed(emit, result, wholeOrder(made));
    return reshaped(emit, inOrder, shapeOf(m.root.outputs[0])) ?? skip('shape-unknown');
  },
});

/** None where it isn't known, which fits no blocks. */
const permOf = (node: Node) => transposePermutation(node) ?? [];

/** Blocks that are stacked, as the Conv sees them, and the sizes of what they are cut from.
 *  @param stacked  null for blocks of one axis of one picture, which need no joining: the batch is left out then */
function blocksBefore(split: Node, moved: Node, stacked: Node | null): { seen: Blocks; whole: Shape } | null {
  const [cut, shape] = [shapeOf(split.outputs[0]), shapeOf((stacked ?? moved).outputs[0])];
  if (!cut || !shape) return null;
  const perm = permOf(moved);
  const found = stacked
    ? stackedBlocks(cut, perm)
    : stackedBlocks([1, ...cut], [0, ...perm.map((axis) => axis + 1)]);
  for (const blocks of found) {
    const seen = seenAs(blocks, shape);
    const sizes = spread(blocks);
    if (seen) return { seen, whole: sizes.map((_, axis) => sizes[blocks.axes.indexOf(axis)]!) };
  }
  return null;
}

/** Blocks that are put back, as they come from the Conv. @param split  null where the batch is left out */
function blocksBehind(split: Node | null, moved: Node): Blocks | null {
  const [sizes, shape] = [shapeOf((split?.outputs ?? moved.inputs)[0]), shapeOf((split ?? moved).inputs[0])];
  if (!sizes || !shape) return null;
  const perm = permOf(moved);
  const found = split
    ? spreadBlocks(sizes, perm)
    : spreadBlocks([sizes[0]!, 1, ...sizes.slice(1)], [1, ...perm.map((axis) => axis && axis + 1)]);
  return found.flatMap((found) => seenAs(found, shape) ?? [])[0] ?? null;
}

/** The whole picture with its axes as the Conv sees those of the stacked one; null where no constant target says it. */
function asSeen(emit: Emit, source: Value, sizes: Shape, { axes }: Blocks): Value | null {
  const input = reshaped(emit, source, sizes);
  const inOrder =
    input &&
    transposed(
      emit,
      input,
      axes.filter((axis) => axis !== null),
    );
  const shape = axes.map((axis) => (axis === null ? 1 : sizes[axis]!));
  return inOrder && reshaped(emit, inOrder, shape);
}

/** The axes in the order of the whole picture. Those of 1 that were put in go last, or stay where nothing else moves. */
function wholeOrder({ axes }: Blocks): number[] | null {
  const own = axes.filter((axis) => axis !== null);
  if (own.every((axis, i) => i === 0 || axis > own[i - 1]!)) return null;
  const order = axes.map((axis, i) => ({ axis: axis ?? axes.length, i }));
  return order.sort((p, q) => p.axis - q.axis).map(({ i }) => i);
}

/** Zeros around the spatial axes, and what they are put around, by axis of the whole picture, which may have axes of 1 that the
 *  padded one has not; null for any other padding. */
function foldablePads(pad: Node, whole: Shape): { pads: number[]; sizes: Shape } | null {
  const [sizes, padded] = [shapeOf(pad.inputs[0]), shapeOf(pad.outputs[0])];
  const pads = padded && padsZeros(pad) ? allPads(pad, padded.length) : null;
  if (!sizes || !padded || !pads?.every((p) => p >= 0)) return null;
  const places: (number | null)[] = [];
  let at = 0;
  for (const size of whole) {
    const isOwn = at < padded.length && isSame(size, padded[at]!);
    if (!isOwn && size !== 1) return null;
    places.push(isOwn ? at++ : null);
  }
  if (at < padded.length) return null;
  const spreadOver = (list: readonly number[]) => places.map((place) => (place === null ? 0 : list[place]!));
  return {
    pads: [...spreadOver(pads.slice(0, at)), ...spreadOver(pads.slice(at))],
    sizes: places.map((place) => (place === null ? 1 : sizes[place]!)),
  };
}

/** Attributes of the Conv on the whole picture, or the reason why there is none. Blocks as its input has them. */
function dilated(conv: Node, { blocks, axes }: Blocks, pads: readonly number[] | null) {
  const spatial = blocks.length - 2;
  const own = explicitPads(conv, spatial);
  if (!own) return 'auto-pad';
  const added = [0, 1].flatMap((end) =>
    axes.map((axis) => (axis === null ? 0 : (pads?.[axis + (end * pads.length) / 2] ?? 0))),
  );
  if (axes[0] !== 0 || blocks[1] !== 1) return 'blocks-of-channels';
  if ([0, 1].some((i) => added[i] !== 0 || added[i + blocks.length] !== 0)) return 'pads-batch-or-channels';
  const ones = new Array<number>(spatial).fill(1);
  const strides = intsAttribute(conv, 'strides', ones);
  if (strides.some((s, i) => s !== 1 && blocks[i + 2] !== 1)) return 'strided';
  const dilations = intsAttribute(conv, 'dilations', ones).map((d, i) => d * blocks[i + 2]!);
  const joined = own.map((p, i) => {
    const axis = (i % spatial) + 2;
    return p * blocks[axis]! + added[axis + (i < spatial ? 0 : blocks.length)]!;
  });
  return withWindow(conv, { dilations, pads: joined });
}

/** The value itself where nothing moves. */
function transposed(emit: Emit, v: Value, perm: number[] | null): Value {
  const shape = shapeOf(v);
  if (!perm || perm.every((axis, i) => axis === i)) return v;
  const dtype = dtypeOf(v);
  const type =
    dtype && shape
      ? tensorType(
          dtype,
          perm.map((axis) => shape[axis]!),
        )
      : null;
  return emit('Transpose', [v], { attributes: { perm }, type });
}

/** The value itself where it has that shape; null where no constant target says it. */
function reshaped(emit: Emit, v: Value, to: Shape | null): Value | null {
  const from = shapeOf(v);
  if (from && to && from.length === to.length && from.every((d, i) => isSame(d, to[i]!))) return v;
  const target = knownTarget(from, to);
  if (!target) return null;
  return emit('Reshape', [v, tensorOf('int64', [target.length], target)], {
    type: tensorType(dtypeOf(v)!, to),
  });
}

export const foldDilations = definePass({
  name: 'fold-dilations',
  summary: 'Makes a dilated convolution of one that runs on every few pixels at a time',
  effect: 'exact',
  describe: counted('convolution dilated', 'convolutions dilated'),
  prominence: 60,
  // Other kernels may sum in another order.
  tolerance: 1e-5,
  options: z.strictObject({}),
  apply: (model) => applyRules(model, [dilate]),
});
