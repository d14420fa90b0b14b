/** The weighted sum of losses that a step minimises, built onto the student's graph. */

import type { DType } from '../../model/ir/dtype.ts';
import { addInput, createValue } from '../../model/ir/edit.ts';
import { type Graph, isOp, type Model, type Value } from '../../model/ir/model.ts';
import { elementCount, type Tensor, tensorOf } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { findValue } from '../../model/ir/walk.ts';
import { hintShapes, lossNotApplicable, lossTarget } from '../../support/diagnostics/training.ts';
import { createRandom } from '../../support/random.ts';
import type { Emitter } from '../autodiff/emitter.ts';
import {
  attentionTransfer,
  cosineLoss,
  crossEntropy,
  distillationLoss,
  type LossTerm,
  meanSquaredError,
} from './losses.ts';

/** A tensor that each batch brings along, besides the student's inputs. */
export interface TargetPort {
  readonly name: string;
  readonly dtype: DType;
  readonly dims: readonly number[];
  /** What it is: the labels, or this value of the teacher. */
  readonly source: { readonly kind: 'labels' } | { readonly kind: 'teacher'; readonly value: string };
}

/** A weight that serves the loss and is thrown away after training (a hint's projection). */
export interface AuxiliaryWeight {
  readonly value: Value;
  readonly initial: Tensor;
}

export interface Objective {
  readonly loss: Value;
  /** Each term before its weight, by name. */
  readonly parts: Readonly<Record<string, Value>>;
  /** Share of labels that the arg max meets; null without cross-entropy. */
  readonly accuracy: Value | null;
  readonly targets: readonly TargetPort[];
  readonly auxiliary: readonly AuxiliaryWeight[];
}

export interface TeacherShapes {
  readonly [value: string]: readonly number[];
}

/** @param teacher  sizes of the teacher's values that the terms name, batch included
 *  @throws LOSS_TARGET for a value that isn't there, HINT_SHAPES, LOSS_NOT_APPLICABLE */
