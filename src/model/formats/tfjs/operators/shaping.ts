/** Types, shapes, padding, blocks. */
import {
  batchToSpace,
  broadcastShapes,
  cast,
  depthToSpace,
  mirrorPad,
  padBy,
  pairs,
  reshape,
  shapeOfValue,
  spaceToBatch,
  squeeze,
  toList,
  toScalar,
  unsqueeze,
} from '../../emit/index.ts';
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

const spaceToBatchOf: Operator = (call) =>
  spaceToBatch(
    call.e,
    inputOf(call, 0),
    numbersOf(call, 1, 'its block shape'),
    pairs(numbersOf(call, 2, 'its padding')),
  );

const batchToSpaceOf: Operator = (call) =>
  batchToSpace(
    call.e,
    inputOf(call, 0),
    numbersOf(call, 1, 'its block shape'),
    pairs(numbersOf(call, 2, 'its crops')),
  );

const depthToSpaceOf: Operator = (call) => {
  const { e, attributes } = call;
  const channelsFirst = attributes.text('data_format', 'NHWC').toUpperCase() === 'NCHW';
  const x = inputOf(call, 0);
  const blocksize = attributes.int('block_size', 1);
  return channelsFirst
    ? e.emit('DepthToSpace', [x], { blocksize, mode: 'DCR' })
    : depthToSpace(e, x, blocksize);
};

const broadcastArgs: Operator = (call) => broadcastShapes(call.e, inputOf(call, 0), inputOf(call, 1));

const same: Operator = (call) => inputOf(call, 0);
const whole = (call: OperatorCall, value: ReturnType<typeof inputOf>) => cast(call.e, value, 'int32');

export const shapingOperators: OperatorTable = {
  Cast: typed,
  ExpandDims: expandDims,
  Squeeze: squeezed,
  Reshape: (call) => reshape(call.e, inputOf(call, 0), inputOf(call, 1)),
  EnsureShape: same,
  Pad: padded,
  PadV2: padded,
  MirrorPad: mirrored,
  SpaceToBatchND: spaceToBatchOf,
  BatchToSpaceND: batchToSpaceOf,
  DepthToSpace: depthToSpaceOf,
  BroadcastTo: (call) => call.e.emit('Expand', [inputOf(call, 0), toList(call.e, inputOf(call, 1))]),
  BroadcastArgs: broadcastArgs,
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
