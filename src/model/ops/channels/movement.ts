/** Operators that move elements without computing: where each index comes from. */
import { intAttribute, intsAttribute } from '../../ir/attribute.ts';
import { setAttribute, setInput } from '../../ir/edit.ts';
import type { Value } from '../../ir/model.ts';
import { numbers } from '../../ir/tensor.ts';
import type { Shape } from '../../ir/type.ts';
import { transposePermutation } from '../defaults.ts';
import { isSame, productOf } from '../dims.ts';
import { constantTensor, integerConstant } from './constant.ts';
import {
  broadcastAxes,
  type ChannelRule,
  type ChannelTable,
  keptWithin,
  type LinkContext,
  normal,
  pinNode,
  sameAxes,
} from './rule.ts';
import { linkSizes, sizeOnlyShapes } from './shape-operand.ts';

/** Runs of axes of two shapes that hold the same elements; axes of 1 belong to none. What can't be told apart is one
 *  run with `unclear`. */
export function matchAxes(a: Shape, b: Shape): { a: number[]; b: number[]; unclear?: boolean }[] {
  const wide = (s: Shape) => s.flatMap((d, i) => (d === 1 ? [] : [i]));
  const [x, y] = [wide(a), wide(b)];
  const front: { a: number[]; b: number[] }[] = [];
  const back: typeof front = [];
  const match = (end: boolean) => {
    for (let total = 2; total <= x.length + y.length; total++)
      for (let n = Math.max(1, total - y.length); n < total && n <= x.length; n++) {
        const m = total - n;
        const [s, t] = end ? [x.slice(x.length - n), y.slice(y.length - m)] : [x.slice(0, n), y.slice(0, m)];
        if (!isSame(productOf(s.map((i) => a[i]!)), productOf(t.map((i) => b[i]!)))) continue;
        if (end) [x.length, y.length] = [x.length - n, y.length - m];
        else
          for (const [list, count] of [
            [x, n],
            [y, m],
          ] as const)
            list.splice(0, count);
        return { a: s, b: t };
      }
    return null;
  };
  for (let run = match(false); run; run = match(false)) front.push(run);
  for (let run = match(true); run; run = match(true)) back.unshift(run);
  const rest = x.length > 0 || y.length > 0 ? [{ a: x, b: y, unclear: true }] : [];
  return [...front, ...rest, ...back];
}

function linkReshape(c: LinkContext): boolean {
  const [x] = c.node.inputs;
  const [y] = c.node.outputs;
  const [from, to] = [c.shape(x), c.shape(y)];
  if (!x || !y || !from || !to) {
    pinNode(c, 'shape-unknown');
    return false;
  }
  // An axis of 1 that comes or goes, as behind a Split into query, key and value, holds an index that must stay.
  for (const v of [x, y])
    for (const [axis, size] of c.shape(v)!.entries()) if (size === 1) c.pin(v, axis, 'only-index-of-an-axis');
  for (const run of matchAxes(from, to)) {
    const parts = (v: Value, axes: number[]) => axes.map((axis) => ({ value: v, axis }));
    const [left, right] = [parts(x, run.a), parts(y, run.b)];
    if (!run.unclear && left.length === 1 && right.length === 1) c.same(x, run.a[0]!, y, run.b[0]!);
    else if (!run.unclear && left.length === 1) c.merge(left[0]!, right, true);
    else if (!run.unclear && right.length === 1) c.merge(right[0]!, left, false);
    else for (const p of [...left, ...right]) c.pin(p.value, p.axis, 'reshape-mixes-axes');
  }
  return true;
}

/** The attribute `shape` of opset 1 is not rewritten. */
const reshape: ChannelRule = (c) => {
  if (!linkReshape(c)) return;
  if (c.node.inputs[1]) linkSizes(c);
  else c.pinAll(c.node.outputs[0], 'shape-in-an-attribute');
};

const transpose: ChannelRule = (c) => {
  const [x] = c.node.inputs;
  const [y] = c.node.outputs;
  const order = transposePermutation(c.node, c.shape(x)?.length);
  if (!x || !y || !order) return pinNode(c, 'shape-unknown');
  for (const [axis, from] of order.entries()) c.same(x, from, y, axis);
};

