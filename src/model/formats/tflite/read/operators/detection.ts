/** Boxes that are kept. */
import { toReference } from 'flatbuffers/js/flexbuffers.js';
import type { Value } from '../../../../ir/model.ts';
import {
  boxesKept,
  cast,
  concat,
  type Emitter,
  limitFrom,
  previousFloat,
  reshape,
  sizeOfAxis,
  slice,
  squeeze,
  toScalar,
  unsqueeze,
} from '../../../emit/index.ts';
import { inputOf, numbersOf, type Operator, type OperatorCall, type OperatorTable } from './operator.ts';

/** Zeros behind a list, up to a length; int64 [1]. */
function filled(e: Emitter, list: Value, length: Value): Value {
  const missing = e.emit('Sub', [length, sizeOfAxis(e, list, 0)]);
  const others = Array.from({ length: e.rank(list) - 1 }, () => e.integers(0));
  const none = Array.from({ length: e.rank(list) }, () => e.integers(0));
  return e.emit('Pad', [list, concat(e, [...none, missing, ...others], 0), e.scalar(e.dtype(list), 0)]);
}

const countOf = (e: Emitter, list: Value): Value => toScalar(e, sizeOfAxis(e, list, 0));

/** Indices up to the most that are asked for, zeros behind those that stay. */
function suppressed(call: OperatorCall) {
  const { e } = call;
  const kept = boxesKept(e, inputOf(call, 0), inputOf(call, 1), {
    most: inputOf(call, 2),
    overlap: limitFrom(e, inputOf(call, 3)),
    above: inputOf(call, 4),
  });
  const most = cast(e, reshape(e, inputOf(call, 2), [1]), 'int64');
  return {
    kept,
    most,
    indices: cast(e, filled(e, kept, most), 'int32'),
    count: cast(e, countOf(e, kept), 'int32'),
  };
}

const suppress: Operator = (call) => {
  const { indices, count } = suppressed(call);
  return [indices, count];
};

/** With the scores of those that stay. */
const suppressWithScores: Operator = (call) => {
  const { e } = call;
  const [sigma] = numbersOf(call, 5, 'the sigma of soft suppression');
  if (sigma !== 0) e.refuse(`soft suppression (sigma ${sigma}), which ONNX's NonMaxSuppression doesn't have`);
  const { kept, most, indices, count } = suppressed(call);
  return [indices, filled(e, e.emit('Gather', [inputOf(call, 1), kept], { axis: 0 }), most), count];
};

interface DetectionSettings {
  readonly maxDetections: number;
  readonly classesPerBox: number;
  readonly perClass: number;
  readonly isRegular: boolean;
  readonly scoreLimit: number;
  readonly overlapLimit: number;
  readonly classes: number;
  /** Of y, x, height, width. */
  readonly scales: readonly [number, number, number, number];
}

/** A FlexBuffers map. Source: tflite/kernels/detection_postprocess.cc, Init. */
function settingsOf({ e, customOptions }: OperatorCall): DetectionSettings {
  const number = (name: string, fallback?: number): number => {
    const value = readNumber(customOptions, name) ?? fallback;
    return value !== undefined && Number.isFinite(value)
      ? value
      : e.refuse(`no number "${name}" among its settings`);
  };
  return {
    maxDetections: number('max_detections'),
    classesPerBox: number('max_classes_per_detection'),
    perClass: number('detections_per_class', 100),
    isRegular: number('use_regular_nms', 0) !== 0,
    scoreLimit: number('nms_score_threshold'),
    overlapLimit: number('nms_iou_threshold'),
    classes: number('num_classes'),
    scales: [number('y_scale'), number('x_scale'), number('h_scale'), number('w_scale')],
  };
}

/** An entry of the map at the root; undefined where there is none. */
function readNumber(bytes: Uint8Array, name: string): number | undefined {
  try {
    // Its types know numbers only.
    const entry = toReference(bytes.slice().buffer).get(name as never);
    const value = entry.isFloat()
      ? entry.floatValue()
      : entry.isBool()
        ? entry.boolValue()
        : entry.intValue();
    return value === null ? undefined : Number(value);
  } catch {
    // The library throws for bytes that are no map, and for entries that aren't there.
    return undefined;
  }
}

/** Corners [n, 4] (y, x, y, x) of boxes that are given as distances from anchors: centre and size, both [n, 4]. */
function decoded(e: Emitter, boxes: Value, anchors: Value, scales: DetectionSettings['scales']): Value {
  const part = (x: Value, at: number) => slice(e, x, 1, at, at + 1);
  const axis = (at: 0 | 1) => {
    const size = part(anchors, at + 2);
    const offset = e.emit('Div', [part(boxes, at), e.scalar('float32', scales[at])]);
    const centre = e.emit('Add', [e.emit('Mul', [offset, size]), part(anchors, at)]);
    const growth = e.emit('Exp', [
      e.emit('Div', [part(boxes, at + 2), e.scalar('float32', scales[at + 2]!)]),
    ]);
    const half = e.emit('Mul', [e.emit('Mul', [growth, size]), e.scalar('float32', 0.5)]);
    return [e.emit('Sub', [centre, half]), e.emit('Add', [centre, half])] as const;
  };
  const [[top, bottom], [left, right]] = [axis(0), axis(1)];
  return concat(e, [top, left, bottom, right], 1);
}

