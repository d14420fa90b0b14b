/** Slices, and putting things together again. */
import {
  cast,
  concat,
  pack,
  reshape,
  reversed,
  sliceBySize,
  splitBySizes,
  splitEvenly,
  stridedSlice,
  toList,
  unpack,
} from '../../emit/index.ts';
import { axisWithin, inputOf, numbersOf, type Operator, type OperatorTable } from './operator.ts';

const reverse: Operator = (call) => {
  const axes = numbersOf(call, 1, 'its axes').flatMap((flag, axis) => (flag ? [axis] : []));
  return reversed(call.e, inputOf(call, 0), axes);
};

const strided: Operator = (call) => {
  const { e, attributes } = call;
  return stridedSlice(e, inputOf(call, 0), {
    begin: inputOf(call, 1),
    end: inputOf(call, 2),
    strides: numbersOf(call, 3, 'its strides'),
    beginMask: attributes.int('begin_mask', 0),
    endMask: attributes.int('end_mask', 0),
    ellipsisMask: attributes.int('ellipsis_mask', 0),
    newAxisMask: attributes.int('new_axis_mask', 0),
    shrinkAxisMask: attributes.int('shrink_axis_mask', 0),
  });
};

/** Of the shape of the first, up to axes of size 1. */
const packed: Operator = (call) => {
  const { e, inputs, attributes } = call;
  const first = inputOf(call, 0);
  const rank = e.rank(first);
  const axis = axisWithin(call, attributes.int('axis', 0), rank + 1);
  const alike = inputs.map((x) =>
    e.rank(x) === rank ? x : reshape(e, x, cast(e, e.emit('Shape', [first]), 'int64')),
  );
  return pack(e, alike, axis);
};

const unpacked: Operator = (call) => {
  const { e, attributes } = call;
  const x = inputOf(call, 0);
  const axis = axisWithin(call, attributes.int('axis', 0), e.rank(x));
  return unpack(e, x, axis, attributes.int('num', 0));
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
  return splitEvenly(e, x, axis, attributes.int('num_split', 1));
};

const splitV: Operator = (call) => {
  const { e } = call;
  const x = inputOf(call, 0);
  const axis = axisWithin(call, numbersOf(call, 2, 'its axis')[0]!, e.rank(x));
  return splitBySizes(e, x, axis, numbersOf(call, 1, 'its sizes'));
};

export const slicingOperators: OperatorTable = {
  Concat: joined(true),
  ConcatV2: joined(false),
  Pack: packed,
  Unpack: unpacked,
  Reverse: reverse,
  ReverseV2: (call) => reversed(call.e, inputOf(call, 0), numbersOf(call, 1, 'its axes')),
  Slice: (call) => sliceBySize(call.e, inputOf(call, 0), inputOf(call, 1), inputOf(call, 2)),
  StridedSlice: strided,
  Split: split,
  SplitV: splitV,
  Tile: (call) => call.e.emit('Tile', [inputOf(call, 0), toList(call.e, inputOf(call, 1))]),
};
