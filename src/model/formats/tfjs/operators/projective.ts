/** Pictures under projective maps. */
import type { Value } from '../../../ir/model.ts';
import { tensorOf } from '../../../ir/tensor.ts';
import {
  cast,
  concat,
  type Emitter,
  reshape,
  sizeOfAxis,
  slice,
  toScalar,
  unsqueeze,
} from '../../emit/index.ts';
import { inputOf, numbersOf, type Operator, type OperatorTable } from './operator.ts';

const counting = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Where coordinates beyond a picture's edges read, along an axis of `size` pixels. A picture of one pixel is that pixel.
 *  Source: tfjs-backend-cpu src/kernels/Transform.ts. */
const beyond: Readonly<Record<string, (e: Emitter, at: Value, size: Value) => Value>> = {
  constant: (_, at) => at,
  nearest: (e, at, size) => within(e, at, size),
  reflect(e, at, size) {
    const [zero, one] = [e.scalar('float32', 0), e.scalar('float32', 1)];
    const twice = e.emit('Add', [size, size]);
    const negative = e.emit('Neg', [at]);
    // Left of it: into (−2·size, 0], then mirrored at the edge.
    const moved = e.emit('Add', [e.emit('Mul', [twice, truncated(e, e.emit('Div', [negative, twice]))]), at]);
    const left = e.emit('Where', [
      e.emit('Less', [moved, e.emit('Neg', [size])]),
      e.emit('Add', [moved, twice]),
      e.emit('Sub', [e.emit('Neg', [moved]), one]),
    ]);
    const rest = e.emit('Sub', [at, e.emit('Mul', [twice, truncated(e, e.emit('Div', [at, twice]))])]);
    const right = e.emit('Where', [
      e.emit('GreaterOrEqual', [rest, size]),
      e.emit('Sub', [e.emit('Sub', [twice, rest]), one]),
      rest,
    ]);
    return within(e, e.emit('Where', [e.emit('Less', [at, zero]), left, right]), size);
  },
  wrap(e, at, size) {
    const [zero, one] = [e.scalar('float32', 0), e.scalar('float32', 1)];
    const last = e.emit('Sub', [size, one]);
    // Of one pixel the result is pressed to 0 whatever is divided by.
    const period = e.emit('Max', [last, one]);
    const rounds = (x: Value) => truncated(e, e.emit('Div', [x, period]));
    const left = e.emit('Add', [
      at,
      e.emit('Mul', [size, e.emit('Add', [rounds(e.emit('Neg', [at])), one])]),
    ]);
    const right = e.emit('Sub', [at, e.emit('Mul', [size, rounds(at)])]);
    const outside = e.emit('Where', [e.emit('Less', [at, zero]), left, right]);
    const inside = e.emit('And', [e.emit('GreaterOrEqual', [at, zero]), e.emit('LessOrEqual', [at, last])]);
    return within(e, e.emit('Where', [inside, at, outside]), size);
  },
};

/** Towards 0, of what is not negative. */
const truncated = (e: Emitter, x: Value): Value => e.emit('Floor', [x]);

const within = (e: Emitter, at: Value, size: Value): Value =>
  e.emit('Min', [e.emit('Max', [at, e.scalar('float32', 0)]), e.emit('Sub', [size, e.scalar('float32', 1)])]);

/** Each pixel (x, y) of the result reads the picture at ((a₀x + a₁y + a₂) / k, (b₀x + b₁y + b₂) / k), k = c₀x + c₁y + 1, in
 *  float32 (TensorFlow.js' CPU backend has float64: within rounding of an edge or a tie the two may differ). Images [b, h, w, c],
 *  maps [b or 1, 8] as a, b, c. */
