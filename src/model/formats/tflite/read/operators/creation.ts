/** Tensors from their shape, ranges, random numbers. */
import { float } from '../../../../ir/attribute.ts';
import { dtypes } from '../../../../ir/dtype.ts';
import { broadcastShapes, cast, shapeOfValue, toList, toScalar } from '../../../emit/index.ts';
import { dtypeOfTensor } from '../tensor.ts';
import { inputOf, numbersOf, type Operator, type OperatorCall, type OperatorTable } from './operator.ts';

const outputType = ({ outputTensors }: OperatorCall) =>
  (outputTensors[0] && dtypeOfTensor(outputTensors[0])) ?? 'int32';

const fill: Operator = (call) => {
  const { e } = call;
  return e.emit('Expand', [toScalar(e, inputOf(call, 1)), toList(e, inputOf(call, 0))]);
};

const zerosLike: Operator = (call) => {
  const { e } = call;
  const x = inputOf(call, 0);
  return e.emit('Expand', [e.scalar(e.dtype(x), 0), shapeOfValue(e, x)]);
};

const range: Operator = (call) =>
  call.e.emit(
    'Range',
    [0, 1, 2].map((i) => toScalar(call.e, inputOf(call, i))),
  );

const random =
  (opType: string): Operator =>
  (call) => {
    const { e } = call;
    const like = e.emit('Expand', [e.scalar('float32', 0), toList(e, inputOf(call, 0))]);
    return e.emit(opType, [like], { dtype: dtypes.float32.code, seed: seedOf(call) });
  };

/** Two seeds of 0 are none. */
const seedOf = ({ options }: OperatorCall) => {
  const [a, b] = ['seed', 'seed2'].map((name) => Number(options[name] ?? 0)) as [number, number];
  return a === 0 && b === 0 ? undefined : float(a * 31 + b);
};

/** Draws classes from unscaled log-probabilities. */
const multinomial: Operator = (call) => {
  const { e } = call;
  const drawn = e.emit('Multinomial', [inputOf(call, 0)], {
    sample_size: numbersOf(call, 1, 'the number of draws')[0] ?? 1,
    seed: seedOf(call),
    dtype: dtypes.int32.code,
  });
  return cast(e, drawn, outputType(call));
};

export const creationOperators: OperatorTable = {
  FILL: fill,
  ZEROS_LIKE: zerosLike,
  RANGE: range,
  SHAPE: (call) => cast(call.e, shapeOfValue(call.e, inputOf(call, 0)), outputType(call)),
  RANK: (call) => call.e.scalar('int32', call.e.rank(inputOf(call, 0))),
  BROADCAST_TO: (call) => call.e.emit('Expand', [inputOf(call, 0), toList(call.e, inputOf(call, 1))]),
  BROADCAST_ARGS: (call) =>
    cast(call.e, broadcastShapes(call.e, inputOf(call, 0), inputOf(call, 1)), outputType(call)),
  RANDOM_STANDARD_NORMAL: random('RandomNormalLike'),
  RANDOM_UNIFORM: random('RandomUniformLike'),
  MULTINOMIAL: multinomial,
};
