/** Slices, and putting things together again. */
import type { Value } from '../../../ir/model.ts';
import { cast, concat, type Emitter, reshape, squeeze, toList, unsqueeze } from '../../emit/index.ts';
import {
  axisWithin,
  inputOf,
  numbersOf,
  type Operator,
  type OperatorCall,
  type OperatorTable,
} from './operator.ts';

const far = 2 ** 31 - 1;

/** Axes backwards. */
export const reversed = (e: Emitter, x: Value, axes: readonly number[]): Value => {
  if (axes.length === 0) return x;
  const each = (n: number) => e.integers(...axes.map(() => n));
  return e.emit('Slice', [x, each(-1), each(-far), e.integers(...axes), each(-1)]);
};

const reverse: Operator = (call) => {
  const axes = numbersOf(call, 1, 'its axes').flatMap((flag, axis) => (flag ? [axis] : []));
  return reversed(call.e, inputOf(call, 0), axes);
};

/** begin and size of every axis; −1: up to the end. */
const sliced: Operator = (call) => {
  const { e } = call;
  const [begin, size] = [1, 2].map((i) => toList(e, inputOf(call, i))) as [Value, Value];
  const open = e.emit('Equal', [size, e.scalar('int64', -1)]);
  const end = e.emit('Where', [open, e.scalar('int64', far), e.emit('Add', [begin, size])]);
  const axes = Array.from({ length: e.rank(inputOf(call, 0)) }, (_, i) => i);
  return axes.length === 0
    ? inputOf(call, 0)
    : e.emit('Slice', [inputOf(call, 0), begin, end, e.integers(...axes)]);
};

interface Entry {
  /** Axis of x; new axes have none. */
  readonly axis: number | null;
  /** Place in begin, end and strides; an axis under the ellipsis has none. */
  readonly at: number | null;
  readonly kind: 'slice' | 'index' | 'new';
}

/** What each entry of begin, end and strides is about. */
function entriesOf(call: OperatorCall, count: number, rank: number): Entry[] {
  const mask = (name: string, i: number) => (call.attributes.int(name, 0) & (1 << i)) !== 0;
  const isNew = (i: number) => mask('new_axis_mask', i) && !mask('ellipsis_mask', i);
  const ellipsis = Array.from({ length: count }, (_, i) => i).find((i) => mask('ellipsis_mask', i));
  const own = Array.from({ length: count }, (_, i) => i).filter((i) => i !== ellipsis && !isNew(i)).length;
  let axis = 0;
  return Array.from({ length: count }, (_, i): Entry[] => {
    if (i === ellipsis)
      return Array.from({ length: rank - own }, () => ({ axis: axis++, at: null, kind: 'slice' }));
    if (isNew(i)) return [{ axis: null, at: i, kind: 'new' }];
    return [{ axis: axis++, at: i, kind: mask('shrink_axis_mask', i) ? 'index' : 'slice' }];
  }).flat();
}

/** Python's x[begin:end:stride, …] with its masks. Source: tensorflow core/util/strided_slice_op.cc. */
const stridedSlice: Operator = (call) => {
  const { e, attributes } = call;
  const x = inputOf(call, 0);
  const strides = numbersOf(call, 3, 'its strides');
  const entries = entriesOf(call, strides.length, e.rank(x));
  const parts = entries.filter((entry) => entry.kind === 'slice' && entry.at !== null);
  const bound = (index: number, mask: string, open: (stride: number) => number) => {
    const list = toList(e, inputOf(call, index));
    const given = parts.map(({ at }) =>
      attributes.int(mask, 0) & (1 << at!)
        ? e.integers(open(strides[at!]!))
        : e.emit('Slice', [list, e.integers(at!), e.integers(at! + 1), e.integers(0)]),
    );
    return concat(e, given, 0);
  };
  const isWhole = ({ at }: Entry) =>
    strides[at!] === 1 && ['begin_mask', 'end_mask'].every((mask) => attributes.int(mask, 0) & (1 << at!));
  const cut = parts.every(isWhole)
    ? x
    : e.emit('Slice', [
        x,
        bound(1, 'begin_mask', (stride) => (stride > 0 ? 0 : far)),
        bound(2, 'end_mask', (stride) => (stride > 0 ? far : -far)),
        e.integers(...parts.map(({ axis }) => axis!)),
        e.integers(...parts.map(({ at }) => strides[at!]!)),
      ]);
  return shaped(e, cut, entries, (at) => elementOf(e, inputOf(call, 1), at));
};

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