const projected: Operator = (call) => {
  const { e, attributes } = call;
  const image = cast(e, inputOf(call, 0), 'float32');
  const maps = cast(e, inputOf(call, 1), 'float32');
  const [height, width] = numbersOf(call, 2, 'the size of its result');
  if (!height || !width || height < 1 || width < 1) return e.refuse(`a result of ${height} × ${width}`);
  const outside = call.inputs[3] ? cast(e, toScalar(e, call.inputs[3]), 'float32') : e.scalar('float32', 0);
  const method = attributes.text('interpolation', '').toLowerCase();
  if (method !== 'nearest' && method !== 'bilinear') return e.refuse(`the interpolation "${method}"`);
  const mode = attributes.text('fill_mode', '').toLowerCase() || 'constant';
  const map = Object.hasOwn(beyond, mode) ? beyond[mode]! : e.refuse(`the fill mode "${mode}"`);

  const across = e.constant(tensorOf('float32', [1, 1, width], counting(width)));
  const down = e.constant(tensorOf('float32', [1, height, 1], counting(height)));
  const entry = (i: number) => unsqueeze(e, slice(e, maps, 1, i, i + 1), 2);
  const sum = (i: number, j: number, last: Value) =>
    e.emit('Add', [
      e.emit('Add', [e.emit('Mul', [entry(i), across]), e.emit('Mul', [entry(j), down])]),
      last,
    ]);
  const divisor = sum(6, 7, e.scalar('float32', 1));
  const nowhere = e.emit('Equal', [divisor, e.scalar('float32', 0)]);
  const safe = e.emit('Where', [nowhere, e.scalar('float32', 1), divisor]);
  const [rows, columns] = [1, 2].map((axis) => sizeOfAxis(e, image, axis)) as [Value, Value];
  const [tall, wide] = [rows, columns].map((v) => cast(e, v, 'float32')) as [Value, Value];
  const x = map(e, e.emit('Div', [sum(0, 1, entry(2)), safe]), wide);
  const y = map(e, e.emit('Div', [sum(3, 4, entry(5)), safe]), tall);

  const pixels = reshape(e, image, concat(e, [e.integers(-1), sizeOfAxis(e, image, 3)], 0));
  const batch = sizeOfAxis(e, image, 0);
  const picture = e.emit('Range', [e.scalar('int64', 0), toScalar(e, batch), e.scalar('int64', 1)]);
  const first = e.emit('Mul', [unsqueeze(e, picture, 1, 2), rows]);
  const inRange = (at: Value, size: Value) =>
    e.emit('And', [e.emit('GreaterOrEqual', [at, e.scalar('float32', 0)]), e.emit('Less', [at, size])]);
  /** [b, height, width, c]; the fill where there is no such pixel. */
  const read = (row: Value, column: Value): Value => {
    const [r, c] = [within(e, row, tall), within(e, column, wide)].map((v) => cast(e, v, 'int64')) as [
      Value,
      Value,
    ];
    const line = e.emit('Mul', [e.emit('Add', [first, r]), columns]);
    const found = e.emit('Gather', [pixels, e.emit('Add', [line, c])], { axis: 0 });
    const exists = e.emit('And', [inRange(row, tall), inRange(column, wide)]);
    return e.emit('Where', [unsqueeze(e, exists, 3), found, outside]);
  };
  const rounded = (at: Value) => e.emit('Floor', [e.emit('Add', [at, e.scalar('float32', 0.5)])]);
  const bilinear = (): Value => {
    const [top, left] = [e.emit('Floor', [y]), e.emit('Floor', [x])];
    const [bottom, right] = [top, left].map((v) => e.emit('Add', [v, e.scalar('float32', 1)])) as [
      Value,
      Value,
    ];
    const share = (from: Value, to: Value) => unsqueeze(e, e.emit('Sub', [to, from]), 3);
    const mixed = (a: Value, b: Value, before: Value, behind: Value) =>
      e.emit('Add', [e.emit('Mul', [before, a]), e.emit('Mul', [behind, b])]);
    const [toRight, fromLeft] = [share(x, right), share(left, x)];
    const upper = mixed(read(top, left), read(top, right), toRight, fromLeft);
    const lower = mixed(read(bottom, left), read(bottom, right), toRight, fromLeft);
    return mixed(upper, lower, share(y, bottom), share(top, y));
  };
  const found = method === 'nearest' ? read(rounded(y), rounded(x)) : bilinear();
  return e.emit('Where', [unsqueeze(e, nowhere, 3), outside, found]);
};

export const projectiveOperators: OperatorTable = { ImageProjectiveTransformV3: projected };