const concat: ChannelRule = (c) => {
  const [y] = c.node.outputs;
  const shape = c.shape(y);
  if (!y || !shape) return pinNode(c, 'shape-unknown');
  const joined = normal(intAttribute(c.node, 'axis', 1), shape.length);
  let offset = 0;
  let known = typeof shape[joined] === 'number';
  for (const v of c.node.inputs) {
    const part = c.shape(v);
    if (!v || !part || part.length !== shape.length) return pinNode(c, 'shape-unknown');
    part.forEach((size, axis) => {
      if (axis !== joined) c.same(v, axis, y, axis);
      else if (known && typeof size === 'number') {
        for (let i = 0; i < size; i++) c.link(v, axis, i, y, axis, offset + i);
        offset += size;
      } else known = false;
    });
  }
  if (!known) for (const v of [y, ...c.node.inputs]) c.pin(v, joined, 'size-unknown-beside-it');
};

/** Sizes are written out when parts shrink: equal parts need not stay equal. */
const split: ChannelRule = (c) => {
  const [x] = c.node.inputs;
  const shape = c.shape(x);
  if (!x || !shape) return pinNode(c, 'shape-unknown');
  const axis = normal(intAttribute(c.node, 'axis', 0), shape.length);
  let offset = 0;
  for (const y of c.node.outputs) {
    const size = c.shape(y)?.[axis];
    if (!y || typeof size !== 'number') {
      for (const v of [x, ...c.node.outputs]) c.pin(v, axis, 'size-unknown-beside-it');
      break;
    }
    for (let i = 0; i < size; i++) c.link(x, axis, offset + i, y, axis, i);
    offset += size;
  }
  for (const y of c.node.outputs)
    if (y) for (let i = 0; i < shape.length; i++) if (i !== axis) c.same(x, i, y, i);
  c.onShrink((kept) => {
    if (!kept.changed(x, axis)) return;
    const sizes = c.node.outputs.map((y) => kept.size(y!, axis) as number);
    setAttribute(c.node, 'num_outputs', undefined);
    if (c.opset < 13) setAttribute(c.node, 'split', sizes);
    else replaceInput(c, 1, sizes);
  });
};

/** A new small integer constant as input `index`. */
function replaceInput(
  c: LinkContext,
  index: number,
  values: readonly number[],
  dtype: 'int64' | 'int32' = 'int64',
) {
  const base = c.node.inputs[index]?.name ?? `${c.node.name || c.node.outputs[0]!.name}/sizes`;
  setInput(c.node, index, integerConstant(c.node.graph, base, values, dtype));
}

/** Integers from an attribute (older opsets) or a constant input; null when computed, undefined when absent. */
function listed(c: LinkContext, name: string, index: number): number[] | null | undefined {
  const attribute = intsAttribute(c.node, name);
  if (attribute) return attribute;
  if (!c.node.inputs[index]) return undefined;
  const constant = constantTensor(c.node.inputs[index]);
  return constant ? numbers(constant) : null;
}

