/** Variables, which a file names and keeps from one run to the next: inputs and outputs of the model. What a run reads before it
 *  assigns comes from the run before. */
import { numbers } from '../../../../ir/tensor.ts';
import type { TfliteTensor } from '../tensor.ts';
import { inputOf, int, type Operator, type OperatorTable } from './operator.ts';

const read: Operator = (call) => {
  const [like] = call.outputTensors;
  return like ? call.readVariable(0, like) : call.e.refuse('no output');
};

const assign: Operator = (call) => {
  call.assignVariable(0, inputOf(call, 1));
  return [];
};

/** An input starts from zeros: what a variable starts from must be zeros too. */
const once: Operator = (call) => {
  for (const value of call.assignedOnce(int(call, 'initSubgraphIndex')))
    if (!value || !isZero(value))
      call.e.refuse('a variable that starts from other values than zeros, which an input has no way to say');
  return [];
};

function isZero({ constant, quantization }: TfliteTensor): boolean {
  const zero = quantization?.zeroPoints[0] ?? 0;
  return (
    constant !== null && constant.kind !== 'string' && numbers(constant).every((v) => Number(v) === zero)
  );
}

export const variableOperators: OperatorTable = {
  VAR_HANDLE: () => [],
  READ_VARIABLE: read,
  ASSIGN_VARIABLE: assign,
  CALL_ONCE: once,
};
