/** Slices and pads. LiteRT's kernels take up to five axes: neighbours that stay whole are merged. */
import { intAttribute, textAttribute } from '../../../../ir/attribute.ts';
import type { Node } from '../../../../ir/model.ts';
import { elementCount, tensorOf } from '../../../../ir/tensor.ts';
import { constantNumbers, intsArgument, normalAxis, scalarOf } from '../../../../rewrite/arguments.ts';
import { allPads } from '../../../../rewrite/pads.ts';
import type { Sides } from '../../../lowered/window.ts';
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
import { cast, gathered, logical, scalarLike, select } from './arithmetic.ts';
import { padded, pairs } from './padding.ts';
import { concat } from './shaping.ts';

interface Range {
  readonly begin: number;
  readonly end: number;
  readonly step: number;
  /** Walking backwards, up to the first element, which no number says. */
  readonly open: boolean;
}

function rangeWithin(begin: number, end: number, step: number, size: number): Range {
  const from = begin < 0 ? begin + size : begin;
  const to = end < 0 ? end + size : end;
  const held = (at: number, most: number) => Math.max(0, Math.min(most, at));
  if (step > 0) return { begin: held(from, size), end: held(to, size), step, open: false };
  return { begin: held(from, size - 1), end: Math.max(0, to), step, open: to < 0 };
}

const whole = (size: number): Range => ({ begin: 0, end: size, step: 1, open: false });
const isWhole = ({ begin, end, step }: Range, size: number) => begin === 0 && end === size && step === 1;

const lengthOf = ({ begin, end, step, open }: Range): number =>
  step > 0
    ? Math.max(0, Math.ceil((end - begin) / step))
    : Math.max(0, Math.ceil((begin - (open ? -1 : end)) / -step));

/** @param ranges  one an axis */
export function sliced(e: Emitter, x: LiteTensor, ranges: readonly Range[]): LiteTensor {
  if (ranges.every((range, axis) => isWhole(range, x.shape[axis]!))) return x;
  const shape = ranges.map(lengthOf);
  if (x.shape.length <= 5) return strided(e, x, ranges, shape);
  const groups = mergedAxes(x.shape, (axis) => isWhole(ranges[axis]!, x.shape[axis]!));
  const sizes = groups.map((axes) => elementCount(axes.map((axis) => x.shape[axis]!)));
  const merged = groups.map((axes, i) => (axes.length > 1 ? whole(sizes[i]!) : ranges[axes[0]!]!));
  return reshaped(e, strided(e, reshaped(e, x, sizes), merged, merged.map(lengthOf)), shape);
}

/** Neighbours that stay whole together, all others alone. */
function mergedAxes(shape: readonly number[], stays: (axis: number) => boolean): number[][] {
  const groups: number[][] = [];
  shape.forEach((_, axis) => {
    if (stays(axis) && axis > 0 && stays(axis - 1)) groups.at(-1)!.push(axis);
    else groups.push([axis]);
  });
  return groups;
}

function strided(e: Emitter, x: LiteTensor, ranges: readonly Range[], shape: readonly number[]): LiteTensor {
  const endMask = ranges.reduce((mask, { open }, axis) => mask + (open ? 2 ** axis : 0), 0);
  const list = (field: 'begin' | 'end' | 'step') => e.int(ranges.map((range) => range[field]));
  const masks = { beginMask: 0, endMask, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 };
  const inputs = [x, list('begin'), list('end'), list('step')];
  return e.op('STRIDED_SLICE', inputs, shaped(x, shape), ['StridedSliceOptions', masks]);
}

/** Indices [from, to) of one axis. */
export const cutAlong = (e: Emitter, x: LiteTensor, axis: number, from: number, to: number): LiteTensor =>
  sliced(
    e,
    x,
    x.shape.map((d, i) => (i === axis ? { begin: from, end: to, step: 1, open: false } : whole(d))),
  );

const slice: LiteRow = {
  integers: { kind: 'moves' },
  emit(node, e) {
    const shape = shapeAt(node, 0);
    const starts = intsArgument(node, 'starts', 1);
    const ends = intsArgument(node, 'ends', 2);
    const axes = intsArgument(node, 'axes', 3);
    const steps = numbersAt(node, 4, 'list of steps');
    if (axes === null) return refuse(node, 'its axes are computed while it runs');
    if (!starts || !ends) return computedSlice(node, e, axes ?? null, steps ?? null);
    const ranges = shape.map(whole);
    starts.forEach((begin, i) => {
      const axis = normalAxis(axes?.[i] ?? i, shape.length);
      ranges[axis] = rangeWithin(begin, ends[i]!, steps?.[i] ?? 1, shape[axis]!);
    });
    return sliced(e, e.input(node, 0), ranges);
  },
};