export function buildObjective(
  e: Emitter,
  terms: readonly LossTerm[],
  teacher: TeacherShapes = {},
): Objective {
  const targets: TargetPort[] = [];
  const inputs = new Map<string, Value>();
  const auxiliary: AuxiliaryWeight[] = [];
  const target = (port: TargetPort): Value => {
    const known = inputs.get(port.name);
    if (known) return known;
    const value = createValue(e.model.names, port.name, tensorType(port.dtype, port.dims), true);
    addInput(e.graph, value);
    inputs.set(port.name, value);
    targets.push(port);
    return value;
  };
  const fromTeacher = (name: string, dims: readonly number[]): Value =>
    target({ name: `teacher.${name}`, dtype: 'float32', dims, source: { kind: 'teacher', value: name } });
  const labels = (dtype: DType, dims: readonly number[]): Value =>
    target({ name: 'labels', dtype, dims, source: { kind: 'labels' } });

  const parts: Record<string, Value> = {};
  let [loss, accuracy]: (Value | null)[] = [null, null];
  for (const [i, term] of terms.entries()) {
    const part = build(term);
    parts[terms.findIndex((t) => t.kind === term.kind) === i ? term.kind : `${term.kind}.${i}`] = part;
    const weighted = (term.weight ?? 1) === 1 ? part : e.op('Mul', [part, term.weight ?? 1]);
    loss = loss ? e.op('Add', [loss, weighted]) : weighted;
  }
  if (!loss) throw lossNotApplicable('training', 'no loss was given');
  return { loss, parts, accuracy: accuracy ?? null, targets, auxiliary };

  function build(term: LossTerm): Value {
    switch (term.kind) {
      case 'cross-entropy': {
        const logits = classScores(e, outputOf(e.graph, term.output));
        const given = labels('int64', e.dims(logits).slice(0, -1));
        accuracy ??= hitRate(e, logits, given);
        const own = crossEntropy(e, logits, given, term.smoothing);
        if (!term.mixed) return own;
        const side = { source: { kind: 'labels' } } as const;
        const other = target({ name: 'labels.other', dtype: 'int64', dims: e.dims(given), ...side });
        const share = target({ name: 'labels.share', dtype: 'float32', dims: [], ...side });
        const rest = e.op('Mul', [crossEntropy(e, logits, other, term.smoothing), e.op('Sub', [1, share])]);
        return e.op('Add', [e.op('Mul', [own, share]), rest]);
      }
      case 'distillation': {
        const output = outputOf(e.graph, term.output);
        const logits = classScores(e, output);
        return distillationLoss(e, logits, fromTeacher(output.name, e.dims(logits)), term.temperature);
      }
      case 'mse':
      case 'cosine': {
        const output = outputOf(e.graph, term.output);
        const dims = e.dims(output);
        const wanted = term.target === 'teacher' ? fromTeacher(output.name, dims) : labels('float32', dims);
        return (term.kind === 'mse' ? meanSquaredError : cosineLoss)(e, output, wanted);
      }
      case 'attention-transfer':
      case 'hint': {
        const student = valueNamed(e.model, term.student);
        const dims = teacher[term.teacher];
        if (!dims) throw lossTarget(term.teacher, Object.keys(teacher), 'teacher');
        const wanted = fromTeacher(term.teacher, dims);
        if (term.kind === 'attention-transfer') return attentionTransfer(e, student, wanted);
        return meanSquaredError(e, projected(student, dims, term.student), wanted);
      }
    }
  }

  /** A learnt linear map to the teacher's width: 1×1 Conv over channels (rank 3 and 4 images), MatMul over the last axis. */
  function projected(student: Value, dims: readonly number[], name: string): Value {
    const have = e.dims(student);
    if (have.length !== dims.length) throw hintShapes(name, have, dims);
    const different = have.flatMap((d, i) => (d === dims[i] ? [] : [i]));
    if (different.length === 0) return student;
    const axis = different[0] as number;
    const image = have.length === 4 && axis === 1;
    if (different.length > 1 || !(image || axis === have.length - 1)) throw hintShapes(name, have, dims);
    const [from, to] = [have[axis] as number, dims[axis] as number];
    const random = createRandom(from * 65_537 + to);
    const shape = image ? [to, from, 1, 1] : [from, to];
    const initial = tensorOf(
      'float32',
      shape,
      Float32Array.from({ length: elementCount(shape) }, () => random.normal() / Math.sqrt(from)),
    );
    const value = createValue(e.model.names, `${name}.projection`, tensorType('float32', shape));
    addInput(e.graph, value);
    auxiliary.push({ value, initial });
    return image ? e.op('Conv', [student, value]) : e.op('MatMul', [student, value]);
  }
}

/** What a model that ends in (Log)Softmax computes before it; else the output itself. */
export function beforeSoftmax(output: Value): Value {
  const { producer } = output;
  return producer && isOp(producer, 'Softmax', 'LogSoftmax') ? (producer.inputs[0] as Value) : output;
}

/** Logits with the classes last; [N, C, 1, 1] and the like become [N, C]. */
function classScores(e: Emitter, output: Value): Value {
  const logits = beforeSoftmax(output);
  const [batch = 1, ...rest] = e.dims(logits);
  const wide = rest.filter((d) => d > 1);
  return rest.length > 1 && wide.length === 1 && rest.length !== 2
    ? e.reshape(logits, [batch, wide[0] as number])
    : logits;
}

function hitRate(e: Emitter, logits: Value, labels: Value): Value {
  const best = e.op('ArgMax', [logits], { axis: -1, keepdims: 0 });
  const hits = e.op('Cast', [e.op('Equal', [best, labels])], { to: 1 });
  const counted = e.op('Cast', [e.op('GreaterOrEqual', [labels, e.scalar(0, 'int64')])], { to: 1 });
  const sum = (v: Value) => e.op('ReduceSum', [v], { keepdims: 0 });
  return e.op('Div', [sum(hits), e.op('Max', [sum(counted), 1])]);
}

function outputOf(graph: Graph, name: string | undefined): Value {
  const found = name === undefined ? graph.outputs[0] : graph.outputs.find((o) => o.name === name);
  if (!found)
    throw lossTarget(
      name ?? '(first)',
      graph.outputs.map((o) => o.name),
      'student',
    );
  return found;
}

function valueNamed(model: Model, name: string): Value {
  const found = findValue(model, name);
  if (!found)
    throw lossTarget(
      name,
      model.graph.nodes.flatMap((n) => n.outputs[0]?.name ?? []),
      'student',
    );
  return found;
}
