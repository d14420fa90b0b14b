/** Constants, ranges and what selects boxes. */
import { intAttribute } from '../../../../ir/attribute.ts';
import { constantNodeTensor } from '../../../../ir/constant-node.ts';
import { type Node, shapeOf } from '../../../../ir/model.ts';
import { numbers, tensorOf } from '../../../../ir/tensor.ts';
import {
  type Emitter,
  refuse,
  staticShapeAt,
  type TfOperator,
  type TfOperators,
  typeOf,
} from '../emitter.ts';
import type { Ref } from '../graph.ts';
import { cast } from './elementwise.ts';
import { concat, fill, reshape, sliceVector } from './shaping.ts';

const constant: TfOperator = (node, e) => {
  const tensor = constantNodeTensor(node);
  return tensor ? e.constant(tensor) : refuse(node, 'it is sparse');
};

const constantOfShape: TfOperator = (node, e) => {
  const a = node.attributes.get('value');
  const value = a?.type === 'tensor' ? a.value : tensorOf('float32', [1], [0]);
  const number = numbers(value)[0] ?? 0;
  const type = typeOf(node.outputs[0]);
  const filled = fill(e, e.input(node, 0), type === 'float32' ? e.float(number) : e.int(number));
  return cast(e, filled, type);
};

const range: TfOperator = (node, e) => {
  const parts = [0, 1, 2].map((i) => reshape(e, e.input(node, i), []));
  const type = typeOf(node.outputs[0]);
  return e.op('Range', parts, { Tidx: { type } }, type);
};

const eyeLike: TfOperator = (node, e) => {
  const [rows, columns] = staticShapeAt(node, 0) as [number, number];
  const k = intAttribute(node, 'k', 0);
  const ones = Float32Array.from({ length: rows * columns }, (_, i) =>
    (i % columns) - Math.floor(i / columns) === k ? 1 : 0,
  );
  return cast(e, e.constant(tensorOf('float32', [rows, columns], ones)), typeOf(node.outputs[0]));
};

/** Selected boxes as rows [batch, class, box]: one selection for each class of each batch. */
const nonMaxSuppression: TfOperator = (node, e) => {
  const [batches, classes] = shapeOf(node.inputs[1]) ?? [];
  if (typeof batches !== 'number' || typeof classes !== 'number')
    return refuse(node, 'the number of batches or classes is not known');
  if (batches * classes > 256) return refuse(node, `it selects ${batches * classes} times`);
  const most = node.inputs[2] ? reshape(e, cast(e, e.input(node, 2), 'int32'), []) : e.int(0);
  const overlap = node.inputs[3] ? reshape(e, e.input(node, 3), []) : e.float(0);
  const threshold = node.inputs[4] ? reshape(e, e.input(node, 4), []) : e.float(Number.NEGATIVE_INFINITY);
  const rows: Ref[] = [];
  for (let batch = 0; batch < batches; batch++) {
    const boxes = boxesOf(node, e, row(e, e.input(node, 0), batch));
    const scores = row(e, e.input(node, 1), batch);
    for (let c = 0; c < classes; c++) {
      const inputs = [boxes, row(e, scores, c), most, overlap, threshold];
      rows.push(labelled(e, e.op('NonMaxSuppressionV3', inputs, {}, 'int32'), batch, c));
    }
  }
  return concat(e, rows, 0);
};

/** One index of the first axis. */
const row = (e: Emitter, x: Ref, index: number): Ref =>
  e.op('GatherV2', [x, e.int(index), e.int(0)], { batch_dims: { int: 0 } });

/** Corners; a centre with width and height becomes them. */
function boxesOf(node: Node, e: Emitter, boxes: Ref): Ref {
  if (intAttribute(node, 'center_point_box', 0) === 0) return boxes;
  const [x, y, width, height] = e.ops('Split', [e.int(1), boxes], Array(4).fill('float32'), {
    num_split: { int: 4 },
  });
  const half = (side: Ref) => e.op('Mul', [side, e.float(0.5)]);
  const ends = (at: Ref, side: Ref) =>
    [e.op('Sub', [at, half(side)]), e.op('AddV2', [at, half(side)])] as const;
  const [[left, right], [top, bottom]] = [ends(x!, width!), ends(y!, height!)];
  return concat(e, [top, left, bottom, right], 1);
}

function labelled(e: Emitter, indices: Ref, batch: number, index: number): Ref {
  const column = e.op('ExpandDims', [indices, e.int(1)]);
  const count = sliceVector(e, e.op('Shape', [indices], {}, 'int32'), 0, 1);
  const labels = e.op('Tile', [reshape(e, e.int([batch, index]), [1, 2]), concat(e, [count, e.int([1])])]);
  return concat(e, [labels, column], 1);
}

export const creation: TfOperators = {
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Range: range,
  EyeLike: eyeLike,
  NonMaxSuppression: nonMaxSuppression,
};
