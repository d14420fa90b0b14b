/** The second half of a training step: from gradients to new weights. */

import { addInput, createModel, createValue } from '../../model/ir/edit.ts';
import type { Model, Value } from '../../model/ir/model.ts';
import { elementCount, type Tensor } from '../../model/ir/tensor.ts';
import { tensorType } from '../../model/ir/type.ts';
import { emptyRecord, own } from '../../support/own.ts';
import { createEmitter, type Emitter } from '../autodiff/emitter.ts';
import { trainingOpset } from '../autodiff/prepare.ts';
import { slotsOf, updateRule } from './optimizers.ts';
import type { StepSpec } from './step.ts';
import {
  floatInput,
  measures,
  namedOutput,
  readOnly,
  scalarInputs,
  type Variable,
  variable,
  zeros,
} from './step-variables.ts';

/** A weight in training. */
export interface Tracked {
  readonly name: string;
  readonly kind: 'weight' | 'auxiliary';
  readonly initial: Tensor;
  readonly value: Value;
  /** Whether regularisation pulls at it. */
  readonly decays: boolean;
  readonly gradient: Value;
}

interface EmittedUpdate {
  readonly variables: Variable[];
  /** Inputs of the masks, by weight. */
  readonly masks: Record<string, string>;
}

/** Clipping, optimiser, masks and moving averages. */
export function emitUpdate(e: Emitter, spec: StepSpec, found: readonly Tracked[]): EmittedUpdate {
  const learningRate = floatInput(e, scalarInputs.learningRate, []);
  const step = floatInput(e, scalarInputs.step, []);
  const tracked = scaled(e, spec, found);
  const squares = squaredNorms(e, tracked);
  namedOutput(e, measures.gradientNorms, e.op('Sqrt', [squares]));
  const clip = spec.clipNorm ? clipFactor(e, spec.clipNorm, squares) : null;
  const update = updateRule(e, spec.optimizer, { learningRate, step });
  const variables: Variable[] = [];
  const masks: Record<string, string> = emptyRecord();
  const slotNames = slotsOf(spec.optimizer);
  for (const t of tracked) {
    const { dims } = t.initial;
    const gradient = clip ? e.op('Mul', [t.gradient, clip]) : t.gradient;
    const slots = slotNames.map((slot) => floatInput(e, `${t.name}.${slot}`, dims));
    const [proposed, ...nextSlots] = update(t.decays ? spec : {}, t.value, gradient, slots);
    let weight = bounded(e, spec, t, proposed as Value);
    if (spec.masked?.includes(t.name)) {
      const mask = floatInput(e, `${t.name}.mask`, dims);
      masks[t.name] = mask.name;
      weight = e.op('Mul', [weight, mask]);
    }
    variables.push(variable(e, t.kind, t.name, t.value, weight, t.initial));
    for (const [i, slot] of slotNames.entries())
      variables.push(
        variable(e, 'slot', `${t.name}.${slot}`, slots[i] as Value, nextSlots[i] as Value, zeros(dims)),
      );
    if (spec.ema && t.kind === 'weight') variables.push(movingAverage(e, spec.ema, t, weight));
  }
  return { variables, masks };
}

/** Gradients with the factors that single parameters have. */
const scaled = (e: Emitter, spec: StepSpec, tracked: readonly Tracked[]): readonly Tracked[] =>
  tracked.map((t) => {
    const factor = own(spec.each ?? {}, t.name)?.gradient;
    return factor === undefined ? t : { ...t, gradient: e.op('Mul', [t.gradient, factor]) };
  });

/** The squared norm of every gradient, [weights]. */
function squaredNorms(e: Emitter, tracked: readonly Tracked[]): Value {
  const squares = tracked.map((t) =>
    e.op('ReduceSumSquare', [e.reshape(t.gradient, [elementCount(t.initial.dims)]), e.ints([0])], {
      keepdims: 1,
    }),
  );
  return squares.length > 1 ? e.op('Concat', squares, { axis: 0 }) : (squares[0] as Value);
}

/** What makes all gradients together no longer than `clipNorm`. */
function clipFactor(e: Emitter, clipNorm: number, squares: Value): Value {
  const norm = e.op('Sqrt', [e.op('ReduceSum', [squares], { keepdims: 0 })]);
  return e.op('Min', [1, e.op('Div', [clipNorm, e.op('Add', [norm, 1e-6])])]);
}

/** The new weight within the limits that single parameters have. */
function bounded(e: Emitter, spec: StepSpec, { name, value }: Tracked, proposed: Value): Value {
  const { rate, least } = own(spec.each ?? {}, name) ?? {};
  const change = rate && e.op('Mul', [e.op('Sub', [proposed, value]), e.constant(rate)]);
  const moved = change ? e.op('Add', [value, change]) : proposed;
  return least ? e.op('Max', [moved, e.constant(least)]) : moved;
}

function movingAverage(e: Emitter, decay: number, t: Tracked, weight: Value): Variable {
  const average = floatInput(e, `${t.name}.average`, t.initial.dims);
  const next = e.op('Add', [e.op('Mul', [average, decay]), e.op('Mul', [weight, 1 - decay])]);
  return variable(e, 'average', `${t.name}.average`, average, next, t.initial);
}

/** Gradients added up over batches, where an update waits for several: each counts by its share. */
export function accumulateGradients(e: Emitter, batches: number, tracked: readonly Tracked[]): Variable[] {
  return tracked.map((t) => {
    const { dims } = t.initial;
    const sum = floatInput(e, `${t.name}.gradient`, dims);
    const share = e.op('Mul', [t.gradient, 1 / batches]);
    return variable(e, 'accumulated', `${t.name}.gradient`, sum, e.op('Add', [sum, share]), zeros(dims));
  });
}

/** The update by itself, from summed gradients. */
export function updateModel(spec: StepSpec, tracked: readonly Tracked[]): EmittedUpdate & { model: Model } {
  const model = createModel({ opsets: new Map([['', trainingOpset]]), irVersion: 10 });
  const e = createEmitter(model);
  const own = tracked.map((t) => {
    const type = tensorType('float32', t.initial.dims);
    const value = addInput(model.graph, createValue(model.names, t.value.name, type, true));
    const gradient = addInput(model.graph, createValue(model.names, `${t.name}.gradient`, type));
    return { ...t, value, gradient };
  });
  const { variables, masks } = emitUpdate(e, spec, own);
  const sums = own.map((t) =>
    readOnly('accumulated', `${t.name}.gradient`, t.gradient, zeros(t.initial.dims)),
  );
  return { model, variables: [...variables, ...sums], masks };
}
