/** Losses as ONNX nodes. Each is a mean over the batch, so that losses keep their size when the batch changes. */

import type { Value } from '../../model/ir/model.ts';
import { tensorOf } from '../../model/ir/tensor.ts';
import type { Emitter } from '../autodiff/emitter.ts';

/** What the student is trained towards. `output` is a graph output (the first when absent), `student` and `teacher` are
 *  value names. */
export type LossTerm =
  | {
      readonly kind: 'cross-entropy';
      readonly output?: string;
      readonly smoothing?: number;
      /** Batches are mixed in pairs: the second labels and the first one's share come with the batch. */
      readonly mixed?: boolean;
      readonly weight?: number;
    }
  | {
      readonly kind: 'distillation';
      readonly output?: string;
      readonly temperature?: number;
      readonly weight?: number;
    }
  | {
      readonly kind: 'mse' | 'cosine';
      readonly output?: string;
      readonly target: 'labels' | 'teacher';
      readonly weight?: number;
    }
  | {
      readonly kind: 'hint' | 'attention-transfer';
      readonly student: string;
      readonly teacher: string;
      readonly weight?: number;
    };

/** Class index that counts for nothing: padding in sequences. */
export const ignoredLabel = -100;

/** Cross-entropy with class indices, averaged over labels that are not `ignoredLabel`.
 *  @param logits  [batch, …, classes]; ONNX's segmentation layout [batch, classes, …] must be transposed before
 *  @param labels  int64 [batch, …]
 *  @param smoothing  share of the target spread evenly over all classes (Szegedy et al. 2016, §7) */
export function crossEntropy(e: Emitter, logits: Value, labels: Value, smoothing = 0): Value {
  const dims = e.dims(logits);
  const classes = dims.at(-1) ?? 1;
  const rows = dims.slice(0, -1).reduce((a, b) => a * b, 1);
  const log = e.op('LogSoftmax', [e.reshape(logits, [rows, classes])], { axis: -1 });
  const flat = e.reshape(labels, [rows]);
  const counted = e.op('Cast', [e.op('Not', [e.op('Equal', [flat, e.scalar(ignoredLabel, 'int64')])])], {
    to: 1,
  });
  const safe = e.op('Max', [flat, e.scalar(0, 'int64')]);
  const hot = e.op('OneHot', [safe, e.scalar(classes, 'int64'), e.constant(onOff(smoothing, classes))], {
    axis: -1,
  });
  const perRow = e.op('Neg', [e.op('ReduceSum', [e.op('Mul', [hot, log]), e.ints([1])], { keepdims: 0 })]);
  const total = e.op('ReduceSum', [e.op('Mul', [perRow, counted])], { keepdims: 0 });
  return e.op('Div', [total, e.op('Max', [e.op('ReduceSum', [counted], { keepdims: 0 }), 1])]);
}

const onOff = (smoothing: number, classes: number) =>
  tensorOf('float32', [2], [smoothing / classes, 1 - smoothing + smoothing / classes]);

/** T²·KL(softmax(teacher/T) ‖ softmax(student/T)), averaged over rows (Hinton et al. 2015): T² keeps the gradient's size
 *  when T changes. The teacher's entropy is left out of the gradient but in the value, so 0 is perfect agreement. */
export function distillationLoss(e: Emitter, student: Value, teacher: Value, temperature = 4): Value {
  const dims = e.dims(student);
  const classes = dims.at(-1) ?? 1;
  const rows = dims.slice(0, -1).reduce((a, b) => a * b, 1);
  const soft = (v: Value) =>
    e.op('LogSoftmax', [e.op('Div', [e.reshape(v, [rows, classes]), temperature])], { axis: -1 });
  const target = soft(teacher);
  const difference = e.op('Sub', [target, soft(student)]);
  const sum = e.op('ReduceSum', [e.op('Mul', [e.op('Exp', [target]), difference])], { keepdims: 0 });
  return e.op('Mul', [sum, temperature ** 2 / rows]);
}

/** Mean of squared differences over all elements. */
export function meanSquaredError(e: Emitter, prediction: Value, target: Value): Value {
  const d = e.op('Sub', [prediction, e.reshape(target, e.dims(prediction))]);
  return e.op('ReduceMean', [e.op('Mul', [d, d])], { keepdims: 0 });
}

/** 1 − cosine of the angle between flattened samples, averaged over the batch. */
export function cosineLoss(e: Emitter, prediction: Value, target: Value): Value {
  const [a, b] = [prediction, target].map((v) => {
    const dims = e.dims(v);
    return e.reshape(v, [dims[0] ?? 1, dims.slice(1).reduce((x, y) => x * y, 1)]);
  }) as [Value, Value];
  const dot = (x: Value, y: Value) => e.op('ReduceSum', [e.op('Mul', [x, y]), e.ints([1])], { keepdims: 0 });
  const norm = e.op('Sqrt', [e.op('Add', [e.op('Mul', [dot(a, a), dot(b, b)]), 1e-12])]);
  return e.op('Sub', [1, e.op('ReduceMean', [e.op('Div', [dot(a, b), norm])], { keepdims: 0 })]);
}

/** Attention transfer (Zagoruyko & Komodakis 2017): the maps of mean squared activation over channels, each of length 1,
 *  compared by squared distance. Widths may differ, positions may not. @param student,teacher  [batch, channels, …] */
export function attentionTransfer(e: Emitter, student: Value, teacher: Value): Value {
  const map = (v: Value) => {
    const dims = e.dims(v);
    const [batch = 1, channels = 1] = dims;
    const places = dims.slice(2).reduce((a, b) => a * b, 1);
    const energy = e.op('ReduceMean', [e.op('Mul', [v, v]), e.ints([1])], { keepdims: 0 });
    const flat = e.reshape(energy, [batch, channels > 0 ? places : 0]);
    const length = e.op('Sqrt', [
      e.op('Add', [e.op('ReduceSum', [e.op('Mul', [flat, flat]), e.ints([1])]), 1e-12]),
    ]);
    return e.op('Div', [flat, length]);
  };
  const d = e.op('Sub', [map(student), map(teacher)]);
  return e.op('Div', [e.op('ReduceSum', [e.op('Mul', [d, d])], { keepdims: 0 }), e.dims(student)[0] ?? 1]);
}
