/** Non-maximum suppression. */
import type { Value } from '../../../ir/model.ts';
import { cast, reshape, sizeOfAxis, slice, toScalar, unsqueeze } from '../../emit/index.ts';
import { inputOf, numbersOf, type Operator, type OperatorCall, type OperatorTable } from './operator.ts';

/** Indices of the boxes that stay, best first, int64 [n]. Boxes [n, 4] as y, x, y, x of any two opposite corners. */
function selected(call: OperatorCall): Value {
  const { e } = call;
  const scores = call.inputs[4]
    ? toScalar(e, inputOf(call, 4))
    : e.scalar('float32', Number.NEGATIVE_INFINITY);
  const found = e.emit('NonMaxSuppression', [
    unsqueeze(e, inputOf(call, 0), 0),
    unsqueeze(e, inputOf(call, 1), 0, 1),
    cast(e, reshape(e, inputOf(call, 2), [1]), 'int64'),
    reshape(e, overlapOf(call), [1]),
    reshape(e, scores, [1]),
  ]);
  return reshape(e, slice(e, found, 1, 2, 3), [-1]);
}

/** TensorFlow.js drops a box from the limit on, ONNX above it: the next smaller float32 is the same limit there. */
function overlapOf(call: OperatorCall): Value {
  const { e } = call;
  const limit = toScalar(e, inputOf(call, 3));
  const known = e.data(limit)?.[0];
  if (typeof known !== 'number') return limit;
  if (known <= 0) e.refuse('an overlap limit of 0');
  return e.scalar('float32', previousFloat(known));
}

function previousFloat(value: number): number {
  const bits = new Uint32Array(new Float32Array([value]).buffer);
  bits[0]! -= 1;
  return new Float32Array(bits.buffer)[0]!;
}

const suppress: Operator = (call) => cast(call.e, selected(call), 'int32');

/** Second output: how many are no padding. */
const suppressPadded: Operator = (call) => {
  const { e, attributes } = call;
  const found = selected(call);
  const count = sizeOfAxis(e, found, 0);
  const valid = cast(e, toScalar(e, count), 'int32');
  if (!attributes.bool('pad_to_max_output_size', false)) return [cast(e, found, 'int32'), valid];
  const most = cast(e, reshape(e, inputOf(call, 2), [1]), 'int64');
  const pads = e.emit('Concat', [e.integers(0), e.emit('Sub', [most, count])], { axis: 0 });
  return [cast(e, e.emit('Pad', [found, pads, e.scalar('int64', 0)]), 'int32'), valid];
};

/** Second output: the scores of those that stay. */
const suppressWithScores: Operator = (call) => {
  const { e } = call;
  const [sigma] = call.inputs[5] ? numbersOf(call, 5, 'the sigma of soft suppression') : [0];
  if (sigma !== 0) e.refuse(`soft suppression (sigma ${sigma})`);
  const found = selected(call);
  return [cast(e, found, 'int32'), e.emit('Gather', [inputOf(call, 1), found], { axis: 0 })];
};

export const detectionOperators: OperatorTable = {
  NonMaxSuppressionV2: suppress,
  NonMaxSuppressionV3: suppress,
  NonMaxSuppressionV4: suppressPadded,
  NonMaxSuppressionV5: suppressWithScores,
};