/** Boxes, classes, scores and the number of the detections of an SSD, best first; zeros behind them (LiteRT leaves there
 *  what was in memory). Inputs: boxes [1, n, 4…], scores [1, n, classes, maybe after one of the background], anchors [n, 4].
 *  Source: tflite/kernels/detection_postprocess.cc. */
const postProcess: Operator = (call) => {
  const { e } = call;
  const settings = settingsOf(call);
  const { maxDetections, classesPerBox, classes, scales, scoreLimit, overlapLimit } = settings;
  const given = inputOf(call, 1);
  const columns = e.sizes(given).at(-1);
  const isFine = [maxDetections, classesPerBox, classes, settings.perClass].every(
    (n) => Number.isInteger(n) && n > 0,
  );
  if (
    !isFine ||
    typeof columns !== 'number' ||
    columns < classes ||
    columns > classes + 1 ||
    !(scoreLimit > 0)
  )
    e.refuse(
      `${maxDetections} detections of ${classes} classes above ${scoreLimit}, from ${String(columns)} scores`,
    );
  const corners = decoded(e, squeeze(e, inputOf(call, 0), 0), inputOf(call, 2), scales);
  const scores = slice(e, squeeze(e, given, 0), 1, (columns as number) - classes, columns as number);
  // LiteRT keeps a score that equals the limit, ONNX only those above.
  const above = e.scalar('float32', previousFloat(scoreLimit));
  const overlap = e.scalar('float32', overlapLimit);
  const found = settings.isRegular
    ? detectionsByClass(e, corners, scores, settings, above, overlap)
    : detectionsByBox(e, corners, scores, settings, above, overlap);
  const length = e.integers(maxDetections * (settings.isRegular ? 1 : Math.min(classesPerBox, classes)));
  const whole = [found.boxes, found.classes, found.scores].map((list) =>
    unsqueeze(e, filled(e, list, length), 0),
  );
  return [...whole, cast(e, found.count, 'float32')];
};

interface Detections {
  readonly boxes: Value;
  readonly classes: Value;
  readonly scores: Value;
  /** [1] */
  readonly count: Value;
}

/** Boxes are suppressed by their best class; each has its best classes. */
function detectionsByBox(
  e: Emitter,
  corners: Value,
  scores: Value,
  { maxDetections, classesPerBox, classes }: DetectionSettings,
  above: Value,
  overlap: Value,
): Detections {
  const each = Math.min(classesPerBox, classes);
  if (each !== classesPerBox) e.refuse(`${classesPerBox} of ${classes} classes for each box`);
  const best = e.emit('ReduceMax', [scores], { axes: [1], keepdims: 0 });
  const kept = boxesKept(e, corners, best, { most: e.scalar('int64', maxDetections), overlap, above });
  const rows = e.emit('Gather', [scores, kept], { axis: 0 });
  const [values, which] = e.emitAll('TopK', [rows, e.integers(each)], 2, { axis: 1 }) as [Value, Value];
  const repeated = e.emit('Expand', [
    unsqueeze(e, e.emit('Gather', [corners, kept], { axis: 0 }), 1),
    e.integers(1, each, 1),
  ]);
  return {
    boxes: reshape(e, repeated, [-1, 4]),
    classes: cast(e, reshape(e, which, [-1]), 'float32'),
    scores: reshape(e, values, [-1]),
    count: sizeOfAxis(e, kept, 0),
  };
}

/** Each class is suppressed by itself; the best of all stay. */
function detectionsByClass(
  e: Emitter,
  corners: Value,
  scores: Value,
  { maxDetections, perClass }: DetectionSettings,
  above: Value,
  overlap: Value,
): Detections {
  const byClass = e.emit('Transpose', [scores], { perm: [1, 0] });
  // [found, (batch, class, box)]
  const found = e.emit('NonMaxSuppression', [
    unsqueeze(e, corners, 0),
    unsqueeze(e, byClass, 0),
    e.integers(Math.min(perClass, maxDetections)),
    reshape(e, overlap, [1]),
    reshape(e, above, [1]),
  ]);
  const values = e.emit('GatherND', [byClass, slice(e, found, 1, 1, 3)]);
  const count = e.emit('Min', [sizeOfAxis(e, found, 0), e.integers(maxDetections)]);
  const [best, order] = e.emitAll('TopK', [values, count], 2) as [Value, Value];
  const rows = e.emit('Gather', [found, order], { axis: 0 });
  const column = (at: number) => squeeze(e, slice(e, rows, 1, at, at + 1), 1);
  return {
    boxes: e.emit('Gather', [corners, column(2)], { axis: 0 }),
    classes: cast(e, column(1), 'float32'),
    scores: best,
    count,
  };
}

export const detectionOperators: OperatorTable = {
  NON_MAX_SUPPRESSION_V4: suppress,
  NON_MAX_SUPPRESSION_V5: suppressWithScores,
  TFLite_Detection_PostProcess: postProcess,
};