/** A part of a known size, whose beginning is computed and counts from the front. */
function computedSlice(node: Node, e: Emitter, axes: number[] | null, steps: number[] | null): LiteTensor {
  const x = e.input(node, 0);
  const { shape } = e.result();
  const start = node.inputs[1];
  if (!start || steps?.some((step) => step !== 1) || x.shape.length > 5)
    return refuse(node, 'its bounds are computed while it runs');
  const at = shapeAt(node, 1)[0]!;
  const cut = Array.from({ length: at }, (_, i) => normalAxis(axes?.[i] ?? i, x.shape.length));
  const begins = reshaped(e, cast(e, e.plain(start), 'int32'), [at]);
  const parts = x.shape.map((_, axis) => {
    const i = cut.indexOf(axis);
    return i < 0 ? e.int([0]) : cutAlong(e, begins, 0, i, i + 1);
  });
  const begin = concat(e, parts, 0, [x.shape.length]);
  return e.op('SLICE', [x, begin, e.int(shape)], shaped(x, shape), ['SliceOptions', {}]);
}

function padValue(node: Node): number {
  const a = node.attributes.get('value');
  if (a?.type === 'float') return a.value;
  if (!node.inputs[2]) return 0;
  return scalarOf(node.inputs[2]) ?? refuse(node, 'what it pads with is computed while it runs');
}

const pad: LiteRow = {
  integers: {
    kind: 'moves',
    ready: (node) => constantNumbers(node.inputs[2]) !== null && padValue(node) === 0,
  },
  emit(node, e) {
    const rank = shapeAt(node, 0).length;
    const pads = allPads(node, rank) ?? refuse(node, 'its pads are computed while it runs');
    const ends = (from: number) => pads.slice(from, from + rank);
    const given = e.input(node, 0);
    const cut = given.shape.map((d, i) => ({
      ...whole(d),
      begin: Math.max(0, -pads[i]!),
      end: d + Math.min(0, pads[i + rank]!),
    }));
    const x = sliced(e, given, cut);
    const grow = ends(0).map((begin, i) => [Math.max(0, begin), Math.max(0, pads[i + rank]!)] as const);
    const mode = textAttribute(node, 'mode', 'constant');
    if (mode === 'constant') return grown(e, x, grow, padValue(node));
    if (pads.some((p) => p < 0)) return refuse(node, `it cuts and pads in mode ${mode}`);
    const mirrors = mode === 'reflect' && rank <= 4;
    if (mirrors && grow.every(([a, b], i) => Math.max(a, b) < x.shape[i]!)) return mirrored(e, x, grow);
    return repeated(e, x, grow, mode);
  },
};

/** Pads with a value; neighbours without pads are one axis where there are more than four. */
function grown(e: Emitter, x: LiteTensor, sides: Sides, value: number): LiteTensor {
  if (x.shape.length <= 4) return padded(e, x, sides, value);
  const groups = mergedAxes(x.shape, (axis) => sides[axis]![0] === 0 && sides[axis]![1] === 0);
  const flat = reshaped(
    e,
    x,
    groups.map((axes) => elementCount(axes.map((axis) => x.shape[axis]!))),
  );
  const made = padded(
    e,
    flat,
    groups.map((axes) => sides[axes[0]!]!),
    value,
  );
  return reshaped(
    e,
    made,
    x.shape.map((d, axis) => d + sides[axis]![0] + sides[axis]![1]),
  );
}

const mirrored = (e: Emitter, x: LiteTensor, sides: Sides): LiteTensor =>
  e.op(
    'MIRROR_PAD',
    [x, pairs(e, sides)],
    shaped(
      x,
      x.shape.map((d, axis) => d + sides[axis]![0] + sides[axis]![1]),
    ),
    ['MirrorPadOptions', { mode: 0 }],
  );

/** Edges repeated, wrapped or mirrored more than once: elements are picked, axis by axis. */
const repeated = (e: Emitter, x: LiteTensor, sides: Sides, mode: string): LiteTensor =>
  sides.reduce((y, [before, after], axis) => {
    if (before === 0 && after === 0) return y;
    const size = x.shape[axis]!;
    const places = Array.from({ length: before + size + after }, (_, i) => pick(i - before, size, mode));
    return gathered(e, y, e.int(places), axis);
  }, x);

function pick(at: number, size: number, mode: string): number {
  if (mode === 'edge') return Math.max(0, Math.min(size - 1, at));
  if (mode === 'wrap') return ((at % size) + size) % size;
  const period = Math.max(1, 2 * (size - 1));
  const inside = ((at % period) + period) % period;
  return Math.min(inside, period - inside);
}

/** Values on and above (upper) or on and below (lower) a diagonal. */
const trilu: LiteRow = {
  emit(node, e) {
    const k = node.inputs[1] ? scalarOf(node.inputs[1]) : 0;
    if (k === null) return refuse(node, 'its diagonal is computed while it runs');
    const upper = intAttribute(node, 'upper', 1) !== 0;
    const x = e.input(node, 0);
    const [rows, columns] = x.shape.slice(-2) as [number, number];
    const keep = Array.from({ length: rows * columns }, (_, i) => {
      const offset = (i % columns) - Math.floor(i / columns);
      return Number(upper ? offset >= k : offset <= k);
    });
    const mask = e.constant(tensorOf('bool', [rows, columns], keep));
    if (x.type === 'bool') return logical(e, 'LOGICAL_AND', x, mask);
    return select(e, mask, x, scalarLike(e, x, 0));
  },
};

export const slicing: LiteRows = { Slice: slice, Pad: pad, Trilu: trilu };
