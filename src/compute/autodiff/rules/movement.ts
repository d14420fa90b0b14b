/** Operators that move, repeat or leave out whole blocks: their gradients move back, sum up or fill in zeros. */
import { intAttribute, intsAttribute, textAttribute } from '../../../model/ir/attribute.ts';
import type { Value } from '../../../model/ir/model.ts';
import { elementCount } from '../../../model/ir/tensor.ts';
import { transposePermutation } from '../../../model/ops/defaults.ts';
import type { GradientRule, GradientTable, RuleContext } from '../rule.ts';
import { padMap, placeMap } from './axis-map.ts';
import { around, axisAttribute, constantInput, dimsOf, fromFront, incoming, refused } from './pieces.ts';

/** Same elements in the same order. */
const relabelled: GradientRule = (c) => [c.reshape(incoming(c), dimsOf(c))];

const transpose: GradientRule = (c) => {
  const perm = transposePermutation(c.node, dimsOf(c).length) ?? [];
  const back = perm.map((_, i) => perm.indexOf(i));
  return [c.transpose(incoming(c), back)];
};

/** One axis at a time: [repeats, size] is summed over the first. */
const tile: GradientRule = (c) => {
  const dims = dimsOf(c);
  let g = incoming(c);
  dims.forEach((size, axis) => {
    const have = c.dims(g);
    const [before, all, after] = around(have, axis);
    if (all === size) return;
    const blocks = c.reshape(g, [before, all / size, size * after]);
    const summed = c.op('ReduceSum', [blocks, c.ints([1])], { keepdims: 0 });
    g = c.reshape(
      summed,
      have.map((d, i) => (i === axis ? size : d)),
    );
  });
  return [g];
};

const concat: GradientRule = (c) => {
  const axis = axisAttribute(c, 1);
  const sizes = c.node.inputs.map((_, i) => dimsOf(c, i)[axis] ?? 0);
  const wanted = sizes.map((_, i) => c.wants(i));
  if (wanted.filter(Boolean).length > 1) {
    const parts = c.ops('Split', [incoming(c), c.ints(sizes)], sizes.length, { axis });
    return parts.map((p, i) => (wanted[i] ? p : null));
  }
  let start = 0;
  return sizes.map((size, i) => {
    const from = start;
    start += size;
    return wanted[i] ? sliced(c, incoming(c), [axis], [from], [from + size]) : null;
  });
};

const sliced = (
  c: RuleContext,
  v: Value,
  axes: readonly number[],
  starts: readonly number[],
  ends: readonly number[],
) => c.op('Slice', [v, c.ints(starts), c.ints(ends), c.ints(axes)]);

const split: GradientRule = (c) => {
  const parts = c.node.outputs.flatMap((v, i) => (v ? [c.gradient(i) ?? c.full(c.dims(v), 0)] : []));
  if (parts.length < c.node.outputs.length)
    throw refused(c, 'every part needs a name, so that its size is known');
  return [c.op('Concat', parts, { axis: axisAttribute(c, 0) })];
};

/** Zero-pads, or crops where a pad is negative. */
function padded(c: RuleContext, v: Value, begin: readonly number[], end: readonly number[]): Value {
  if ([...begin, ...end].every((p) => p === 0)) return v;
  if ([...begin, ...end].every((p) => p <= 0)) {
    const dims = c.dims(v);
    const axes = dims.flatMap((_, i) => (begin[i] || end[i] ? [i] : []));
    return sliced(
      c,
      v,
      axes,
      axes.map((i) => -(begin[i] ?? 0)),
      axes.map((i) => (dims[i] ?? 0) + (end[i] ?? 0)),
    );
  }
  return c.op('Pad', [v, c.ints([...begin, ...end])]);
}

