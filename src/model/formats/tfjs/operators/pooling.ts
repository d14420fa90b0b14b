/** Pools, channels last whatever data_format says, as TensorFlow.js takes them. */
import type { Value } from '../../../ir/model.ts';
import { tensorOf } from '../../../ir/tensor.ts';
import {
  averagePool,
  cast,
  type Emitter,
  maxPool,
  type PoolOptions,
  toChannelsFirst,
  toChannelsLast,
} from '../../emit/index.ts';
import { spatialSizes, windowAttributes } from '../../emit/padding.ts';
import { paddingOf } from './convolution.ts';
import { inputOf, type Operator, type OperatorCall, type OperatorTable } from './operator.ts';

const windowOf = (call: OperatorCall, axes: number): PoolOptions => ({
  kernel: call.attributes.ints('ksize', []).slice(1, 1 + axes),
  strides: call.attributes.ints('strides', []).slice(1, 1 + axes),
  padding: paddingOf(call, false),
});

const pool =
  (write: (e: Emitter, x: Value, options: PoolOptions) => Value, axes: number): Operator =>
  (call) =>
    write(call.e, inputOf(call, 0), windowOf(call, axes));

/** Second output: where each maximum stands, (row · width + column) · channels + channel, counted through the whole
 *  batch where `include_batch_in_index`. ONNX counts through batch, channels, rows, columns. */
const maxPoolWithArgmax: Operator = (call) => {
  const { e } = call;
  const x = toChannelsFirst(e, cast(e, inputOf(call, 0), 'float32'));
  const [, channels, height, width] = e.sizes(x);
  if (![channels, height, width].every((d) => typeof d === 'number'))
    return e.refuse('positions in a picture of a size that is not known');
  const area = (height as number) * (width as number);
  const attributes = windowAttributes(e, windowOf(call, 2), spatialSizes(e, x));
  const [y, at] = e.emitAll('MaxPool', [x], 2, attributes) as [Value, Value];
  const count = channels as number;
  const channel = tensorOf(
    'int64',
    [count, 1, 1],
    Array.from({ length: count }, (_, i) => i),
  );
  const place = e.emit('Mod', [at, e.scalar('int64', area)]);
  const within = e.emit('Add', [
    e.emit('Mul', [place, e.scalar('int64', count)]),
    e.constant(channel, 'channels'),
  ]);
  const picture = e.emit('Div', [at, e.scalar('int64', area * count)]);
  const positions = call.attributes.bool('include_batch_in_index', false)
    ? e.emit('Add', [within, e.emit('Mul', [picture, e.scalar('int64', area * count)])])
    : within;
  return [toChannelsLast(e, y), cast(e, toChannelsLast(e, positions), 'int32')];
};

export const poolingOperators: OperatorTable = {
  AvgPool: pool(averagePool, 2),
  AvgPool3D: pool(averagePool, 3),
  MaxPool: pool(maxPool, 2),
  MaxPool3D: pool(maxPool, 3),
  MaxPoolWithArgmax: maxPoolWithArgmax,
};
