/** Shapes, order of axes, padding, joining. */
import {
  batchToSpace,
  concat,
  depthToSpace,
  mirrorPad,
  padBy,
  pairs,
  reshape,
  spaceToBatch,
  spaceToDepth,
  squeeze,
  toScalar,
  transpose,
  unsqueeze,
} from '../../../emit/index.ts';
import {
  activated,
  axisWithin,
  inputOf,
  int,
  ints,
  numbersOf,
  type Operator,
  type OperatorTable,
} from './operator.ts';

/** To the sizes of input 1, or else of the settings, where [0] stands for a scalar.
 *  Source: tflite/kernels/reshape.cc, GetOutputShape. */
const reshaped: Operator = (call) => {
  const { e, inputTensors } = call;
  const x = inputOf(call, 0);
  const given = inputTensors[1] && inputTensors[1].shape.length === 1 ? call.input(1) : null;
  if (given) return reshape(e, x, given);
  const sizes = ints(call, 'newShape');
  return reshape(e, x, sizes.length === 1 && sizes[0] === 0 ? [] : sizes);
};

const squeezed: Operator = (call) => {
  const { e } = call;
  const x = inputOf(call, 0);
  const sizes = e.sizes(x);
  const named = ints(call, 'squeezeDims').map((axis) => axisWithin(call, axis, sizes.length));
  if (named.length === 0 && sizes.some((d) => typeof d !== 'number'))
    e.refuse('which of its sizes are 1 is not known');
  const axes = named.length > 0 ? named : sizes.flatMap((d, axis) => (d === 1 ? [axis] : []));
  return axes.length === 0 ? x : squeeze(e, x, ...axes);
};

const expandDims: Operator = (call) => {
  const x = inputOf(call, 0);
  return unsqueeze(call.e, x, axisWithin(call, numbersOf(call, 1, 'its axis')[0] ?? 0, call.e.rank(x) + 1));
};

const transposed: Operator = (call) => {
  const x = inputOf(call, 0);
  const perm = numbersOf(call, 1, 'its order of axes').map((axis) => axisWithin(call, axis, call.e.rank(x)));
  if (perm.length !== call.e.rank(x) || new Set(perm).size !== perm.length)
    call.e.refuse(`the order of axes [${perm}]`);
  return transpose(call.e, x, perm);
};

const padded: Operator = (call) => {
  const value = call.inputTensors[2] ? toScalar(call.e, inputOf(call, 2)) : undefined;
  return padBy(call.e, inputOf(call, 0), inputOf(call, 1), value);
};

const mirrored: Operator = (call) =>
  mirrorPad(
    call.e,
    inputOf(call, 0),
    pairs(numbersOf(call, 1, 'its padding')),
    int(call, 'mode') === 1 ? 'symmetric' : 'reflect',
  );

const joined: Operator = (call) => {
  const { e, inputCount } = call;
  const parts = Array.from({ length: inputCount }, (_, i) => inputOf(call, i));
  const [first] = parts;
  return first
    ? activated(call, concat(e, parts, axisWithin(call, int(call, 'axis'), e.rank(first))))
    : e.refuse('it joins nothing');
};

const toBatch: Operator = (call) =>
  spaceToBatch(
    call.e,
    inputOf(call, 0),
    numbersOf(call, 1, 'its block shape'),
    pairs(numbersOf(call, 2, 'its padding')),
  );

const fromBatch: Operator = (call) =>
  batchToSpace(
    call.e,
    inputOf(call, 0),
    numbersOf(call, 1, 'its block shape'),
    pairs(numbersOf(call, 2, 'its crops')),
  );

export const shapingOperators: OperatorTable = {
  RESHAPE: reshaped,
  SQUEEZE: squeezed,
  EXPAND_DIMS: expandDims,
  TRANSPOSE: transposed,
  PAD: padded,
  PADV2: padded,
  MIRROR_PAD: mirrored,
  CONCATENATION: joined,
  DEPTH_TO_SPACE: (call) => depthToSpace(call.e, inputOf(call, 0), int(call, 'blockSize')),
  SPACE_TO_DEPTH: (call) => spaceToDepth(call.e, inputOf(call, 0), int(call, 'blockSize')),
  SPACE_TO_BATCH_ND: toBatch,
  BATCH_TO_SPACE_ND: fromBatch,
};
