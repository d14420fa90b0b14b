/** Softmax and its kin, normalisations. */

import { localResponseNormalization } from '../../../emit/index.ts';
import { numberField } from '../../../flatbuffers/fields.ts';
import { activated, inputOf, int, type Operator, type OperatorTable } from './operator.ts';

/** Of beta · x along the last axis. */
const softmax: Operator = (call) => {
  const { e, options } = call;
  const beta = numberField(options, 'beta');
  const x = inputOf(call, 0);
  const scaled = beta === 1 ? x : e.emit('Mul', [x, e.scalar('float32', beta)]);
  return e.emit('Softmax', [scaled], { axis: -1 });
};

/** x / max(‖x‖, 1e-6) along the last axis. Source: tflite/kernels/internal/reference/l2normalization.h. */
const l2: Operator = (call) => {
  const { e } = call;
  const x = inputOf(call, 0);
  const length = e.emit('ReduceL2', [x], { axes: [-1], keepdims: 1 });
  return activated(call, e.emit('Div', [x, e.emit('Max', [length, e.scalar('float32', 1e-6)])]));
};

const localResponse: Operator = (call) => {
  const [alpha, beta, bias] = ['alpha', 'beta', 'bias'].map((name) => numberField(call.options, name)) as [
    number,
    number,
    number,
  ];
  return localResponseNormalization(call.e, inputOf(call, 0), {
    radius: int(call, 'radius'),
    alpha,
    beta,
    bias,
  });
};

export const normalizationOperators: OperatorTable = {
  SOFTMAX: softmax,
  LOG_SOFTMAX: (call) => call.e.emit('LogSoftmax', [inputOf(call, 0)], { axis: -1 }),
  L2_NORMALIZATION: l2,
  LOCAL_RESPONSE_NORMALIZATION: localResponse,
};
