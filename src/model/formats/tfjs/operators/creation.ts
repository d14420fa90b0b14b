/** Tensors from their shape, ranges, random numbers. */
import { float } from '../../../ir/attribute.ts';
import { type DType, dtypes } from '../../../ir/dtype.ts';
import type { Value } from '../../../ir/model.ts';
import { tensorOf } from '../../../ir/tensor.ts';
import { cast, concat, type Emitter, emitLoop, oneHot, reshape, toList, toScalar } from '../../emit/index.ts';
import { inputOf, numbersOf, type Operator, type OperatorCall, type OperatorTable } from './operator.ts';

const expanded = (e: Emitter, value: Value, shape: Value): Value =>
  e.emit('Expand', [value, toList(e, shape)]);

const fill: Operator = (call) => {
  const { e, attributes } = call;
  const value = toScalar(e, inputOf(call, 1));
  return expanded(e, cast(e, value, attributes.dtype('T') ?? e.dtype(value)), inputOf(call, 0));
};

const filled =
  (value: number): Operator =>
  (call) =>
    expanded(call.e, call.e.scalar(call.attributes.dtype('T') ?? 'float32', value), inputOf(call, 0));

const like =
  (value: number): Operator =>
  (call) => {
    const { e } = call;
    const x = inputOf(call, 0);
    return e.emit('Expand', [e.scalar(e.dtype(x), value), e.emit('Shape', [x])]);
  };

/** They are stored in the file. */
const mostSteps = 1 << 24;

/** start, then `num` − 1 equal steps to stop, added up as TensorFlow.js does. */
const linearSpace: Operator = (call) => {
  const { e } = call;
  const [start, stop, count] = [0, 1, 2].map((i) => numbersOf(call, i, 'its start, stop or number')[0]!) as [
    number,
    number,
    number,
  ];
  if (!(Number.isInteger(count) && count > 0 && count <= mostSteps))
    e.refuse(`${count} numbers, where 1 to ${mostSteps} were expected`);
  const step = (stop - start) / (count - 1);
  const values = new Float32Array(count);
  values.forEach((_, i) => {
    values[i] = i === 0 ? start : values[i - 1]! + step;
  });
  return e.constant(tensorOf('float32', [count], values));
};

/** Indices [...] → [..., depth]. TensorFlow.js always adds the axis at the end. */
const oneHotOf: Operator = (call) => {
  const { e, attributes } = call;
  const indices = inputOf(call, 0);
  const axis = attributes.int('axis', -1);
  if (axis !== -1 && axis !== e.rank(indices))
    e.refuse(`axis ${axis}, which TensorFlow.js takes for the last`);
  const y = oneHot(e, indices, inputOf(call, 1), { on: inputOf(call, 2), off: inputOf(call, 3), axis: -1 });
  return cast(e, y, attributes.dtype('T') ?? 'float32');
};

const range: Operator = (call) => {
  const { e, attributes } = call;
  const dtype = attributes.dtype('Tidx') ?? 'float32';
  return e.emit(
    'Range',
    [0, 1, 2].map((i) => cast(e, toScalar(e, inputOf(call, i)), dtype)),
  );
};

/** A seed of 0 is none. */
const seedOf = ({ attributes }: OperatorCall) => {
  const seed = attributes.int('seed', 0);
  return seed === 0 ? undefined : float(seed);
};

const random =
  (opType: string, limits: (call: OperatorCall) => Readonly<Record<string, number>>, to?: DType): Operator =>
  (call) => {
    const { e } = call;
    const shape = expanded(e, e.scalar('float32', 0), inputOf(call, 0));
    const settings = Object.entries(limits(call)).map(([name, value]) => [name, float(value)]);
    const y = e.emit(opType, [shape], {
      dtype: dtypes.float32.code,
      seed: seedOf(call),
      ...Object.fromEntries(settings),
    });
    return to ? cast(e, e.emit('Floor', [y]), to) : y;
  };

const limitsOf = ({ attributes }: OperatorCall) => ({
  low: attributes.float('minval', 0),
  high: attributes.float('maxval', 1),
});

/** Drawn again as long as a number is more than two deviations off. */
const truncatedNormal: Operator = (call) => {
  const { e } = call;
  const shape = expanded(e, e.scalar('float32', 0), inputOf(call, 0));
  const draw = (inner: Emitter) =>
    inner.emit('RandomNormalLike', [shape], { dtype: dtypes.float32.code, seed: seedOf(call) });
  const isFar = (inner: Emitter, x: Value) =>
    inner.emit('Greater', [inner.emit('Abs', [x]), inner.scalar('float32', 2)]);
  const [drawn] = emitLoop(e, {
    start: [draw(e)],
    // 0, where nothing is drawn, is near enough.
    condition: (inner, [x]) => {
      const far = cast(inner, reshape(inner, isFar(inner, x!), [-1]), 'int32');
      const all = concat(inner, [reshape(inner, inner.scalar('int32', 0), [1]), far], 0);
      return inner.emit('ReduceMax', [all], { axes: [0], keepdims: 0 });
    },
    body: (inner, [x]) => [inner.emit('Where', [isFar(inner, x!), draw(inner), x!])],
  });
  const { attributes } = call;
  const [mean, deviation] = [attributes.float('means', 0), attributes.float('stddev', 1)];
  return e.emit('Add', [e.emit('Mul', [drawn!, e.scalar('float32', deviation)]), e.scalar('float32', mean)]);
};

/** Draws classes from unscaled log-probabilities. */
const multinomial: Operator = (call) => {
  const { e } = call;
  return e.emit('Multinomial', [inputOf(call, 0)], {
    sample_size: numbersOf(call, 1, 'the number of draws')[0]!,
    seed: seedOf(call),
    dtype: dtypes.int32.code,
  });
};

export const creationOperators: OperatorTable = {
  Fill: fill,
  Zeros: filled(0),
  Ones: filled(1),
  ZerosLike: like(0),
  OnesLike: like(1),
  LinSpace: linearSpace,
  OneHot: oneHotOf,
  Range: range,
  RandomStandardNormal: random('RandomNormalLike', () => ({})),
  RandomUniform: random('RandomUniformLike', limitsOf),
  RandomUniformInt: random('RandomUniformLike', limitsOf, 'int32'),
  Multinomial: multinomial,
  TruncatedNormal: truncatedNormal,
};
