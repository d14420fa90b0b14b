/** The training loop: epochs of mini-batches, schedule, evaluation, best weights, early stopping, checkpoints. */

import type { Model } from '../../model/ir/model.ts';
import type { Tensor } from '../../model/ir/tensor.ts';
import type { EngineRun } from '../engine/run-context.ts';
import type { TrainingData } from './data.ts';
import {
  afterBatch,
  afterEpoch,
  type CheckpointStore,
  type EpochRecord,
  isBetter,
  type RunPosition,
} from './position.ts';
import { readBatches } from './read-batches.ts';
import { openRun, type Run } from './run.ts';
import { rateFactor, type ScheduleSpec } from './schedule.ts';
import type { StepSpec } from './step.ts';
import type { StepResult } from './trainer.ts';
import { withWeights } from './with-weights.ts';

export interface TrainOptions extends Omit<StepSpec, 'shapes' | 'teacher'>, EngineRun {
  readonly data: TrainingData;
  /** Samples in a batch. */
  readonly batch: number;
  readonly epochs: number;
  readonly learningRate: number;
  readonly schedule?: ScheduleSpec;
  readonly seed: number;
  /** Answers for distillation and hints. */
  readonly teacher?: Model | undefined;
  /** Measures the student on held-out data; larger is better. Called after each epoch. */
  readonly evaluate?: ((student: Model) => Promise<number>) | undefined;
  /** Differences of the metric up to this are noise of few held-out samples; between such epochs the loss decides. */
  readonly metricNoise?: number | undefined;
  /** Stop after this many epochs without a better metric. */
  readonly patience?: number | undefined;
  readonly checkpoints?: CheckpointStore | undefined;
  readonly threads?: number | undefined;
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
 *  @example
 *  const run = train(cnn(), { engine, data, batch: 64, epochs: 3, learningRate: 1e-3, seed: 0, losses, optimizer });
 *  for await (const event of run) if (event.kind === 'epoch') console.log(event);
 *  @throws TRAINING_DIVERGED, GRADIENT_MISSING, TRAINING_SHAPE, TOO_FEW_SAMPLES, CHECKPOINT_MISMATCH */
export async function* train(
  student: Model,
  options: TrainOptions,
): AsyncGenerator<TrainEvent, TrainResult, void> {
  const run = await openRun(student, options);
  try {
    const resumed = await run.restore();
    if (resumed)
      yield {
        kind: 'resumed',
        batch: run.batchesDone(),
        batches: run.batches,
        epochs: run.position.history.length,
      };
    await run.prepareTeacher();
    const clock = { waitedMs: 0 };
    while (run.position.history.length < options.epochs && hasPatience(run.position, options)) {
      const isWhole = yield* runEpoch(run, options, clock);
      if (!isWhole) {
        await run.save();
        return resultOf(student, run, options, 'aborted');
      }
      yield { kind: 'epoch', ...(await closeEpoch(student, run, options)) };
      await run.save();
    }
    const isFinished = run.position.history.length >= options.epochs;
    return resultOf(student, run, options, isFinished ? 'finished' : 'early');
  } finally {
    await run.close();
  }
}

const hasPatience = (
  { best, history }: RunPosition,
  { patience = Number.POSITIVE_INFINITY }: TrainOptions,
): boolean => !best || history.length - best.epoch < patience;

/** Takes the batches that are left of an epoch. @returns false when it was aborted before its end */
async function* runEpoch(
  run: Run,
  options: TrainOptions,
  clock: { waitedMs: number },
): AsyncGenerator<TrainEvent, boolean, void> {
  const { checkpoints, signal, seed } = options;
  const epoch = run.position.history.length;
  const next = readBatches(run, options, epoch, run.position.partial.batches);
  while (run.position.partial.batches < run.perEpoch) {
    if (signal?.aborted) return false;
    const asked = performance.now();
    const { indices, tensors } = await next();
    clock.waitedMs += performance.now() - asked;
    const feeds = { ...run.absent, ...tensors };
    const targets = run.teacher ? await run.teacher.targets(feeds, indices) : {};
    const learningRate = rateAt(run.batchesDone(), run, options);
    const result = await run.trainer.run({ ...feeds, ...targets }, { learningRate, seed });
    run.position = afterBatch(run.position, run.trainer.steps, result);
    const batch = run.batchesDone();
    const { batches } = run;
    const { waitedMs } = clock;
    yield { kind: 'step', epoch: epoch + 1, batch, batches, learningRate, waitedMs, ...result };
    const isInside = run.position.partial.batches < run.perEpoch;
    if (checkpoints && isInside && batch % checkpoints.every === 0) await run.save();
  }
  return true;
}

const rateAt = (batch: number, { batches }: Run, { learningRate, schedule }: TrainOptions): number =>
  learningRate * rateFactor(schedule ?? { kind: 'constant' }, batch, batches);

/** Measures the student at the end of an epoch, and keeps its weights where it is the best so far. */
async function closeEpoch(student: Model, run: Run, options: TrainOptions): Promise<EpochRecord> {
  const { partial, history } = run.position;
  const weights = weightsOf(run, options);
  const record: EpochRecord = {
    epoch: history.length + 1,
    loss: partial.loss / run.perEpoch,
    accuracy: run.step.hasAccuracy ? partial.accuracy / run.perEpoch : null,
    learningRate: rateAt(run.batchesDone() - 1, run, options),
    metric: options.evaluate ? await options.evaluate(withWeights(student, weights)) : null,
  };
  const isBest = isBetter(record, run.position, options.metricNoise ?? 0);
  if (isBest) run.bestWeights = weights;
  run.position = afterEpoch(run.position, record, isBest);
  return record;
}

const weightsOf = ({ trainer }: Run, { ema = 0 }: TrainOptions): Record<string, Tensor> =>
  trainer.weights(ema > 0);

const resultOf = (
  student: Model,
  run: Run,
  options: TrainOptions,
  stopped: TrainResult['stopped'],
): TrainResult => ({
  model: withWeights(student, run.bestWeights ?? weightsOf(run, options)),
  history: run.position.history,
  best: run.position.best,
  stopped,
});

/** Runs a training to its end and drops what it reports on the way. */
export async function trainToEnd(student: Model, options: TrainOptions): Promise<TrainResult> {
  const run = train(student, options);
  for (;;) {
    const next = await run.next();
    if (next.done) return next.value;
  }
}
