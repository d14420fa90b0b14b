/** Slices and pads. */
import { textAttribute } from '../../../../ir/attribute.ts';
import { type Node, shapeOf } from '../../../../ir/model.ts';
import type { Dim } from '../../../../ir/type.ts';
import { constantNumbers, intsArgument, normalAxis, scalarOf } from '../../../../rewrite/arguments.ts';
import { allPads } from '../../../../rewrite/pads.ts';
import {
  type Emitter,
  numbersAt,
  refuse,
  shapeAt,
  staticShapeAt,
  type TfOperator,
  type TfOperators,
} from '../emitter.ts';
import type { Ref } from '../graph.ts';
import { concat, reshape, sliceVector } from './shaping.ts';

interface Range {
  readonly begin: number;
  readonly end: number;
  readonly step: number;
}

/** Largest integer of TensorFlow.js; ends beyond a size are cut there. */
const far = 2 ** 31 - 1;

/** Python's meaning of [begin:end:step], whose ends may lie anywhere, as StridedSlice reads it: bit k of a mask says that
 *  the end of axis k is open. */
function bounds({ begin, end, step }: Range): { from: number; to: number; open: boolean } {
  const clamp = (at: number) => Math.max(-far, Math.min(far, at));
  // A negative end that lies before the first element has no number of its own when walking backwards.
  const open = step < 0 ? end <= -far : end >= far;
  return { from: clamp(begin), to: open ? 0 : clamp(end), open };
}

const slice: TfOperator = (node, e) => {
  const shape = shapeAt(node, 0);
  const starts = intsArgument(node, 'starts', 1);
  const ends = intsArgument(node, 'ends', 2);
  const steps = numbersAt(node, 4, 'list of steps');
  const given = intsArgument(node, 'axes', 3);
  if (given === null) return refuse(node, 'its axes are computed while it runs');
  if (!starts || !ends) return dynamicSlice(node, e, given ?? null, steps ?? null);
  const ranges = new Map<number, Range>();
  starts.forEach((begin, i) => {
    const axis = normalAxis(given?.[i] ?? i, shape.length);
    ranges.set(axis, { begin, end: ends[i]!, step: steps?.[i] ?? 1 });
  });
  const all = shape.map((d, axis) => {
    const range = ranges.get(axis);
    return range ? bounds(withinSize(range, d)) : null;
  });
  return e.op(
    'StridedSlice',
    [
      e.input(node, 0),
      e.int(all.map((b) => b?.from ?? 0)),
      e.int(all.map((b) => b?.to ?? 0)),
      e.int(shape.map((_, axis) => ranges.get(axis)?.step ?? 1)),
    ],
    {
      begin_mask: { int: maskOf(all.map((b) => !b)) },
      end_mask: { int: maskOf(all.map((b) => b?.open ?? true)) },
    },
  );
};

const maskOf = (bits: readonly boolean[]) => bits.reduce((mask, bit, i) => mask + (bit ? 2 ** i : 0), 0);

/** A begin outside the tensor, which ONNX moves to its edge. */
function withinSize(range: Range, size: Dim): Range {
  if (typeof size !== 'number') return range;
  const { begin, end, step } = range;
  const from = begin < 0 ? begin + size : begin;
  const held = step < 0 ? Math.max(-1, Math.min(size - 1, from)) : Math.max(0, Math.min(size, from));
  const to = end < 0 ? end + size : end;
  if (step > 0) return { begin: held, end: to >= size ? far : Math.max(0, to), step };
  return { begin: held, end: to < 0 ? -far : Math.min(size - 1, to), step };
}

/** Computed bounds: one vector for all axes is put together. */
function dynamicSlice(node: Node, e: Emitter, axes: number[] | null, steps: number[] | null): Ref {
  const rank = shapeAt(node, 0).length;
  const count = shapeOf(node.inputs[1])?.[0];
  if (typeof count !== 'number') return refuse(node, 'how many axes it cuts is not known');
  const at = Array.from({ length: count }, (_, i) => normalAxis(axes?.[i] ?? i, rank));
  const entry = (index: number, fallback: Ref) => (axis: number) => {
    const i = at.indexOf(axis);
    return i < 0 ? fallback : sliceVector(e, clamped(node, index, e), i, i + 1);
  };
  const every = Array.from({ length: rank }, (_, axis) => axis);
  const uncut = every.map((axis) => !at.includes(axis));
  const [begin, end] = [1, 2].map((index) => concat(e, every.map(entry(index, e.int([0])))));
  const stride = e.int(every.map((axis) => (at.includes(axis) ? (steps?.[at.indexOf(axis)] ?? 1) : 1)));
  const mask = { int: maskOf(uncut) };
  return e.op('StridedSlice', [e.input(node, 0), begin!, end!, stride], { begin_mask: mask, end_mask: mask });
}

