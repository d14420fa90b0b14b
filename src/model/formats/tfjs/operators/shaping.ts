/** Types, shapes, padding, blocks. */
import type { Value } from '../../../ir/model.ts';
import {
  cast,
  concat,
  type Emitter,
  mirrorPad,
  padBy,
  reshape,
  shapeOfValue,
  sizeOfAxis,
  slice,
  squeeze,
  toChannelsFirst,
  toChannelsLast,
  toList,
  toScalar,
  transpose,
  unsqueeze,
} from '../../emit/index.ts';
import { pairs } from '../../emit/pad.ts';
import {
  axisWithin,
  inputOf,
  numbersOf,
  type Operator,
  type OperatorCall,
  type OperatorTable,
} from './operator.ts';

const typed: Operator = (call) => {
  const { e, attributes } = call;
  const dtype = attributes.dtype('DstT');
  if (dtype === null || dtype === 'string' || dtype === 'complex64')
    return e.refuse(`a cast to ${attributes.typeName('DstT')}`);
  const x = inputOf(call, 0);
  if (e.dtype(x) === 'string') e.refuse('a cast of texts');
  return cast(e, x, dtype);
};

const expandDims: Operator = (call) => {
  const rank = call.e.rank(inputOf(call, 0));
  const axis = numbersOf(call, 1, 'its axis')[0]!;
  return unsqueeze(call.e, inputOf(call, 0), axisWithin(call, axis, rank + 1));
};

const squeezed: Operator = (call) => {
  const { e, attributes } = call;
  const x = inputOf(call, 0);
  const named = attributes.has('axis') ? 'axis' : 'squeeze_dims';
  const axes = attributes.ints(named, []);
  const all = axes.length > 0 ? axes : e.sizes(x).flatMap((d, axis) => (d === 1 ? [axis] : []));
  if (axes.length === 0 && e.sizes(x).some((d) => typeof d !== 'number'))
    e.refuse('which of its sizes are 1 is not known');
  return all.length === 0 ? x : squeeze(e, x, ...all);
};

const padded: Operator = (call) => {
  const { e, attributes } = call;
  const x = inputOf(call, 0);
  const given = call.inputs[2];
  const value = given
    ? cast(e, toScalar(e, given), e.dtype(x))
    : e.scalar(e.dtype(x), attributes.float('constant_value', 0));
  return padBy(e, x, inputOf(call, 1), value);
};

const mirrored: Operator = (call) => {
  const mode =
    call.attributes.text('mode', 'REFLECT').toLowerCase() === 'symmetric' ? 'symmetric' : 'reflect';
  return mirrorPad(call.e, inputOf(call, 0), pairs(numbersOf(call, 1, 'its padding')), mode);
};

function blocksOf(call: OperatorCall, rank: number): number[] {
  const blocks = numbersOf(call, 1, 'its block shape');
  if (blocks.length >= rank || !blocks.every((block) => Number.isInteger(block) && block > 0))
    call.e.refuse(`blocks of [${blocks}] for an input of ${rank} axes`);
  return blocks;
}

/** [batch, …blocked, rest] → [batch · blocks, …blocked / block, rest]: the places within a block become batches. */
const spaceToBatch: Operator = (call) => {
  const { e } = call;
  const rank = e.rank(inputOf(call, 0));
  const blocks = blocksOf(call, rank);
  const count = blocks.length;
  const pads = [[0, 0], ...pairs(numbersOf(call, 2, 'its padding'))];
  const all = Array.from({ length: rank }, (_, i) => (pads[i] ?? [0, 0]) as [number, number]);
  const x = padBy(e, inputOf(call, 0), e.constant(pairTensor(e, all)));
  const parts = blocks.flatMap((block, i) => [
    e.emit('Div', [sizeOfAxis(e, x, i + 1), e.integers(block)]),
    e.integers(block),
  ]);
  const rest = trailing(e, x, count + 1);
  const split = reshape(e, x, concat(e, [sizeOfAxis(e, x, 0), ...parts, ...rest], 0));
  const places = blocks.map((_, i) => 2 + 2 * i);
  const moved = transpose(e, split, [
    ...places,
    0,
    ...places.map((place) => place - 1),
    ...Array.from({ length: rank - count - 1 }, (_, i) => 1 + 2 * count + i),
  ]);
  const sizes = blocks.map((_, i) => parts[2 * i]!);
  return reshape(e, moved, concat(e, [e.integers(-1), ...sizes, ...rest], 0));
};

