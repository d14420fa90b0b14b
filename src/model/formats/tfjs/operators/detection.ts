/** Non-maximum suppression. */
import type { Value } from '../../../ir/model.ts';
import { boxesKept, cast, limitFrom, reshape, sizeOfAxis, toScalar } from '../../emit/index.ts';
import { inputOf, numbersOf, type Operator, type OperatorCall, type OperatorTable } from './operator.ts';

/** Indices of the boxes that stay, best first, int64 [n]. */
const selected = (call: OperatorCall): Value =>
  boxesKept(call.e, inputOf(call, 0), inputOf(call, 1), {
    most: inputOf(call, 2),
    overlap: limitFrom(call.e, inputOf(call, 3)),
    above: call.inputs[4],
  });

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