/** A constant bound may be int64's largest. */
function clamped(node: Node, index: number, e: Emitter): Ref {
  const known = constantNumbers(node.inputs[index]);
  return known ? e.int(known.map((v) => Math.max(-far, Math.min(far, v)))) : e.input(node, index);
}

type Pads = readonly (readonly [number, number])[];

/** More than four axes are padded one by one, the axes before and behind as one each: the kernels of WebGL and WebGPU don't
 *  compile for more. @param shape  of x @param pads  begin and end of every axis */
export function padded(e: Emitter, x: Ref, shape: readonly Dim[], pads: Pads, value: Ref): Ref {
  if (pads.every(([a, b]) => a === 0 && b === 0)) return x;
  const open = shape.filter((d) => typeof d !== 'number').length;
  if (shape.length <= 4 || open > 1 || shape.includes(0)) return e.op('PadV2', [x, pairs(e, pads), value]);
  const sizes = shape.map((d) => (typeof d === 'number' ? d : -1));
  const all = pads.reduce<Ref>((y, [begin, end], axis) => {
    if (begin === 0 && end === 0) return y;
    const merged = [product(sizes.slice(0, axis)), sizes[axis]!, product(sizes.slice(axis + 1))];
    if (sizes[axis] !== -1) sizes[axis] = sizes[axis]! + begin + end;
    const sides = pairs(e, [
      [0, 0],
      [begin, end],
      [0, 0],
    ]);
    return e.op('PadV2', [reshape(e, y, merged), sides, value]);
  }, x);
  return reshape(e, all, sizes);
}

/** -1 where one of them is open. */
const product = (sizes: readonly number[]): number =>
  sizes.includes(-1) ? -1 : sizes.reduce((a, b) => a * b, 1);

const pairs = (e: Emitter, pads: Pads): Ref => e.op('Reshape', [e.int(pads.flat()), e.int([pads.length, 2])]);

const pad: TfOperator = (node, e) => {
  const shape = shapeAt(node, 0);
  const rank = shape.length;
  const pads = allPads(node, rank);
  const mode = textAttribute(node, 'mode', 'constant');
  const x = e.input(node, 0);
  if (!pads) return computedPads(node, e, rank, mode);
  const cut = crop(e, x, shape, pads);
  const grow = shape.map((_, i) => [Math.max(0, pads[i]!), Math.max(0, pads[i + rank]!)] as const);
  if (mode === 'constant') {
    const kept = shape.map((d, i) =>
      typeof d === 'number' ? d + Math.min(0, pads[i]!) + Math.min(0, pads[i + rank]!) : d,
    );
    return padded(e, cut, kept, grow, padValue(node, e, x));
  }
  if (pads.some((p) => p < 0)) return refuse(node, `it cuts and pads in mode ${mode}`);
  if (mode === 'reflect' && grow.every(([a, b], i) => fits(shape[i]!, Math.max(a, b))))
    return e.op('MirrorPad', [x, pairs(e, grow)], { mode: { text: 'REFLECT' } });
  return gatheredPad(node, e, x, grow, mode);
};

const fits = (size: Dim, pad: number) => pad === 0 || (typeof size === 'number' && pad < size);

function padValue(node: Node, e: Emitter, x: Ref): Ref {
  const a = node.attributes.get('value');
  if (a?.type === 'float') return e.float(a.value);
  if (node.inputs[2]) return e.ref(node.inputs[2]);
  return x.dtype === 'int32' ? e.int(0) : e.float(0);
}

/** Negative pads cut. */
function crop(e: Emitter, x: Ref, shape: readonly Dim[], pads: readonly number[]): Ref {
  if (pads.every((p) => p >= 0)) return x;
  const rank = shape.length;
  const axes = shape.map((_, i) => i);
  const end = axes.map((i) => Math.min(0, pads[i + rank]!));
  return e.op(
    'StridedSlice',
    [x, e.int(axes.map((i) => Math.max(0, -pads[i]!))), e.int(end), e.int(axes.map(() => 1))],
    { end_mask: { int: maskOf(end.map((v) => v === 0)) } },
  );
}