/** The other way round, then cut. */
const batchToSpace: Operator = (call) => {
  const { e } = call;
  const x = inputOf(call, 0);
  const rank = e.rank(x);
  const blocks = blocksOf(call, rank);
  const crops = pairs(numbersOf(call, 2, 'its crops'));
  const count = blocks.length;
  const rest = trailing(e, x, count + 1);
  const area = blocks.reduce((a, b) => a * b, 1);
  const batch = e.emit('Div', [sizeOfAxis(e, x, 0), e.integers(area)]);
  const sizes = blocks.map((_, i) => sizeOfAxis(e, x, i + 1));
  const split = reshape(e, x, concat(e, [...blocks.map((b) => e.integers(b)), batch, ...sizes, ...rest], 0));
  const moved = transpose(e, split, [
    count,
    ...blocks.flatMap((_, i) => [count + 1 + i, i]),
    ...Array.from({ length: rank - count - 1 }, (_, i) => 2 * count + 1 + i),
  ]);
  const grown = sizes.map((size, i) => e.emit('Mul', [size, e.integers(blocks[i]!)]));
  const y = reshape(e, moved, concat(e, [batch, ...grown, ...rest], 0));
  return crops.reduce(
    (cut, [before, after], i) =>
      before === 0 && after === 0 ? cut : slice(e, cut, i + 1, before, after === 0 ? 2 ** 31 - 1 : -after),
    y,
  );
};

/** Sizes of the axes from one on, as lists to join. */
const trailing = (e: Emitter, x: Value, axis: number): Value[] =>
  axis < e.rank(x) ? [e.emit('Shape', [x], { start: axis })] : [];

const pairTensor = (e: Emitter, all: readonly (readonly [number, number])[]) =>
  e.integers(...all.flat()).constant!;

const depthToSpace: Operator = (call) => {
  const { e, attributes } = call;
  const channelsFirst = attributes.text('data_format', 'NHWC').toUpperCase() === 'NCHW';
  const x = inputOf(call, 0);
  const y = e.emit('DepthToSpace', [channelsFirst ? x : toChannelsFirst(e, x)], {
    blocksize: attributes.int('block_size', 1),
    mode: 'DCR',
  });
  return channelsFirst ? y : toChannelsLast(e, y);
};

/** The shape that two shapes broadcast to. */
const broadcastShapes: Operator = (call) => {
  const { e } = call;
  const lists = [0, 1].map((i) => toList(e, inputOf(call, i)));
  const lengths = lists.map((list) => e.sizes(list)[0]);
  if (lengths.some((n) => typeof n !== 'number')) return e.refuse('shapes of a rank that is not known');
  const rank = Math.max(...(lengths as number[]));
  const [a, b] = lists.map((list, i) =>
    concat(e, [e.integers(...Array<number>(rank - (lengths[i] as number)).fill(1)), list], 0),
  ) as [Value, Value];
  return cast(e, e.emit('Where', [e.emit('Equal', [a, e.scalar('int64', 1)]), b, a]), 'int32');
};

const same: Operator = (call) => inputOf(call, 0);
const whole = (call: OperatorCall, value: Value) => cast(call.e, value, 'int32');

export const shapingOperators: OperatorTable = {
  Cast: typed,
  ExpandDims: expandDims,
  Squeeze: squeezed,
  Reshape: (call) => reshape(call.e, inputOf(call, 0), inputOf(call, 1)),
  EnsureShape: same,
  Pad: padded,
  PadV2: padded,
  MirrorPad: mirrored,
  SpaceToBatchND: spaceToBatch,
  BatchToSpaceND: batchToSpace,
  DepthToSpace: depthToSpace,
  BroadcastTo: (call) => call.e.emit('Expand', [inputOf(call, 0), toList(call.e, inputOf(call, 1))]),
  BroadcastArgs: broadcastShapes,
  Identity: same,
  Snapshot: same,
  StopGradient: same,
  // TensorFlow.js ignores it.
  FakeQuantWithMinMaxVars: same,
  PlaceholderWithDefault: same,
  Print: same,
  IdentityN: ({ inputs }) => inputs,
  Shape: (call) => whole(call, shapeOfValue(call.e, inputOf(call, 0))),
  // Floats, as TensorFlow.js makes them.
  ShapeN: ({ e, inputs }) => inputs.map((x) => cast(e, shapeOfValue(e, x), 'float32')),
  Rank: (call) => call.e.scalar('int32', call.e.rank(inputOf(call, 0))),
  Size: (call) => whole(call, call.e.emit('Size', [inputOf(call, 0)])),
  NoOp: ({ e }) => e.scalar('float32', 1),
};
