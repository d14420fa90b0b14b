/** Normalisations, softmax. */
import { batchNormalization, cast, localResponseNormalization } from '../../emit/index.ts';
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

const localResponse: Operator = (call) => {
  const { e, attributes } = call;
  return localResponseNormalization(e, cast(e, inputOf(call, 0), 'float32'), {
    radius: attributes.int('depth_radius', 5),
    alpha: attributes.float('alpha', 1),
    beta: attributes.float('beta', 0.5),
    bias: attributes.float('bias', 1),
  });
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