const slice: ChannelRule = (c) => {
  const [x] = c.node.inputs;
  const [y] = c.node.outputs;
  const shape = c.shape(x);
  if (!x || !y || !shape) return pinNode(c, 'shape-unknown');
  const starts = listed(c, 'starts', 1);
  const ends = listed(c, 'ends', 2);
  const axes = listed(c, 'axes', 3) ?? (c.node.inputs[3] ? null : starts?.map((_, i) => i));
  const steps = listed(c, 'steps', 4) ?? (c.node.inputs[4] ? null : starts?.map(() => 1));
  const places =
    axes?.map((a) => normal(a, shape.length)) ?? (c.data(c.node.inputs[3])?.values as number[] | undefined);
  if (!starts || !ends || !axes || !steps) {
    // Which axes are cut may be known where the limits aren't.
    const cut = places?.every((a) => typeof a === 'number')
      ? places.map((a) => normal(a, shape.length))
      : null;
    if (!cut) return pinNode(c, 'limits-computed-at-run-time');
    shape.forEach((_, axis) => {
      if (!cut.includes(axis)) c.same(x, axis, y, axis);
      else for (const v of [x, y]) c.pin(v, axis, 'limits-computed-at-run-time');
    });
    return;
  }
  const rewrites: { at: number; axis: number; from: number; to: number }[] = [];
  shape.forEach((size, axis) => {
    const at = places!.indexOf(axis);
    if (at < 0) {
      c.same(x, axis, y, axis);
      return;
    }
    if (typeof size !== 'number' || steps[at] !== 1) {
      for (const v of [x, y])
        c.pin(v, axis, typeof size === 'number' ? 'sliced-with-a-step' : 'size-unknown-beside-it');
      return;
    }
    const bound = (i: number) => Math.min(size, Math.max(0, i < 0 ? i + size : i));
    const [from, to] = [bound(starts[at]!), bound(ends[at]!)];
    for (let i = from; i < to; i++) c.link(x, axis, i, y, axis, i - from);
    rewrites.push({ at, axis, from, to });
  });
  c.onShrink((kept) => {
    const changed = rewrites.filter((r) => kept.changed(x, r.axis));
    if (changed.length === 0) return;
    const [newStarts, newEnds] = [[...starts], [...ends]];
    for (const { at, axis, from, to } of changed) {
      newStarts[at] = keptWithin(kept, x, axis, 0, from);
      newEnds[at] = newStarts[at]! + keptWithin(kept, x, axis, from, to);
    }
    writeList(c, 'starts', 1, newStarts);
    writeList(c, 'ends', 2, newEnds);
  });
};

function writeList(c: LinkContext, name: string, index: number, values: readonly number[]): void {
  if (c.node.attributes.has(name)) setAttribute(c.node, name, values);
  else
    replaceInput(
      c,
      index,
      values,
      constantTensor(c.node.inputs[index])?.dtype === 'int32' ? 'int32' : 'int64',
    );
}

/** Channels that a Pad makes are of its own: they go when those go that they are added to. */
const pad: ChannelRule = (c) => {
  const [x] = c.node.inputs;
  const [y] = c.node.outputs;
  const [from, to] = [c.shape(x), c.shape(y)];
  if (!x || !y || !from || !to) return pinNode(c, 'shape-unknown');
  const rank = from.length;
  const pads = listed(c, 'pads', 1) ?? listed(c, 'paddings', 1);
  const given = c.node.inputs[3];
  const picked = given ? constantTensor(given) : null;
  if (!pads || (given && !picked)) return pinNode(c, 'pads-computed-at-run-time');
  const axes = picked ? numbers(picked).map((a) => normal(a, rank)) : from.map((_, i) => i);
  const count = axes.length;
  const mode = c.node.attributes.get('mode');
  const constant =
    mode === undefined || (mode.type === 'string' && new TextDecoder().decode(mode.value) === 'constant');
  const padded: { at: number; axis: number }[] = [];
  from.forEach((size, axis) => {
    const at = axes.indexOf(axis);
    const [before, after] = at < 0 ? [0, 0] : [pads[at]!, pads[at + count]!];
    if (before === 0 && after === 0) {
      c.same(x, axis, y, axis);
      return;
    }
    if (typeof size !== 'number' || before < 0 || after < 0 || !constant) {
      for (const v of [x, y]) c.pin(v, axis, constant ? 'padded' : 'padded-by-its-own-elements');
      return;
    }
    for (let i = 0; i < size; i++) c.link(x, axis, i, y, axis, i + before);
    padded.push({ at, axis });
  });
  c.onShrink((kept) => {
    const changed = padded.filter(({ axis }) => kept.changed(y, axis));
    if (changed.length === 0) return;
    const next = [...pads];
    for (const { at, axis } of changed) {
      const size = from[axis] as number;
      const [before, after] = [pads[at]!, pads[at + count]!];
      next[at] = keptWithin(kept, y, axis, 0, before);
      next[at + count] = keptWithin(kept, y, axis, before + size, before + size + after);
    }
    writeList(c, 'pads', 1, next);
  });
};

