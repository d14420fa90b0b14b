/** One training step as one ONNX graph: forward, backward and update. Weights, statistics and optimiser state go in as
 *  inputs and come out as outputs, so a step moves no weight but into memory that is there already. */
import { createEmitter, type Emitter } from '../autodiff/emitter.ts';
import { differentiate } from '../autodiff/gradients.ts';
import { lower } from '../autodiff/lower.ts';
import { type ParameterChoice, trainableParameters } from '../autodiff/parameters.ts';
import { prepareTraining, removeDead, trainingOpset } from '../autodiff/prepare.ts';
import { recomputeForward } from '../autodiff/recompute.ts';
import type { Port } from '../engine/contract.ts';
import {
  addInput,
  addNode,
  addOutput,
  createModel,
  createValue,
  removeInitializer,
  replaceAllUses,
  setOutputs,
} from '../ir/edit.ts';
import { isGraphOutput, isOp, type Model, shapeOf, type Value } from '../ir/model.ts';
import { elementCount, type Tensor, tensorOf } from '../ir/tensor.ts';
import { tensorType } from '../ir/type.ts';
import { nothingToTrain } from '../support/diagnostics/training.ts';
import type { LossTerm } from './losses.ts';
import { buildObjective, type TargetPort, type TeacherShapes } from './objective.ts';
import { type OptimizerSpec, type Regularization, slotsOf, updateRule } from './optimizers.ts';

export interface StepSpec extends Regularization {
  /** Sizes of the student's inputs with the batch in front. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly losses: readonly LossTerm[];
  readonly optimizer: OptimizerSpec;
  readonly parameters?: ParameterChoice;
  /** Sizes of the teacher's values that hints name. */
  readonly teacher?: TeacherShapes;
  /** Largest global norm of the gradient; 0: no clipping. */
  readonly clipNorm?: number;
  /** Decay of the moving average of weights; 0: none. */
  readonly ema?: number;
  /** Batches whose gradients are averaged before an update. */
  readonly accumulate?: number;
  /** 'batch' (default): BatchNormalization by the batch, running statistics follow; 'running': as deployed. */
  readonly statistics?: 'batch' | 'running';
  /** Exceptions for single parameters, by name. */
  readonly each?: Readonly<Record<string, ParameterRule>>;
  /** Weights that are multiplied by a mask after every update, by name: what is zero at first stays zero (pruning). */
  readonly masked?: readonly string[];
  /** Keep only the activations at the borders of this many segments and compute the others again on the way back. */
  readonly recompute?: number;
}

/** How one parameter differs from the others in training. */
export interface ParameterRule {
  /** Factor on the gradient, before clipping and the optimiser. */
  readonly gradient?: number;
  /** Factor on the change that the optimiser makes; float32, broadcast over the parameter. */
  readonly rate?: Tensor;
  /** The parameter never falls below this; float32, broadcast over it. */
  readonly least?: Tensor;
}

/** A tensor that lives from step to step: read from input `input`, written by output `output`. */
export interface Variable {
  /** Initialiser of the student, or that with the slot's name behind it. */
  readonly name: string;
  readonly kind: 'weight' | 'statistic' | 'slot' | 'average' | 'accumulated' | 'auxiliary';
  readonly input: string;
  readonly output: string;
  readonly initial: Tensor;
}

export interface TrainingStep {
  readonly model: Model;
  /** With accumulation: the update by itself; `model` then only adds gradients up. */
  readonly update: Model | null;
  readonly variables: readonly Variable[];
  readonly updateVariables: readonly Variable[];
  /** The student's inputs with all their sizes. */
  readonly inputs: readonly Port[];
  readonly targets: readonly TargetPort[];
  /** Names of the weights in training, in the order of output "gradient_norms". */
  readonly parameters: readonly string[];
  readonly masks: Readonly<Record<string, string>>;
  readonly hasAccuracy: boolean;
  readonly parts: readonly string[];
  readonly randomSeed: boolean;
}

/** Fed scalars (float32 []) and fetched measures of a step. */
export const scalarInputs = { learningRate: 'learning_rate', step: 'step' } as const;
export const measures = { loss: 'loss', accuracy: 'accuracy', gradientNorms: 'gradient_norms' } as const;

