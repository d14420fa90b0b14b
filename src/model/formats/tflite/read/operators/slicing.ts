/** Slices, and putting things together again. */
import type { Value } from '../../../../ir/model.ts';
import {
  pack,
  reversed,
  type StridedSliceOptions,
  sliceBySize,
  splitBySizes,
  splitEvenly,
  stridedSlice,
  toList,
  unpack,
} from '../../../emit/index.ts';
import {
  axisWithin,
  flag,
  inputOf,
  int,
  numbersOf,
  type Operator,
  type OperatorCall,
  type OperatorTable,
} from './operator.ts';

const masksOf = (call: OperatorCall) => ({
  beginMask: int(call, 'beginMask'),
  endMask: int(call, 'endMask'),
  ellipsisMask: int(call, 'ellipsisMask'),
  newAxisMask: int(call, 'newAxisMask'),
  shrinkAxisMask: int(call, 'shrinkAxisMask'),
});

const strided: Operator = (call) => {
  const { e } = call;
  const options: StridedSliceOptions = {
    ...masksOf(call),
    begin: inputOf(call, 1),
    end: inputOf(call, 2),
    strides: numbersOf(call, 3, 'its strides'),
  };
  return stridedSlice(e, inputOf(call, 0), flag(call, 'offset') ? fromSizes(call, options) : options);
};

/** Ends that are given as distances from the begins, which count from the end where they are negative. */
function fromSizes(call: OperatorCall, options: StridedSliceOptions): StridedSliceOptions {
  const { e } = call;
  if (options.ellipsisMask | options.newAxisMask | options.beginMask)
    e.refuse('sizes in place of ends, together with masks');
  const [begin, size] = [toList(e, options.begin), toList(e, options.end)];
  const sizes = e.emit('Shape', [inputOf(call, 0)], { end: options.strides.length });
  const isNegative = e.emit('Less', [begin, e.scalar('int64', 0)]);
  const start = e.emit('Where', [isNegative, e.emit('Add', [begin, sizes]), begin]);
  return { ...options, begin: start, end: e.emit('Add', [start, size]) };
}

const partsOf = (call: OperatorCall): Value[] =>
  Array.from({ length: call.inputCount }, (_, i) => inputOf(call, i));

const packed: Operator = (call) => {
  const parts = partsOf(call);
  const [first] = parts;
  return first
    ? pack(call.e, parts, axisWithin(call, int(call, 'axis'), call.e.rank(first) + 1))
    : call.e.refuse('it joins nothing');
};

const unpacked: Operator = (call) => {
  const x = inputOf(call, 0);
  const axis = axisWithin(call, int(call, 'axis'), call.e.rank(x));
  return unpack(call.e, x, axis, call.outputTensors.length);
};

const axisOf = (call: OperatorCall, index: number, x: Value) =>
  axisWithin(call, numbersOf(call, index, 'its axis')[0] ?? 0, call.e.rank(x));

const split: Operator = (call) => {
  const x = inputOf(call, 1);
  return splitEvenly(call.e, x, axisOf(call, 0, x), call.outputTensors.length);
};

const splitV: Operator = (call) => {
  const x = inputOf(call, 0);
  return splitBySizes(call.e, x, axisOf(call, 2, x), numbersOf(call, 1, 'its sizes'));
};

const reverse: Operator = (call) => {
  const x = inputOf(call, 0);
  const axes = numbersOf(call, 1, 'its axes').map((axis) => axisWithin(call, axis, call.e.rank(x)));
  return reversed(call.e, x, axes);
};

export const slicingOperators: OperatorTable = {
  SLICE: (call) => sliceBySize(call.e, inputOf(call, 0), inputOf(call, 1), inputOf(call, 2)),
  STRIDED_SLICE: strided,
  SPLIT: split,
  SPLIT_V: splitV,
  PACK: packed,
  UNPACK: unpacked,
  REVERSE_V2: reverse,
  TILE: (call) => call.e.emit('Tile', [inputOf(call, 0), toList(call.e, inputOf(call, 1))]),
};
