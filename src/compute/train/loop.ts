/** The training loop: epochs of mini-batches, schedule, evaluation, best weights, early stopping, checkpoints. */

import { cloneModel } from '../../model/ir/clone.ts';
import { byteLength } from '../../model/ir/dtype.ts';
import { setConstant } from '../../model/ir/edit.ts';
import type { Model } from '../../model/ir/model.ts';
import type { Port } from '../../model/ir/port.ts';
import { denseTensor, elementCount, type Tensor } from '../../model/ir/tensor.ts';
import { checkpointMismatch, tooFewSamples } from '../../support/diagnostics/training.ts';
import type { Engine } from '../engine/contract.ts';
import { epochOrder, type TrainingData } from './data.ts';
import type { LossTerm } from './losses.ts';
import { rateFactor, type ScheduleSpec } from './schedule.ts';
import { buildTrainingStep, type StepSpec } from './step.ts';
import { openTeacher, teacherShapes } from './teacher.ts';
import { openTrainer, type StepResult } from './trainer.ts';

export interface TrainOptions extends Omit<StepSpec, 'shapes' | 'teacher'> {
  readonly engine: Engine;
  readonly data: TrainingData;
  /** Samples in a batch. */
  readonly batch: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly schedule?: ScheduleSpec;
  readonly seed: number;
  /** Answers for distillation and hints. */
  readonly teacher?: Model;
  /** Measures the student on held-out data; larger is better. Called after each epoch. */
  readonly evaluate?: (student: Model) => Promise<number>;
  /** Differences of the metric up to this are noise of few held-out samples; between such epochs the loss decides. */
  readonly metricNoise?: number;
  /** Stop after this many epochs without a better metric. */
  readonly patience?: number;
  readonly checkpoints?: CheckpointStore;
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

/** Where a run is saved so that it can go on after it was killed. */
export interface CheckpointStore {
  load(): Promise<Checkpoint | null>;
  /** Replaces the one before, all or nothing. */
  save(checkpoint: Checkpoint): Promise<void>;
  /** Steps between two saves. */
  readonly every: number;
}

export interface Checkpoint {
  readonly position: RunPosition;
  readonly tensors: Readonly<Record<string, Tensor>>;
}

/** All of a run but its tensors; plain JSON. */
export interface RunPosition {
  /** Identifies settings and graph; a checkpoint of another run is refused. */
  readonly run: string;
  readonly steps: number;
  readonly history: readonly EpochRecord[];
  readonly best: { readonly epoch: number; readonly metric: number } | null;
  /** Sums over the epoch under way. */
  readonly partial: { readonly batches: number; readonly loss: number; readonly accuracy: number };
}

export interface EpochRecord {
  /** 1 for the first. */
  readonly epoch: number;
  /** Mean over the epoch's batches, as they were met. */
  readonly loss: number;
  readonly accuracy: number | null;
  readonly learningRate: number;
  /** Held-out metric; null when not measured. */
  readonly metric: number | null;
}

export type TrainEvent =
  | ({
      readonly kind: 'step';
      readonly epoch: number;
      /** Batches done in the whole run, and how many there will be. */
      readonly batch: number;
      readonly batches: number;
      readonly learningRate: number;
      /** Time that the engine waited for data since the run began, in ms. */
      readonly waitedMs: number;
    } & StepResult)
  | ({ readonly kind: 'epoch' } & EpochRecord)
  /** First of all, when a checkpoint was found. */
  | { readonly kind: 'resumed'; readonly batch: number; readonly batches: number; readonly epochs: number };

export interface TrainResult {
  /** The student with the weights of the best epoch, or the last when nothing was measured. */
  readonly model: Model;
  readonly history: readonly EpochRecord[];
  readonly best: RunPosition['best'];
  readonly stopped: 'finished' | 'early' | 'aborted';
}

/** Trains a copy of `student`. The order of samples, augmentation and random numbers follow from `seed`: the same run gives
 *  the same bits on the same machine with the same number of threads.
 *  @throws TRAINING_DIVERGED, GRADIENT_MISSING, TRAINING_SHAPE, TOO_FEW_SAMPLES, CHECKPOINT_MISMATCH */
export async function* train(
  student: Model,
  options: TrainOptions,
): AsyncGenerator<TrainEvent, TrainResult, void> {
  const { engine, data, seed } = options;
  const batch = Math.min(options.batch, data.length);
  const perEpoch = Math.floor(data.length / batch);
  if (perEpoch === 0) throw tooFewSamples(data.length);
  const shapes = Object.fromEntries(
    Object.entries(data.shapes).map(([name, dims]) => [name, [batch, ...dims]]),
  );
  const hints = options.teacher ? teacherShapes(options.teacher, shapes, hintNames(options.losses)) : {};
  const total = perEpoch * options.epochs;
  // A run of fewer batches than an update takes would change nothing.
  const accumulate = Math.min(total, Math.max(1, options.accumulate ?? 1));
  const step = buildTrainingStep(student, { ...options, shapes, teacher: hints, accumulate });
  const trainer = await openTrainer(engine, step, {
    ...(options.threads ? { threads: options.threads } : {}),
    accumulate,
  });
  const teacher = options.teacher
    ? await openTeacher(engine, options.teacher, shapes, step.targets, data.repeats ? data.length : 0)
    : null;
  const absent = zeroInputs(step.inputs, data.shapes);
  const identity = runIdentity(options, step.parameters, data.length);

  try {
    let position: RunPosition = {
      run: identity,
      steps: 0,
      history: [],
      best: null,
      partial: { batches: 0, loss: 0, accuracy: 0 },
    };
    let bestWeights: Record<string, Tensor> | null = null;
    const saved = await options.checkpoints?.load();
    if (saved) {
      if (saved.position.run !== identity) throw checkpointMismatch();
      position = saved.position;
      trainer.restore(saved.tensors, position.steps, batchesDone(position) % accumulate);
      bestWeights = withPrefix(saved.tensors, 'best/');
      yield {
        kind: 'resumed',
        batch: batchesDone(position),
        batches: total,
        epochs: position.history.length,
      };
    }
    let done = batchesDone(position);
    if (teacher?.remembers && done < total)
      await teacher.prepare(async (indices) => {
        options.signal?.throwIfAborted();
        return { ...absent, ...(await data.batch({ indices, epoch: 0, seed })) };
      });
    let [waitedMs, stopped]: [number, TrainResult['stopped']] = [0, 'finished'];
    let epoch = position.history.length;
    const patience = options.patience ?? Number.POSITIVE_INFINITY;
    const hasPatience = () => !position.best || epoch - position.best.epoch < patience;
    epochs: for (; epoch < options.epochs && hasPatience(); epoch++) {
      const order = epochOrder(data.length, epoch, seed);
      const read = (k: number) => {
        const indices = order.slice(k * batch, (k + 1) * batch);
        const tensors = data.batch({ indices, epoch, seed });
        tensors.catch(() => undefined);
        return { indices, tensors };
      };
      const first = position.partial.batches;
      const ahead = Array.from({ length: Math.min(readAhead, perEpoch - first) }, (_, i) => read(first + i));
      for (let k = first; k < perEpoch; k++) {
        if (options.signal?.aborted) {
          stopped = 'aborted';
          await save();
          break epochs;
        }
        const { indices, tensors } = ahead.shift() as ReturnType<typeof read>;
        const asked = performance.now();
        const feeds = { ...absent, ...(await tensors) };
        waitedMs += performance.now() - asked;
        if (k + readAhead < perEpoch) ahead.push(read(k + readAhead));
        const answers = teacher ? await teacher.targets(feeds, indices) : {};
        const learningRate =
          options.learningRate * rateFactor(options.schedule ?? { kind: 'constant' }, done, total);
        const result = await trainer.run({ ...feeds, ...answers }, { learningRate, seed });
        done++;
        const { partial } = position;
        position = {
          ...position,
          steps: trainer.steps,
          partial: {
            batches: k + 1,
            loss: partial.loss + result.loss,
            accuracy: partial.accuracy + (result.accuracy ?? 0),
          },
        };
        yield {
          kind: 'step',
          epoch: epoch + 1,
          batch: done,
          batches: total,
          learningRate,
          waitedMs,
          ...result,
        };
        const { checkpoints } = options;
        if (checkpoints && k + 1 < perEpoch && done % checkpoints.every === 0) await save();
      }
      const weights = trainer.weights((options.ema ?? 0) > 0);
      const metric = options.evaluate ? await options.evaluate(withWeights(student, weights)) : null;
      const record: EpochRecord = {
        epoch: epoch + 1,
        loss: position.partial.loss / perEpoch,
        accuracy: step.hasAccuracy ? position.partial.accuracy / perEpoch : null,
        learningRate:
          options.learningRate * rateFactor(options.schedule ?? { kind: 'constant' }, done - 1, total),
        metric,
      };
      if (metric !== null && isBetter(record, position, options.metricNoise ?? 0)) {
        position = { ...position, best: { epoch: epoch + 1, metric } };
        bestWeights = weights;
      }
      position = {
        ...position,
        history: [...position.history, record],
        partial: { batches: 0, loss: 0, accuracy: 0 },
      };
      yield { kind: 'epoch', ...record };
      await save();
    }
    if (stopped === 'finished' && epoch < options.epochs) stopped = 'early';
    const weights = bestWeights ?? trainer.weights((options.ema ?? 0) > 0);
    return { model: withWeights(student, weights), history: position.history, best: position.best, stopped };

    async function save(): Promise<void> {
      const best = Object.fromEntries(Object.entries(bestWeights ?? {}).map(([k, t]) => [`best/${k}`, t]));
      await options.checkpoints?.save({ position, tensors: { ...trainer.state(), ...best } });
    }

    function batchesDone({ history, partial }: RunPosition): number {
      return history.length * perEpoch + partial.batches;
    }
  } finally {
    await trainer.close();
    await teacher?.close();
  }
}

/** Inputs that the data doesn't have start at zero: the state of a recurrent network. */
function zeroInputs(
  inputs: readonly Port[],
  given: Readonly<Record<string, unknown>>,
): Record<string, Tensor> {
  const missing = inputs.filter((p) => !(p.name in given));
  return Object.fromEntries(
    missing.map((p) => {
      const dims = (p.shape ?? []) as number[];
      return [p.name, denseTensor(p.dtype, dims, new Uint8Array(byteLength(p.dtype, elementCount(dims))))];
    }),
  );
}

/** Compared with the highest metric so far, not with the best epoch's, so that small losses don't add up. */
function isBetter({ metric, loss }: EpochRecord, { best, history }: RunPosition, noise: number): boolean {
  if (metric === null || Number.isNaN(metric)) return false;
  if (!best) return true;
  const highest = Math.max(...history.map((e) => e.metric ?? Number.NaN).filter((m) => !Number.isNaN(m)));
  if (metric > highest + noise) return true;
  return metric >= highest - noise && loss < (history[best.epoch - 1]?.loss ?? Number.POSITIVE_INFINITY);
}

/** Batches read while the engine computes. */
const readAhead = 3;

function withPrefix(
  tensors: Readonly<Record<string, Tensor>>,
  prefix: string,
): Record<string, Tensor> | null {
  const found = Object.entries(tensors).filter(([name]) => name.startsWith(prefix));
  return found.length > 0
    ? Object.fromEntries(found.map(([name, t]) => [name.slice(prefix.length), t]))
    : null;
}

const hintNames = (terms: readonly LossTerm[]) =>
  terms.flatMap((t) => (t.kind === 'hint' || t.kind === 'attention-transfer' ? [t.teacher] : []));

/** A copy of the model with these initialisers exchanged, by name. */
export function withWeights(model: Model, weights: Readonly<Record<string, Tensor>>): Model {
  const copy = cloneModel(model);
  for (const v of copy.graph.initializers) {
    const trained = weights[v.name];
    if (trained) setConstant(v, trained);
  }
  return copy;
}

/** What must agree for a checkpoint to be of this run. */
const runIdentity = (o: TrainOptions, parameters: readonly string[], samples: number) =>
  JSON.stringify([
    [o.losses, o.optimizer, o.batch, o.epochs, o.learningRate, o.schedule, o.seed, o.clipNorm, o.ema],
    [
      o.accumulate,
      o.weightDecay,
      o.l1,
      o.statistics,
      o.masked,
      Object.keys(o.each ?? {}),
      samples,
      parameters,
    ],
  ]);

/** Runs a training to its end and drops what it reports on the way. */
export async function trainToEnd(student: Model, options: TrainOptions): Promise<TrainResult> {
  const run = train(student, options);
  for (;;) {
    const next = await run.next();
    if (next.done) return next.value;
  }
}
