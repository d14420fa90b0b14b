/** One training step as one ONNX graph: forward, backward and update. Weights, statistics and optimiser state go in as
 *  inputs and come out as outputs, so a step moves no weight but into memory that is there already. */

import { addOutput, setOutputs } from '../../model/ir/edit.ts';
import { type Model, type Node, shapeOf, type Value } from '../../model/ir/model.ts';
import type { Port } from '../../model/ir/port.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import { weightAt } from '../../model/ops/weights.ts';
import { removeDead } from '../../model/rewrite/known-sizes.ts';
import { nothingToTrain } from '../../support/diagnostics/training.ts';
import { createEmitter, type Emitter } from '../autodiff/emitter.ts';
import { differentiate } from '../autodiff/gradients.ts';
import { type Lowered, lower } from '../autodiff/lower.ts';
import { type ParameterChoice, trainableParameters } from '../autodiff/parameters.ts';
import { prepareTraining } from '../autodiff/prepare.ts';
import { recomputeForward } from '../autodiff/recompute.ts';
import type { LossTerm } from './losses.ts';
import {
  type AuxiliaryWeight,
  buildObjective,
  type Objective,
  type TargetPort,
  type TeacherShapes,
} from './objective.ts';
import type { OptimizerSpec, Regularization } from './optimizers.ts';
import { accumulateGradients, emitUpdate, type Tracked, updateModel } from './step-update.ts';
import { measures, namedOutput, readOnly, toInput, type Variable, variable } from './step-variables.ts';

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
  readonly each?: Readonly<Record<string, ParameterRule>> | undefined;
  /** Weights that are multiplied by a mask after every update, by name: what is zero at first stays zero (pruning). */
  readonly masked?: readonly string[] | undefined;
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

/** @throws GRADIENT_MISSING, GRADIENT_QUANTIZED, TRAINING_SHAPE, NOTHING_TO_TRAIN, LOSS_TARGET */
export function buildTrainingStep(student: Model, spec: StepSpec): TrainingStep {
  const model = prepareTraining(student, spec.shapes);
  const inputs = model.graph.inputs.filter((v) => !v.constant).map(portOf);
  const e = createEmitter(model);
  const objective = buildObjective(e, spec.losses, spec.teacher);
  const trainable = weightsOf(student, model, spec.parameters);
  const { measured, updates, seed } = lowerForward(model, objective, spec.statistics ?? 'batch');
  const weights = trainable
    .filter((w) => model.graph.initializers.has(w.value))
    .map((w) => ({ ...w, value: toInput(model, w.value) }));
  const candidates = [...weights, ...objective.auxiliary.map(auxiliaryWeight)];
  const tracked = withGradients(e, measured[0] as Value, candidates, spec.recompute);
  if (!tracked.some((t) => t.kind === 'weight')) throw nothingToTrain(model.graph.name);

  setOutputs(model.graph, []);
  emitMeasures(e, objective, measured);
  const statistics = emitStatistics(e, updates);
  const facts = {
    inputs,
    targets: objective.targets,
    parameters: tracked.map((t) => t.name),
    hasAccuracy: objective.accuracy !== null,
    parts: Object.keys(objective.parts),
    randomSeed: seed !== null,
  };
  const batches = spec.accumulate ?? 1;
  if (batches <= 1) {
    const { variables, masks } = emitUpdate(e, spec, tracked);
    return {
      model,
      update: null,
      variables: [...statistics, ...variables],
      updateVariables: [],
      masks,
      ...facts,
    };
  }
  const sums = accumulateGradients(e, batches, tracked);
  const fixed = tracked.map((t) => readOnly(t.kind, t.name, t.value, t.initial));
  const { model: update, variables: updateVariables, masks } = updateModel(spec, tracked);
  return { model, update, variables: [...statistics, ...sums, ...fixed], updateVariables, masks, ...facts };
}

const portOf = (v: Value): Port => ({
  name: v.name,
  dtype: v.type?.kind === 'tensor' ? v.type.dtype : 'float32',
  shape: shapeOf(v),
});

type Candidate = Omit<Tracked, 'gradient'>;

/** Weights to train that the student has as initializers. Its constant nodes are initializers of the step as well;
 *  trained, they would have no place in the student to go back to. */
function weightsOf(student: Model, model: Model, choice: ParameterChoice | undefined): Candidate[] {
  const own = new Set([...student.graph.initializers].map((v) => v.name));
  return trainableParameters(model, choice)
    .filter((v) => own.has(v.name))
    .map((v) => ({
      name: v.name,
      kind: 'weight',
      initial: v.constant as Tensor,
      decays: !isBias(v),
      value: v,
    }));
}

const auxiliaryWeight = ({ value, initial }: AuxiliaryWeight): Candidate => ({
  name: value.name,
  kind: 'auxiliary',
  initial,
  decays: true,
  value,
});

/** Biases, norms and scales are not decayed: pulling them to zero regularises nothing. Those of recurrent layers have two
 *  axes, one for directions. */
const isBias = (v: Value) =>
  (v.constant?.dims.length ?? 0) < 2 || v.uses.some(({ node, index }) => isBiasOf(node, index));

function isBiasOf(node: Node | undefined, index: number): boolean {
  const weight = node ? weightAt(node, index) : null;
  return typeof weight === 'object' && weight?.role === 'bias';
}

interface Forward {
  /** The loss, its terms, and the accuracy where there is one. */
  readonly measured: readonly Value[];
  /** What running statistics are after the step. */
  readonly updates: Lowered['updates'];
  readonly seed: Value | null;
}

/** Writes the graph out in operators that have gradients, and leaves only what is measured. */
function lowerForward(model: Model, objective: Objective, statistics: 'batch' | 'running'): Forward {
  const { graph } = model;
  const { loss, parts, accuracy } = objective;
  setOutputs(graph, []);
  for (const v of [loss, Object.values(parts), accuracy ?? []].flat()) addOutput(graph, v);
  const { updates, seed } = lower(model, statistics === 'running' ? 'infer' : 'train');
  // Lowering puts new values in the place of old ones, outputs included.
  const measured = [...graph.outputs];
  for (const next of updates.values()) addOutput(graph, next);
  removeDead(graph);
  return { measured, updates, seed };
}

/** Those of `candidates` that the loss depends on, with their gradients. */
function withGradients(
  e: Emitter,
  loss: Value,
  candidates: readonly Candidate[],
  segments: number | undefined,
): Tracked[] {
  const values = candidates.map((c) => c.value);
  const gradients = differentiate(e, loss, values);
  if (segments) recomputeForward(e, loss, segments);
  return candidates.flatMap((c) => {
    const gradient = gradients.get(c.value);
    return gradient ? [{ ...c, gradient }] : [];
  });
}

function emitMeasures(e: Emitter, { parts, accuracy }: Objective, measured: readonly Value[]): void {
  const [loss, ...rest] = measured as [Value, ...Value[]];
  const names = Object.keys(parts);
  namedOutput(e, measures.loss, loss);
  for (const [i, part] of names.entries()) namedOutput(e, `loss.${part}`, rest[i] as Value);
  if (accuracy) namedOutput(e, measures.accuracy, rest[names.length] as Value);
}

/** Running statistics as what lives from step to step. */
function emitStatistics(e: Emitter, updates: Lowered['updates']): Variable[] {
  const { model } = e;
  return [...updates].flatMap(([state, next]) => {
    if (!model.graph.initializers.has(state)) return [];
    const { name, constant } = state;
    return variable(e, 'statistic', name, toInput(model, state), next, constant as Tensor);
  });
}