/** Rows or elements chosen by indices. With constant ones along a channel axis the indices are renumbered. */
const gather: ChannelRule = (c) => {
  const [x, indices] = c.node.inputs;
  const [y] = c.node.outputs;
  const [from, chosen] = [c.shape(x), c.shape(indices)];
  if (!x || !y || !indices || !from || !chosen) return pinNode(c, 'shape-unknown');
  const axis = normal(intAttribute(c.node, 'axis', 0), from.length);
  from.forEach((_, i) => {
    if (i !== axis) c.same(x, i, y, i < axis ? i : i + chosen.length - 1);
  });
  if (constantTensor(x) && from.length === 2 && axis === 0) c.role(x, 1, 'out');
  const constant = constantTensor(indices);
  const size = from[axis];
  if (!constant || chosen.length !== 1 || typeof size !== 'number') {
    c.pin(x, axis, 'looked-up-by-index');
    for (let i = 0; i < chosen.length; i++) c.same(indices, i, y, axis + i);
    return;
  }
  const picks = numbers(constant).map((i) => (i < 0 ? i + size : i));
  for (const [i, pick] of picks.entries()) c.link(x, axis, pick, y, axis, i);
  c.onShrink((kept) => {
    if (!kept.changed(x, axis)) return;
    const stay = kept.indices(x, axis)!;
    const renumbered = picks.map((p) => stay.indexOf(p)).filter((i) => i >= 0);
    replaceInput(c, 1, renumbered, constant.dtype === 'int32' ? 'int32' : 'int64');
  });
};

const expand: ChannelRule = (c) => {
  broadcastAxes(c, c.node.inputs[0], c.node.outputs[0]);
  linkSizes(c);
};

/** Copy k of index i is index k·size + i. */
const tile: ChannelRule = (c) => {
  const [x] = c.node.inputs;
  const [y] = c.node.outputs;
  const [from, to] = [c.shape(x), c.shape(y)];
  if (!x || !y || !from || !to) return pinNode(c, 'shape-unknown');
  from.forEach((size, axis) => {
    const wide = to[axis];
    if (typeof size !== 'number' || typeof wide !== 'number') c.same(x, axis, y, axis);
    else for (let i = 0; i < wide; i++) c.link(x, axis, i % size, y, axis, i);
    if (size === 1 && wide !== 1) c.pin(y, axis, 'copies-of-one-element');
  });
};

/** Only looks at sizes: an axis may shrink where its size is used as a size and nothing else. */
const shapeOfValue: ChannelRule = (c) => {
  const [x] = c.node.inputs;
  if (!x) return;
  c.shape(x)?.forEach((_, axis) => {
    if (!sizeOnlyShapes(c, axis)) c.pin(x, axis, 'its-size-is-computed-with');
  });
};

/** Index for index along every axis but those that move: they are pinned. */
const pinned =
  (reason: string, axesOf: (c: LinkContext, rank: number) => readonly (number | null)[]): ChannelRule =>
  (c) => {
    const [x] = c.node.inputs;
    const rank = c.shape(x)?.length;
    const axes = rank === undefined ? [null] : axesOf(c, rank);
    if (!x || axes.includes(null)) return pinNode(c, 'shape-unknown');
    sameAxes(c, x, c.node.outputs[0]);
    for (const axis of axes) c.pin(x, axis!, reason);
  };

export const movementChannels: ChannelTable = {
  Reshape: reshape,
  Flatten: (c) => void linkReshape(c),
  Squeeze: (c) => void linkReshape(c),
  Unsqueeze: (c) => void linkReshape(c),
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Gather: gather,
  Expand: expand,
  Tile: tile,
  Shape: shapeOfValue,
  Size: (c) => c.pinAll(c.node.inputs[0], 'its-size-is-computed-with'),
  ConstantOfShape: (c) => linkSizes(c),
  Constant: () => {},
  Trilu: pinned('triangle-counts-it', (_, rank) => [rank - 2, rank - 1]),
};
