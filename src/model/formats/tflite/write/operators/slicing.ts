/** Slices and pads. */
import { textAttribute } from '../../../../ir/attribute.ts';
import type { Node } from '../../../../ir/model.ts';
import { intsArgument, normalAxis, scalarOf } from '../../../../rewrite/arguments.ts';
import { allPads } from '../../../../rewrite/pads.ts';
import { type LiteRow, type LiteRows, numbersAt, refuse, shapeAt } from '../emitter.ts';
import { padded } from './padding.ts';

interface Range {
  readonly begin: number;
  readonly end: number;
  readonly step: number;
}

/** Within a size; walking backwards, an end before the first element is open, which a mask says. */
function rangeWithin({ begin, end, step }: Range, size: number): Range & { readonly open: boolean } {
  const from = begin < 0 ? begin + size : begin;
  const to = end < 0 ? end + size : end;
  if (step > 0) {
    const held = (at: number) => Math.max(0, Math.min(size, at));
    return { begin: held(from), end: held(to), step, open: false };
  }
  return { begin: Math.max(0, Math.min(size - 1, from)), end: Math.max(0, to), step, open: to < 0 };
}

const slice: LiteRow = {
  integers: { kind: 'moves' },
  emit(node, e) {
    const shape = shapeAt(node, 0);
    const starts = intsArgument(node, 'starts', 1);
    const ends = intsArgument(node, 'ends', 2);
    const axes = intsArgument(node, 'axes', 3);
    if (!starts || !ends || axes === null) return refuse(node, 'its bounds are computed while it runs');
    const steps = numbersAt(node, 4, 'list of steps');
    const ranges = shape.map((size) => ({ begin: 0, end: size, step: 1, open: false }));
    starts.forEach((begin, i) => {
      const axis = normalAxis(axes?.[i] ?? i, shape.length);
      ranges[axis] = rangeWithin({ begin, end: ends[i]!, step: steps?.[i] ?? 1 }, shape[axis]!);
    });
    const endMask = ranges.reduce((mask, { open }, axis) => mask + (open ? 2 ** axis : 0), 0);
    const list = (field: keyof Range) => e.int(ranges.map((r) => r[field]));
    return e.op('STRIDED_SLICE', [e.input(node, 0), list('begin'), list('end'), list('step')], e.result(), [
      'StridedSliceOptions',
      { beginMask: 0, endMask, ellipsisMask: 0, newAxisMask: 0, shrinkAxisMask: 0 },
    ]);
  },
};

function padValue(node: Node): number {
  const a = node.attributes.get('value');
  if (a?.type === 'float') return a.value;
  if (!node.inputs[2]) return 0;
  return scalarOf(node.inputs[2]) ?? refuse(node, 'what it pads with is computed while it runs');
}

const pad: LiteRow = {
  integers: { kind: 'moves', ready: (node) => padValue(node) === 0 },
  emit(node, e) {
    const rank = shapeAt(node, 0).length;
    const pads = allPads(node, rank) ?? refuse(node, 'its pads are computed while it runs');
    if (textAttribute(node, 'mode', 'constant') !== 'constant' || pads.some((p) => p < 0))
      return refuse(node, 'it mirrors or cuts');
    const sides = pads.slice(0, rank).map((begin, i) => [begin, pads[i + rank]!] as const);
    return padded(e, e.input(node, 0), sides, padValue(node));
  },
};

export const slicing: LiteRows = { Slice: slice, Pad: pad };