/** Of the shape of the first, up to axes of size 1. */
const pack: Operator = (call) => {
  const { e, inputs, attributes } = call;
  const first = inputOf(call, 0);
  const rank = e.rank(first);
  const axis = axisWithin(call, attributes.int('axis', 0), rank + 1);
  const alike = inputs.map((x) =>
    e.rank(x) === rank ? x : reshape(e, x, cast(e, e.emit('Shape', [first]), 'int64')),
  );
  return concat(
    e,
    alike.map((x) => unsqueeze(e, x, axis)),
    axis,
  );
};

const unpack: Operator = (call) => {
  const { e, attributes } = call;
  const x = inputOf(call, 0);
  const axis = axisWithin(call, attributes.int('axis', 0), e.rank(x));
  const size = e.sizes(x)[axis];
  const count = typeof size === 'number' ? size : attributes.int('num', 0);
  if (count < 1) return e.refuse('an axis of a size that is not known');
  const parts = count === 1 ? [x] : e.emitAll('Split', [x], count, { axis });
  return parts.map((part) => squeeze(e, part, axis));
};

/** Concat has its axis first, ConcatV2 last. */
const joined =
  (axisFirst: boolean): Operator =>
  (call) => {
    const { e, inputs } = call;
    const axis = numbersOf(call, axisFirst ? 0 : inputs.length - 1, 'its axis')[0]!;
    const all = axisFirst ? inputs.slice(1) : inputs.slice(0, -1);
    const parts = all.slice(0, call.attributes.int('N', 2));
    const [first] = parts;
    return first ? concat(e, parts, axisWithin(call, axis, e.rank(first))) : e.refuse('it joins nothing');
  };

const split: Operator = (call) => {
  const { e, attributes } = call;
  const x = inputOf(call, 1);
  const axis = axisWithin(call, numbersOf(call, 0, 'its axis')[0]!, e.rank(x));
  const count = attributes.int('num_split', 1);
  return count === 1 ? x : e.emitAll('Split', [x], count, { axis });
};

/** One size may be −1: what is left. */
const splitBySizes: Operator = (call) => {
  const { e } = call;
  const x = inputOf(call, 0);
  const axis = axisWithin(call, numbersOf(call, 2, 'its axis')[0]!, e.rank(x));
  const sizes = numbersOf(call, 1, 'its sizes');
  const whole = e.sizes(x)[axis];
  const rest = sizes.filter((n) => n >= 0).reduce((a, b) => a + b, 0);
  if (sizes.includes(-1) && typeof whole !== 'number')
    e.refuse('the rest of an axis of a size that is not known');
  const all = sizes.map((n) => (n < 0 ? (whole as number) - rest : n));
  return all.length === 1 ? x : e.emitAll('Split', [x, e.integers(...all)], all.length, { axis });
};

export const slicingOperators: OperatorTable = {
  Concat: joined(true),
  ConcatV2: joined(false),
  Pack: pack,
  Unpack: unpack,
  Reverse: reverse,
  ReverseV2: (call) => reversed(call.e, inputOf(call, 0), numbersOf(call, 1, 'its axes')),
  Slice: sliced,
  StridedSlice: stridedSlice,
  Split: split,
  SplitV: splitBySizes,
  Tile: (call) => call.e.emit('Tile', [inputOf(call, 0), toList(call.e, inputOf(call, 1))]),
};
