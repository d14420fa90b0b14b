/** Pools. */
import type { Value } from '../../../../ir/model.ts';
import { tensorOf } from '../../../../ir/tensor.ts';
import {
  averagePool,
  cast,
  concat,
  type Emitter,
  maxPool,
  type PoolOptions,
  reshape,
  sizeOfAxis,
  toChannelsFirst,
  toChannelsLast,
  transpose,
  unsqueeze,
  type Window,
} from '../../../emit/index.ts';
import { windowAttributes } from '../../../emit/padding.ts';
import {
  activated,
  inputOf,
  int,
  type Operator,
  type OperatorCall,
  type OperatorTable,
  paddingOf,
  pairOf,
  wordsOf,
} from './operator.ts';

const windowOf = (call: OperatorCall): PoolOptions => ({
  kernel: [int(call, 'filterHeight'), int(call, 'filterWidth')],
  strides: [int(call, 'strideH'), int(call, 'strideW')],
  padding: paddingOf(call),
});

const pool =
  (write: (e: Emitter, x: Value, options: PoolOptions) => Value): Operator =>
  (call) =>
    activated(call, write(call.e, inputOf(call, 0), windowOf(call)));

/** The root of the mean of squares. */
const l2Pool = (e: Emitter, x: Value, options: PoolOptions): Value =>
  e.emit('Sqrt', [averagePool(e, e.emit('Mul', [x, x]), options)]);

interface WindowSettings {
  readonly padding: number;
  readonly strides: readonly number[];
  readonly kernel: readonly number[];
}

/** The settings of MediaPipe's pools are TfLitePoolParams as they lie in memory: padding (1 SAME, 2 VALID), stride width and
 *  height, filter width and height, activation, int32 each. */
function settingsOf(call: OperatorCall): WindowSettings {
  const [padding, strideW, strideH, width, height, fused] = wordsOf(call, 6) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (fused !== 0 || (padding !== 1 && padding !== 2))
    call.e.refuse(`padding ${padding}, activation ${fused}`);
  return { padding, strides: [strideH, strideW], kernel: [height, width] };
}

/** Of MediaPipe: the largest of each window, and where in its window it stands: row · width + column, as a float, and 0.1
 *  more. Source: mediapipe/util/tflite/operations/max_pool_argmax.cc. */
const maxPoolArgmax: Operator = (call) => {
  const { e } = call;
  const { padding, strides, kernel } = settingsOf(call);
  const x = toChannelsFirst(e, inputOf(call, 0));
  const [height, width] = e.sizes(x).slice(2);
  if (typeof height !== 'number' || typeof width !== 'number')
    return e.refuse('positions in a picture of a size that is not known');
  const window: Window = { kernel, strides, padding: padding === 1 ? 'same' : 'valid' };
  const attributes = windowAttributes(e, window, [height, width]);
  const [y, at] = e.emitAll('MaxPool', [x], 2, attributes) as [Value, Value];
  const [rows, columns] = e.sizes(y).slice(2);
  if (typeof rows !== 'number' || typeof columns !== 'number') return e.refuse('pools of an unknown size');
  const pads = 'pads' in attributes ? attributes.pads : [0, 0, 0, 0];
  // Where each window starts.
  const starts = (count: number, axis: number, dims: readonly number[]) =>
    e.constant(
      tensorOf(
        'int64',
        dims,
        Array.from({ length: count }, (_, i) => i * strides[axis]! - pads[axis]!),
      ),
    );
  const place = e.emit('Mod', [at, e.scalar('int64', height * width)]);
  const row = e.emit('Sub', [e.emit('Div', [place, e.scalar('int64', width)]), starts(rows, 0, [rows, 1])]);
  const column = e.emit('Sub', [
    e.emit('Mod', [place, e.scalar('int64', width)]),
    starts(columns, 1, [columns]),
  ]);
  const within = e.emit('Add', [e.emit('Mul', [row, e.scalar('int64', kernel[1]!)]), column]);
  const position = e.emit('Add', [cast(e, within, 'float32'), e.scalar('float32', 0.1)]);
  return [toChannelsLast(e, y), toChannelsLast(e, position)];
};

/** Of MediaPipe: each element at the place in its window that the second input says, zeros elsewhere. Windows lie side by
 *  side. Source: mediapipe/util/tflite/operations/max_unpooling.cc. */
const maxUnpool: Operator = (call) => {
  const { e } = call;
  const { strides, kernel } = settingsOf(call);
  const [height, width] = kernel as [number, number];
  const count = height * width;
  if (kernel.some((size, i) => size !== strides[i] || size < 1) || count > mostCells)
    e.refuse(`windows of [${kernel}] at every [${strides}]`);
  const [x, at] = pairOf(call);
  const places = tensorOf(
    'int64',
    [count, 1],
    Array.from({ length: count }, (_, i) => i),
  );
  const here = e.emit('Equal', [unsqueeze(e, cast(e, at, 'int64'), 3), e.constant(places)]);
  const cells = e.emit('Where', [here, unsqueeze(e, x, 3), e.scalar('float32', 0)]);
  const size = (axis: number) => sizeOfAxis(e, x, axis);
  const grid = [size(0), size(1), size(2), e.integers(height), e.integers(width), size(3)];
  const moved = transpose(e, reshape(e, cells, concat(e, grid, 0)), [0, 1, 3, 2, 4, 5]);
  const grown = [
    size(0),
    e.emit('Mul', [size(1), e.integers(height)]),
    e.emit('Mul', [size(2), e.integers(width)]),
  ];
  return reshape(e, moved, concat(e, [...grown, size(3)], 0));
};

/** Of a window: each is a cell of a constant. */
const mostCells = 1 << 12;

export const poolingOperators: OperatorTable = {
  AVERAGE_POOL_2D: pool(averagePool),
  MAX_POOL_2D: pool(maxPool),
  L2_POOL_2D: pool(l2Pool),
  MaxPoolingWithArgmax2D: maxPoolArgmax,
  MaxUnpooling2D: maxUnpool,
};
