/** Resizing and cropping of pictures. */
import type { Value } from '../../../ir/model.ts';
import { tensorOf } from '../../../ir/tensor.ts';
import {
  cast,
  concat,
  type Emitter,
  type ResizeOptions,
  reshape,
  resize,
  sizeOfAxis,
  slice,
  unsqueeze,
} from '../../emit/index.ts';
import { inputOf, numbersOf, type Operator, type OperatorTable } from './operator.ts';

const resized =
  (method: ResizeOptions['method']): Operator =>
  (call) =>
    resize(call.e, inputOf(call, 0), cast(call.e, inputOf(call, 1), 'int32'), {
      method,
      alignCorners: call.attributes.bool('align_corners', false),
      halfPixelCenters: call.attributes.bool('half_pixel_centers', false),
    });

/** Where the points of the crops lie along one axis of their picture, in float32 (the CPU backend of TensorFlow.js
 *  has float64: where a point falls within rounding of an edge or a tie, the two may differ).
 *  @param from,to  the boxes' edges, [n, 1], 0 and 1 being the first and the last pixel
 *  @returns [n, count] in pixels: `at` pressed into the picture, `inside` where that changed nothing */
function pointsAlong(e: Emitter, from: Value, to: Value, size: Value, count: number) {
  const zero = e.scalar('float32', 0);
  const last = cast(e, e.emit('Sub', [size, e.integers(1)]), 'float32');
  const point = (): Value => {
    if (count === 1) {
      const middle = e.emit('Mul', [e.emit('Add', [from, to]), e.scalar('float32', 0.5)]);
      return e.emit('Mul', [middle, last]);
    }
    const length = e.emit('Mul', [e.emit('Sub', [to, from]), last]);
    const step = e.emit('Div', [length, e.scalar('float32', count - 1)]);
    const steps = e.constant(
      tensorOf(
        'float32',
        [1, count],
        Array.from({ length: count }, (_, i) => i),
      ),
    );
    return e.emit('Add', [e.emit('Mul', [from, last]), e.emit('Mul', [steps, step])]);
  };
  const at = point();
  return {
    at: e.emit('Min', [e.emit('Max', [at, zero]), last]),
    inside: e.emit('And', [e.emit('GreaterOrEqual', [at, zero]), e.emit('LessOrEqual', [at, last])]),
  };
}

/** Pixels are gathered from the picture as a list of them, four for each point (bilinear) or one. A box of a picture that
 *  the batch doesn't have is zeros. Picture [b, h, w, c], boxes [n, 4] as y, x, y, x, pictures of the boxes [n]. */
const cropAndResize: Operator = (call) => {
  const { e, attributes } = call;
  const image = cast(e, inputOf(call, 0), 'float32');
  const boxes = inputOf(call, 1);
  const method = attributes.text('method', '') || 'bilinear';
  if (method !== 'bilinear' && method !== 'nearest') e.refuse(`the method "${method}"`);
  const [height, width] = numbersOf(call, 3, 'the size of the crops');
  if (!height || !width || height < 1 || width < 1) e.refuse(`crops of ${height} × ${width}`);
  const [batch, rows, columns] = [0, 1, 2].map((axis) => sizeOfAxis(e, image, axis)) as [Value, Value, Value];
  const edge = (i: number) => slice(e, boxes, 1, i, i + 1);
  const y = pointsAlong(e, edge(0), edge(2), rows, height!);
  const x = pointsAlong(e, edge(1), edge(3), columns, width!);

  const asked = unsqueeze(e, cast(e, inputOf(call, 2), 'int64'), 1);
  const lastPicture = e.emit('Sub', [batch, e.integers(1)]);
  const picture = e.emit('Min', [e.emit('Max', [asked, e.integers(0)]), lastPicture]);
  const exists = unsqueeze(e, e.emit('Equal', [asked, picture]), 2, 3);
  const firstRow = e.emit('Mul', [picture, rows]);
  const pixels = reshape(e, image, concat(e, [e.integers(-1), sizeOfAxis(e, image, 3)], 0));
  const gather = (row: Value, column: Value): Value => {
    const line = e.emit('Mul', [e.emit('Add', [firstRow, cast(e, row, 'int64')]), columns]);
    const at = e.emit('Add', [unsqueeze(e, line, 2), unsqueeze(e, cast(e, column, 'int64'), 1)]);
    return e.emit('Gather', [pixels, at], { axis: 0 });
  };
  const between = (a: Value, b: Value, share: Value): Value =>
    e.emit('Add', [a, e.emit('Mul', [e.emit('Sub', [b, a]), share])]);

  const nearest = (at: Value) => e.emit('Floor', [e.emit('Add', [at, e.scalar('float32', 0.5)])]);
  const bilinear = (): Value => {
    const [top, left] = [e.emit('Floor', [y.at]), e.emit('Floor', [x.at])];
    const [bottom, right] = [e.emit('Ceil', [y.at]), e.emit('Ceil', [x.at])];
    const across = unsqueeze(e, e.emit('Sub', [x.at, left]), 1, 3);
    const down = unsqueeze(e, e.emit('Sub', [y.at, top]), 2, 3);
    const upper = between(gather(top, left), gather(top, right), across);
    return between(upper, between(gather(bottom, left), gather(bottom, right), across), down);
  };
  const found = method === 'nearest' ? gather(nearest(y.at), nearest(x.at)) : bilinear();

  const inside = e.emit('And', [unsqueeze(e, y.inside, 2, 3), unsqueeze(e, x.inside, 1, 3)]);
  const outside = e.scalar('float32', attributes.float('extrapolation_value', 0));
  const filled = e.emit('Where', [inside, found, outside]);
  return e.emit('Where', [exists, filled, e.scalar('float32', 0)]);
};

export const imageOperators: OperatorTable = {
  CropAndResize: cropAndResize,
  ResizeBilinear: resized('bilinear'),
  ResizeNearestNeighbor: resized('nearest'),
};
