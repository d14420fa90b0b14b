/** Lets a Conv pad less where the outputs over the padding are cut off again, as behind causal convolutions and dilations.
 *    Slice(Conv(x, pads p, strides t), without the first i and the last j)   ⇒   Conv(x, pads p − t·(i, j))
 *  A Transpose may stand between.
 *  Left alone: a Slice that cuts more than is padded, that takes batches or channels, in steps or backwards, or whose
 *  numbers are known only at run time; auto_pad; a Conv that others read.
 *  Source: ONNX Slice-13, Conv-11. */
import { z } from 'zod';
import { counted, definePass } from '../src/compress/pipeline/pass.ts';
import { intsAttribute } from '../src/model/ir/attribute.ts';
import { type Node, shapeOf } from '../src/model/ir/model.ts';
import { transposePermutation } from '../src/model/ops/defaults.ts';
import { applyRules } from '../src/model/rewrite/apply.ts';
import { explicitPads, intsArgument, normalAxis } from '../src/model/rewrite/arguments.ts';
import { either, op, optional, value } from '../src/model/rewrite/pattern.ts';
import { defineRule } from '../src/model/rewrite/rule.ts';
import { withWindow } from '../src/model/rewrite/window.ts';

const x = value();
const w = value();
const b = optional(value());
const conv = op('Conv', [x, w, b], { shared: true });
const last = op('Transpose', [conv], { shared: true });

const crop = defineRule({
  name: 'crop-into-conv',
  match: op('Slice', [either(last, conv)], { rest: true }),
  rewrite(m, emit) {
    const cropped = m.get(conv);
    const between = m.has(last) ? [m.get(last)] : [];
    if ([cropped, ...between].some((node) => node.outputs[0]!.uses.length > 1)) return null;
    const cut = cropOf(m.root);
    if (!cut) return null;
    const perm = m.has(last) ? transposePermutation(m.get(last)) : cut.map((_, i) => i);
    const pads = perm && shrunk(cropped, cut, perm);
    if (!pads) return null;
    const y = emit('Conv', [m.get(x), m.get(w), m.get(b)], { attributes: withWindow(cropped, { pads }) });
    return m.has(last) ? emit('Transpose', [y], { attributes: { perm } }) : y;
  },
});

/** The pads of a Conv without what is cut off by axis behind the Transpose `perm`; null where it isn't padding alone. */
function shrunk(conv: Node, cut: readonly (readonly [number, number])[], perm: readonly number[]) {
  const spatial = perm.length - 2;
  const strides = intsAttribute(conv, 'strides', new Array<number>(spatial).fill(1));
  const pads = explicitPads(conv, spatial);
  for (const [i, ends] of cut.entries()) {
    const axis = perm[i]! - 2;
    for (const [end, n] of ends.entries()) {
      if (n === 0) continue;
      if (axis < 0 || !pads) return null;
      pads[axis + end * spatial]! -= n * strides[axis]!;
    }
  }
  return pads?.every((p) => p >= 0) ? pads : null;
}

/** How many elements a Slice takes away before and behind, by axis; null when it does anything else, or that isn't known. */
function cropOf(slice: Node): [number, number][] | null {
  const shape = shapeOf(slice.inputs[0]);
  const [starts, ends, axes, steps] = ['starts', 'ends', 'axes', 'steps'].map((name, i) =>
    intsArgument(slice, name, i + 1),
  );
  if (!shape || !starts || !ends || axes === null || steps === null || steps?.some((s) => s !== 1))
    return null;
  const cut = shape.map((): [number, number] => [0, 0]);
  for (const [i, start] of starts.entries()) {
    const axis = normalAxis(axes?.[i] ?? i, shape.length);
    const size = shape[axis] ?? null;
    const end = ends[i]!;
    const behind =
      end < 0 ? -end : typeof size === 'number' ? Math.max(size - end, 0) : end >= 2 ** 31 - 1 ? 0 : null;
    const before = start >= 0 ? start : typeof size === 'number' ? Math.max(start + size, 0) : null;
    if (before === null || behind === null) return null;
    if (typeof size === 'number' && before + behind >= size) return null;
    cut[axis] = [before, behind];
  }
  return cut;
}

export const fuseCrop = definePass({
  name: 'fuse-crop',
  summary: 'Lets a convolution pad less where what lies over the padding is cut off again',
  effect: 'exact',
  describe: counted('crop folded', 'crops folded'),
  prominence: 60,
  // Other kernels may sum in another order when they pad differently.
  tolerance: 1e-5,
  options: z.strictObject({}),
  apply: (model) => applyRules(model, [crop]),
});
