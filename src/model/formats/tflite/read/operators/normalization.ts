/** Softmax and its kin. */
import { numberField } from '../../../flatbuffers/fields.ts';
import { inputOf, type Operator, type OperatorTable } from './operator.ts';

/** Of beta · x along the last axis. */
const softmax: Operator = (call) => {
  const { e, options } = call;
  const beta = numberField(options, 'beta');
  const x = inputOf(call, 0);
  const scaled = beta === 1 ? x : e.emit('Mul', [x, e.scalar('float32', beta)]);
  return e.emit('Softmax', [scaled], { axis: -1 });
};

export const normalizationOperators: OperatorTable = {
  SOFTMAX: softmax,
  LOG_SOFTMAX: (call) => call.e.emit('LogSoftmax', [inputOf(call, 0)], { axis: -1 }),
};