/** Puts the gradient at every step-th position between zeros. A backward slice is turned round first. */
const slice: GradientRule = (c) => {
  const dims = dimsOf(c);
  const starts = intsAttribute(c.node, 'starts') ?? constantInput(c, 1, 'starts') ?? [];
  const axes = intsAttribute(c.node, 'axes') ?? constantInput(c, 3, 'axes') ?? starts.map((_, i) => i);
  const steps = constantInput(c, 4, 'steps') ?? starts.map(() => 1);
  const have = c.dims(c.output(0));
  if (elementCount(have) === 0) return [c.full(dims, 0)];
  let g = incoming(c);
  const begin = dims.map(() => 0);
  const end = dims.map(() => 0);
  const turned: number[] = [];
  starts.forEach((given, k) => {
    const axis = fromFront(axes[k] ?? k, dims.length);
    const [size = 0, count = 0, step = 1] = [dims[axis], have[axis], steps[k]];
    const start = Math.min(Math.max(fromFront(given, size), 0), step < 0 ? size - 1 : size);
    const every = Math.abs(step);
    const first = step < 0 ? start + (count - 1) * step : start;
    if (step < 0) turned.push(axis);
    const [before, , after] = around(c.dims(g), axis);
    if (every > 1) {
      const apart = c.op('Pad', [
        c.reshape(g, [before * count, 1, after]),
        c.ints([0, 0, 0, 0, every - 1, 0]),
      ]);
      g = c.reshape(
        apart,
        c.dims(g).map((d, i) => (i === axis ? count * every : d)),
      );
      // The zeros come after each element; turned round they must come before it.
      if (step < 0) {
        begin[axis] = first - (every - 1);
        end[axis] = size - first - count * every + (every - 1);
        return;
      }
    }
    begin[axis] = first;
    end[axis] = size - first - count * every;
  });
  return [padded(c, reversed(c, g, turned), begin, end)];
};

function reversed(c: RuleContext, v: Value, axes: readonly number[]): Value {
  if (axes.length === 0) return v;
  const all = (n: number) => c.ints(axes.map(() => n));
  return c.op('Slice', [v, all(-1), all(-(2 ** 31) + 1), c.ints(axes), all(-1)]);
}

/** Constant padding is cropped away; what the other modes repeated is added to where it came from. */
const pad: GradientRule = (c) => {
  const dims = dimsOf(c);
  const mode = textAttribute(c.node, 'mode', 'constant');
  const pads = intsAttribute(c.node, 'pads') ?? constantInput(c, 1, 'pads') ?? [];
  const axes = (constantInput(c, 3, 'axes') ?? dims.map((_, i) => i)).map((a) => fromFront(a, dims.length));
  const begin = dims.map(() => 0);
  const end = dims.map(() => 0);
  axes.forEach((axis, i) => {
    begin[axis] = pads[i] ?? 0;
    end[axis] = pads[i + axes.length] ?? 0;
  });
  let g = incoming(c);
  if (mode === 'constant') {
    const negative = (list: readonly number[]) => list.map((p) => -p);
    const inner = padded(c, g, negative(begin), negative(end));
    if (!c.wants(2)) return [inner];
    const all = (v: Value) => c.op('ReduceSum', [v], { keepdims: 0 });
    return [inner, null, c.reshape(c.op('Sub', [all(g), all(inner)]), dimsOf(c, 2))];
  }
  dims.forEach((size, axis) => {
    const [b = 0, e = 0] = [begin[axis], end[axis]];
    if (b || e) g = placeMap(c, g, axis, padMap(mode, size, b, e), size);
  });
  return [g];
};

/** DCR keeps the block before the channels, CRD after them. */
const depthToSpace: GradientRule = (c) => {
  const blocksize = intAttribute(c.node, 'blocksize', 1);
  if (textAttribute(c.node, 'mode', 'DCR') === 'DCR')
    return [c.op('SpaceToDepth', [incoming(c)], { blocksize })];
  const [n = 1, channels = 1, h = 1, w = 1] = dimsOf(c);
  const rows = c.reshape(incoming(c), [n, channels / blocksize ** 2, h, blocksize, w, blocksize]);
  return [c.reshape(c.transpose(rows, [0, 1, 3, 5, 2, 4]), [n, channels, h, w])];
};

const trilu: GradientRule = (c) => {
  const k = c.node.inputs[1] ?? null;
  return [c.op('Trilu', [incoming(c), k], { upper: intAttribute(c.node, 'upper', 1) })];
};

export const movement: GradientTable = {
  Reshape: relabelled,
  Flatten: relabelled,
  Squeeze: relabelled,
  Unsqueeze: relabelled,
  Transpose: transpose,
  Expand: (c) => [c.sumTo(incoming(c), dimsOf(c))],
  Tile: tile,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  DepthToSpace: depthToSpace,
  SpaceToDepth: (c) => [
    c.op('DepthToSpace', [incoming(c)], { blocksize: intAttribute(c.node, 'blocksize', 1), mode: 'DCR' }),
  ],
  Trilu: trilu,
};