/** @throws GRADIENT_MISSING, TRAINING_SHAPE, NOTHING_TO_TRAIN, LOSS_TARGET */
export function buildTrainingStep(student: Model, spec: StepSpec): TrainingStep {
  const model = prepareTraining(student, spec.shapes);
  const inputs = model.graph.inputs.filter((v) => !v.constant).map(portOf);
  const e = createEmitter(model);
  const objective = buildObjective(e, spec.losses, spec.teacher);
  // Constant nodes are initializers here; trained, they would have no place in the student to go back to.
  const own = new Set([...student.graph.initializers].map((v) => v.name));
  const trained = trainableParameters(model, spec.parameters)
    .filter((v) => own.has(v.name))
    .map((v) => ({ name: v.name, initial: v.constant as Tensor, value: v, decays: !isBias(v) }));
  setOutputs(model.graph, []);
  addOutput(model.graph, objective.loss);
  for (const v of [...Object.values(objective.parts), ...(objective.accuracy ? [objective.accuracy] : [])])
    addOutput(model.graph, v);
  const { updates, seed } = lower(model, spec.statistics === 'running' ? 'infer' : 'train');
  const measured = [...model.graph.outputs];
  for (const next of updates.values()) addOutput(model.graph, next);
  removeDead(model.graph);
  const loss = measured[0] as Value;

  const weights = trained
    .filter((t) => model.graph.initializers.has(t.value))
    .map((t) => ({ ...t, value: toInput(model, t.value) }));
  const auxiliary = objective.auxiliary.map((a) => ({ name: a.value.name, decays: true, ...a }));
  const all = [...weights, ...auxiliary];
  const gradients = differentiate(
    e,
    loss,
    all.map((w) => w.value),
  );
  if (spec.recompute) recomputeForward(e, loss, spec.recompute);
  const reached = all.filter((w) => gradients.has(w.value));
  if (!reached.some((w) => weights.includes(w as (typeof weights)[number])))
    throw nothingToTrain(model.graph.name);

  setOutputs(model.graph, []);
  const variables: Variable[] = [];
  emitMeasures(e, measured, objective.accuracy !== null, Object.keys(objective.parts));
  for (const [state, next] of updates) {
    if (!model.graph.initializers.has(state)) continue;
    const initial = state.constant as Tensor;
    const name = state.name;
    variables.push(variable(e, 'statistic', name, toInput(model, state), next, initial));
  }
  const kindOf = (w: (typeof all)[number]) =>
    weights.some((x) => x.name === w.name) ? 'weight' : 'auxiliary';
  const tracked = reached.map((w) => ({
    name: w.name,
    kind: kindOf(w) as 'weight' | 'auxiliary',
    initial: w.initial,
    value: w.value,
    decays: w.decays,
    gradient: gradients.get(w.value) as Value,
  }));

  const shared = {
    inputs,
    targets: objective.targets,
    parameters: tracked.map((t) => t.name),
    hasAccuracy: objective.accuracy !== null,
    parts: Object.keys(objective.parts),
    randomSeed: seed !== null,
  };
  if ((spec.accumulate ?? 1) <= 1) {
    const { variables: updated, masks } = emitUpdate(e, spec, tracked);
    return {
      model,
      update: null,
      variables: [...variables, ...updated],
      updateVariables: [],
      masks,
      ...shared,
    };
  }
  const sums = tracked.map((t) => {
    const dims = t.initial.dims;
    const sum = addInput(
      model.graph,
      createValue(model.names, `${t.name}.gradient`, tensorType('float32', dims)),
    );
    const share = e.op('Mul', [t.gradient, 1 / (spec.accumulate ?? 1)]);
    return variable(e, 'accumulated', `${t.name}.gradient`, sum, e.op('Add', [sum, share]), zeros(dims));
  });
  const fixed = tracked.map(readOnly);
  const { model: update, variables: updateVariables, masks } = updateModel(spec, tracked);
  return { model, update, variables: [...variables, ...sums, ...fixed], updateVariables, masks, ...shared };
}

const portOf = (v: Value): Port => ({
  name: v.name,
  dtype: v.type?.kind === 'tensor' ? v.type.dtype : 'float32',
  shape: shapeOf(v),
});

/** The weight is an input of the gradient graph and not written by it. */
const readOnly = (t: Tracked): Variable => ({
  name: t.name,
  kind: t.kind,
  input: t.value.name,
  output: '',
  initial: t.initial,
});

interface Tracked {
  readonly name: string;
  readonly kind: 'weight' | 'auxiliary';
  readonly initial: Tensor;
  readonly value: Value;
  /** Whether regularisation pulls at it. */
  readonly decays: boolean;
  readonly gradient: Value;
}

/** Biases, norms and scales are not decayed: pulling them to zero regularises nothing. Those of recurrent layers have two
 *  axes, one for directions. */
const isBias = (v: Value) =>
  (v.constant?.dims.length ?? 0) < 2 ||
  v.uses.some(({ node, index }) => index === 3 && isOp(node ?? null, 'LSTM', 'GRU', 'RNN'));

const zeros = (dims: readonly number[]) => tensorOf('float32', dims, new Float32Array(elementCount(dims)));

function toInput(model: Model, initializer: Value): Value {
  const { name, type } = initializer;
  const input = addInput(model.graph, createValue(model.names, `${name}.in`, type));
  replaceAllUses(initializer, input);
  removeInitializer(model.graph, initializer);
  return input;
}

function named(e: Emitter, name: string, value: Value): Value {
  const out = createValue(e.model.names, name, value.type);
  addNode(e.graph, { opType: 'Identity', inputs: [value], outputs: [out] });
  addOutput(e.graph, out);
  return out;
}