function computedPads(node: Node, e: Emitter, rank: number, mode: string): Ref {
  if (mode !== 'constant' || node.inputs[3]) return refuse(node, 'its pads are computed while it runs');
  const rows = e.op('Reshape', [e.input(node, 1), e.int([2, rank])]);
  const x = e.input(node, 0);
  return e.op('PadV2', [x, e.op('Transpose', [rows, e.int([1, 0])]), padValue(node, e, x)]);
}

/** Edges repeated, wrapped or mirrored more than once: elements are picked, axis by axis. */
function gatheredPad(
  node: Node,
  e: Emitter,
  x: Ref,
  pads: readonly (readonly [number, number])[],
  mode: string,
): Ref {
  return pads.reduce((y, [before, after], axis) => {
    if (before === 0 && after === 0) return y;
    const size = staticShapeAt(node, 0)[axis]!;
    const indices = Array.from({ length: before + size + after }, (_, i) => pick(i - before, size, mode));
    return e.op('GatherV2', [y, e.int(indices), e.int(axis)], { batch_dims: { int: 0 } });
  }, x);
}

function pick(at: number, size: number, mode: string): number {
  if (mode === 'edge') return Math.max(0, Math.min(size - 1, at));
  if (mode === 'wrap') return ((at % size) + size) % size;
  const period = Math.max(1, 2 * (size - 1));
  const inside = ((at % period) + period) % period;
  return Math.min(inside, period - inside);
}

/** The elements where a condition holds, of a tensor laid flat or along an axis. */
const compress: TfOperator = (node, e) => {
  const axis = node.attributes.get('axis');
  const places = e.op('Where', [e.input(node, 1)], {}, 'int32');
  const indices = e.op('Reshape', [places, e.int([-1])]);
  const x = e.input(node, 0);
  if (axis?.type !== 'int') return e.op('GatherV2', [e.op('Reshape', [x, e.int([-1])]), indices, e.int(0)]);
  return e.op('GatherV2', [x, indices, e.int(normalAxis(Number(axis.value), shapeAt(node, 0).length))]);
};

/** Values on and above (upper) or on and below (lower) a diagonal. */
const trilu: TfOperator = (node, e) => {
  const k = node.inputs[1] ? scalarOf(node.inputs[1]) : 0;
  if (k === null) return refuse(node, 'its diagonal is computed while it runs');
  const upper = (node.attributes.get('upper') as { value: bigint } | undefined)?.value !== 0n;
  const shape = shapeAt(node, 0);
  const [rows, columns] = shape.slice(-2);
  const x = e.input(node, 0);
  if (typeof rows !== 'number' || typeof columns !== 'number')
    return trianglePlaces(e, x, shape.length, upper, k);
  const keep = Array.from({ length: rows * columns }, (_, i) => {
    const offset = (i % columns) - Math.floor(i / columns);
    return upper ? offset >= k : offset <= k;
  });
  const mask = e.op(
    'Cast',
    [e.op('Reshape', [e.int(keep.map(Number)), e.int([rows, columns])])],
    {
      SrcT: { type: 'int32' },
      DstT: { type: 'bool' },
    },
    'bool',
  );
  return masked(e, x, mask);
};

function masked(e: Emitter, x: Ref, mask: Ref): Ref {
  if (x.dtype === 'bool') return e.op('LogicalAnd', [x, mask]);
  return e.op('SelectV2', [mask, x, x.dtype === 'int32' ? e.int(0) : e.float(0)], {}, x.dtype);
}

/** The mask of a size that is known while running: column − row against k. */
function trianglePlaces(e: Emitter, x: Ref, rank: number, upper: boolean, k: number): Ref {
  const sizes = e.op('Shape', [x], {}, 'int32');
  const range = (axis: number) => {
    const size = e.op('Reshape', [sliceVector(e, sizes, axis, axis + 1), e.int([])]);
    return e.op('Range', [e.int(0), size, e.int(1)], { Tidx: { type: 'int32' } });
  };
  const rows = e.op('ExpandDims', [range(rank - 2), e.int(1)]);
  const offset = e.op('Sub', [e.op('ExpandDims', [range(rank - 1), e.int(0)]), rows]);
  return masked(e, x, e.op(upper ? 'GreaterEqual' : 'LessEqual', [offset, e.int(k)], {}, 'bool'));
}

export const slicing: TfOperators = { Slice: slice, Pad: pad, Compress: compress, Trilu: trilu };
