/** Normalisations, softmax. */
import { float } from '../../../ir/attribute.ts';
import { batchNormalization, cast, toChannelsFirst, toChannelsLast } from '../../emit/index.ts';
import { inputOf, numbersOf, type Operator, type OperatorTable } from './operator.ts';

/** With the statistics that it is given. */
const batchNorm: Operator = (call) => {
  const { e } = call;
  if (e.sizes(inputOf(call, 3))[0] === 0) e.refuse('statistics of the batch itself, as in training');
  return batchNormalization(e, cast(e, inputOf(call, 0), 'float32'), {
    scale: inputOf(call, 1),
    offset: inputOf(call, 2),
    mean: inputOf(call, 3),
    variance: inputOf(call, 4),
    epsilon: call.attributes.float('epsilon', 0.001),
  });
};

/** x / (bias + alpha · Σ x² over 2·radius + 1 channels)^beta; ONNX divides the sum by the number of channels. */
const localResponse: Operator = (call) => {
  const { e, attributes } = call;
  const size = 2 * attributes.int('depth_radius', 5) + 1;
  const y = e.emit('LRN', [toChannelsFirst(e, cast(e, inputOf(call, 0), 'float32'))], {
    size,
    alpha: float(attributes.float('alpha', 1) * size),
    beta: float(attributes.float('beta', 0.5)),
    bias: float(attributes.float('bias', 1)),
  });
  return toChannelsLast(e, y);
};

const lastAxis =
  (opType: string): Operator =>
  (call) =>
    call.e.emit(opType, [cast(call.e, inputOf(call, 0), 'float32')], { axis: -1 });

export const normalizationOperators: OperatorTable = {
  EuclideanNorm: (call) =>
    call.e.emit('ReduceL2', [cast(call.e, inputOf(call, 0), 'float32')], {
      axes: numbersOf(call, 1, 'its axes'),
      keepdims: call.attributes.bool('keep_dims', false) ? 1 : 0,
    }),
  FusedBatchNorm: batchNorm,
  FusedBatchNormV2: batchNorm,
  FusedBatchNormV3: batchNorm,
  LRN: localResponse,
  Softmax: lastAxis('Softmax'),
  LogSoftmax: lastAxis('LogSoftmax'),
};
