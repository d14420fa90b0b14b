/** Slices, and putting things together again. */
import type { Value } from '../../ir/model.ts';
import type { Emitter } from './emitter.ts';
import { concat, squeeze, toList, unsqueeze } from './movement.ts';

const far = 2 ** 31 - 1;

/** Axes backwards. */
export const reversed = (e: Emitter, x: Value, axes: readonly number[]): Value => {
  if (axes.length === 0) return x;
  const each = (n: number) => e.integers(...axes.map(() => n));
  return e.emit('Slice', [x, each(-1), each(-far), e.integers(...axes), each(-1)]);
};

/** begin and size of every axis; −1: up to the end. */
export function sliceBySize(e: Emitter, x: Value, first: Value, sizes: Value): Value {
  const [begin, size] = [toList(e, first), toList(e, sizes)];
  const open = e.emit('Equal', [size, e.scalar('int64', -1)]);
  const end = e.emit('Where', [open, e.scalar('int64', far), e.emit('Add', [begin, size])]);
  const axes = Array.from({ length: e.rank(x) }, (_, i) => i);
  return axes.length === 0 ? x : e.emit('Slice', [x, begin, end, e.integers(...axes)]);
}

export interface StridedSliceOptions {
  readonly begin: Value;
  readonly end: Value;
  readonly strides: readonly number[];
  /** A bit for each entry of begin, end and strides. */
  readonly beginMask: number;
  readonly endMask: number;
  readonly ellipsisMask: number;
  readonly newAxisMask: number;
  readonly shrinkAxisMask: number;
}

interface Entry {
  /** Axis of x; new axes have none. */
  readonly axis: number | null;
  /** Place in begin, end and strides; an axis under the ellipsis has none. */
  readonly at: number | null;
  readonly kind: 'slice' | 'index' | 'new';
}

/** What each entry of begin, end and strides is about. */
function entriesOf(options: StridedSliceOptions, rank: number): Entry[] {
  const count = options.strides.length;
  const isSet = (mask: number, i: number) => (mask & (1 << i)) !== 0;
  const isEllipsis = (i: number) => isSet(options.ellipsisMask, i);
  const isNew = (i: number) => isSet(options.newAxisMask, i) && !isEllipsis(i);
  const places = Array.from({ length: count }, (_, i) => i);
  const ellipsis = places.find(isEllipsis);
  const own = places.filter((i) => i !== ellipsis && !isNew(i)).length;
  let axis = 0;
  return places.flatMap((i): Entry[] => {
    if (i === ellipsis)
      return Array.from({ length: Math.max(0, rank - own) }, () => ({
        axis: axis++,
        at: null,
        kind: 'slice',
      }));
    if (isNew(i)) return [{ axis: null, at: i, kind: 'new' }];
    return [{ axis: axis++, at: i, kind: isSet(options.shrinkAxisMask, i) ? 'index' : 'slice' }];
  });
}

/** Python's x[begin:end:stride, …] with its masks. Source: tensorflow core/util/strided_slice_op.cc. */
export function stridedSlice(e: Emitter, x: Value, options: StridedSliceOptions): Value {
  const { strides } = options;
  const entries = entriesOf(options, e.rank(x));
  const parts = entries.filter((entry) => entry.kind === 'slice' && entry.at !== null);
  if (entries.some(({ axis }) => axis !== null && axis >= e.rank(x)) || strides.includes(0))
    e.refuse(`strides [${strides}] of a tensor of ${e.rank(x)} axes`);
  const bound = (given: Value, mask: number, open: (stride: number) => number) => {
    const list = toList(e, given);
    const bounds = parts.map(({ at }) =>
      mask & (1 << at!)
        ? e.integers(open(strides[at!]!))
        : e.emit('Slice', [list, e.integers(at!), e.integers(at! + 1), e.integers(0)]),
    );
    return concat(e, bounds, 0);
  };
  const isWhole = ({ at }: Entry) =>
    strides[at!] === 1 && (options.beginMask & options.endMask & (1 << at!)) !== 0;
  const cut = parts.every(isWhole)
    ? x
    : e.emit('Slice', [
        x,
        bound(options.begin, options.beginMask, (stride) => (stride > 0 ? 0 : far)),
        bound(options.end, options.endMask, (stride) => (stride > 0 ? far : -far)),
        e.integers(...parts.map(({ axis }) => axis!)),
        e.integers(...parts.map(({ at }) => strides[at!]!)),
      ]);
  return shaped(e, cut, entries, (at) => elementOf(e, options.begin, at));
}

/** Indexed axes taken out, from the last on, then new axes put in. */
function shaped(e: Emitter, x: Value, entries: readonly Entry[], index: (at: number) => Value): Value {
  const taken = entries
    .filter((entry) => entry.kind === 'index')
    .reverse()
    .reduce((y, { axis, at }) => e.emit('Gather', [y, index(at!)], { axis: axis! }), x);
  const kept = entries.filter((entry) => entry.kind !== 'index');
  const added = kept.flatMap((entry, i) => (entry.kind === 'new' ? [i] : []));
  return added.length === 0 ? taken : unsqueeze(e, taken, ...added);
}

/** Element of a list as an int64 scalar. */
const elementOf = (e: Emitter, list: Value, at: number): Value =>
  e.emit('Gather', [toList(e, list), e.scalar('int64', at)], { axis: 0 });

/** Values of one shape beside one another along a new axis. */
export const pack = (e: Emitter, values: readonly Value[], axis: number): Value =>
  concat(
    e,
    values.map((x) => unsqueeze(e, x, axis)),
    axis,
  );

/** The other way round. @param count  where the axis' size is not known */
export function unpack(e: Emitter, x: Value, axis: number, count: number): readonly Value[] {
  const size = e.sizes(x)[axis];
  const parts = splitEvenly(e, x, axis, typeof size === 'number' ? size : count);
  return parts.map((part) => squeeze(e, part, axis));
}

export function splitEvenly(e: Emitter, x: Value, axis: number, count: number): readonly Value[] {
  if (!(count >= 1)) e.refuse('an axis of a size that is not known');
  return count === 1 ? [x] : e.emitAll('Split', [x], count, { axis });
}

/** One size may be −1: what is left. */
export function splitBySizes(e: Emitter, x: Value, axis: number, sizes: readonly number[]): readonly Value[] {
  const whole = e.sizes(x)[axis];
  const rest = sizes.filter((n) => n >= 0).reduce((a, b) => a + b, 0);
  if (sizes.includes(-1) && typeof whole !== 'number')
    e.refuse('the rest of an axis of a size that is not known');
  const all = sizes.map((n) => (n < 0 ? (whole as number) - rest : n));
  return all.length === 1 ? [x] : e.emitAll('Split', [x, e.integers(...all)], all.length, { axis });
}