function variable(
  e: Emitter,
  kind: Variable['kind'],
  name: string,
  input: Value,
  next: Value,
  initial: Tensor,
): Variable {
  return { name, kind, input: input.name, output: fetched(e, `${name}.out`, next).name, initial };
}

/** A graph output with this content: the value itself where it can be one, since a copy takes a pass over memory. */
function fetched(e: Emitter, name: string, value: Value): Value {
  if (!value.producer || isGraphOutput(value)) return named(e, name, value);
  addOutput(e.graph, value);
  return value;
}

function emitMeasures(
  e: Emitter,
  values: readonly Value[],
  accuracy: boolean,
  parts: readonly string[],
): void {
  const [loss, ...rest] = values as [Value, ...Value[]];
  named(e, measures.loss, loss);
  for (const [i, part] of parts.entries()) named(e, `loss.${part}`, rest[i] as Value);
  if (accuracy) named(e, measures.accuracy, rest[parts.length] as Value);
}

/** Clipping, optimiser, masks and moving averages. */
function emitUpdate(
  e: Emitter,
  spec: StepSpec,
  found: readonly Tracked[],
): { variables: Variable[]; masks: Record<string, string> } {
  const input = (name: string, dims: readonly number[]) =>
    addInput(e.graph, createValue(e.model.names, name, tensorType('float32', dims)));
  const learningRate = input(scalarInputs.learningRate, []);
  const step = input(scalarInputs.step, []);
  const tracked = found.map((t) => {
    const factor = spec.each?.[t.name]?.gradient;
    return factor === undefined ? t : { ...t, gradient: e.op('Mul', [t.gradient, factor]) };
  });
  const squares = tracked.map((t) =>
    e.op('ReduceSumSquare', [e.reshape(t.gradient, [elementCount(t.initial.dims)]), e.ints([0])], {
      keepdims: 1,
    }),
  );
  const together = squares.length > 1 ? e.op('Concat', squares, { axis: 0 }) : (squares[0] as Value);
  named(e, measures.gradientNorms, e.op('Sqrt', [together]));
  const clip = spec.clipNorm
    ? e.op('Min', [
        1,
        e.op('Div', [
          spec.clipNorm,
          e.op('Add', [e.op('Sqrt', [e.op('ReduceSum', [together], { keepdims: 0 })]), 1e-6]),
        ]),
      ])
    : null;
  const update = updateRule(e, spec.optimizer, { learningRate, step });
  const variables: Variable[] = [];
  const masks: Record<string, string> = {};
  for (const t of tracked) {
    const { dims } = t.initial;
    const gradient = clip ? e.op('Mul', [t.gradient, clip]) : t.gradient;
    const names = slotsOf(spec.optimizer);
    const slots = names.map((slot) => input(`${t.name}.${slot}`, dims));
    const regularization = t.decays ? spec : {};
    const out = update(regularization, t.value, gradient, slots);
    let [weight] = out as [Value];
    const { rate, least } = spec.each?.[t.name] ?? {};
    if (rate)
      weight = e.op('Add', [t.value, e.op('Mul', [e.op('Sub', [weight, t.value]), e.constant(rate)])]);
    if (least) weight = e.op('Max', [weight, e.constant(least)]);
    if (spec.masked?.includes(t.name)) {
      const mask = input(`${t.name}.mask`, dims);
      masks[t.name] = mask.name;
      weight = e.op('Mul', [weight, mask]);
    }
    variables.push(variable(e, t.kind, t.name, t.value, weight, t.initial));
    for (const [i, slot] of names.entries())
      variables.push(
        variable(e, 'slot', `${t.name}.${slot}`, slots[i] as Value, out[i + 1] as Value, zeros(dims)),
      );
    if (spec.ema && t.kind === 'weight') {
      const average = input(`${t.name}.average`, dims);
      const next = e.op('Add', [e.op('Mul', [average, spec.ema]), e.op('Mul', [weight, 1 - spec.ema])]);
      variables.push(variable(e, 'average', `${t.name}.average`, average, next, t.initial));
    }
  }
  return { variables, masks };
}

/** The update by itself, from summed gradients. */
function updateModel(spec: StepSpec, tracked: readonly Tracked[]) {
  const model = createModel({ opsets: new Map([['', trainingOpset]]), irVersion: 10 });
  const e = createEmitter(model);
  const own = tracked.map((t) => {
    const type = tensorType('float32', t.initial.dims);
    const value = addInput(model.graph, createValue(model.names, t.value.name, type, true));
    const gradient = addInput(model.graph, createValue(model.names, `${t.name}.gradient`, type));
    return { ...t, value, gradient };
  });
  const { variables, masks } = emitUpdate(e, spec, own);
  const sums = own.map<Variable>((t) => ({
    name: `${t.name}.gradient`,
    kind: 'accumulated',
    input: t.gradient.name,
    output: '',
    initial: zeros(t.initial.dims),
  }));
  return { model, variables: [...variables, ...sums], masks };
}
