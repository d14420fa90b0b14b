/** An open training run: the step and its trainer, the teacher, and how far it has come. */
import { byteLength } from '../../model/ir/dtype.ts';
import type { Model } from '../../model/ir/model.ts';
import type { Port } from '../../model/ir/port.ts';
import { denseTensor, elementCount, type Tensor } from '../../model/ir/tensor.ts';
import { checkpointMismatch, tooFewSamples } from '../../support/diagnostics/training.ts';
import type { TrainOptions } from './loop.ts';
import type { LossTerm } from './losses.ts';
import { type RunPosition, startPosition } from './position.ts';
import { buildTrainingStep, type TrainingStep } from './step.ts';
import { openTeacher, type Teacher, teacherShapes } from './teacher.ts';
import { openTrainer, type Trainer } from './trainer.ts';

export interface Run {
  readonly step: TrainingStep;
  readonly trainer: Trainer;
  readonly teacher: Teacher | null;
  /** Samples in a batch, batches in an epoch and in the whole run. */
  readonly batch: number;
  readonly perEpoch: number;
  readonly batches: number;
  /** Inputs that the data doesn't have. */
  readonly absent: Readonly<Record<string, Tensor>>;
  position: RunPosition;
  bestWeights: Readonly<Record<string, Tensor>> | null;
  batchesDone(): number;
  /** Goes on where a checkpoint ends. @returns whether there was one @throws CHECKPOINT_MISMATCH */
  restore(): Promise<boolean>;
  save(): Promise<void>;
  /** Lets a teacher that remembers its answers hear all samples. */
  prepareTeacher(): Promise<void>;
  close(): Promise<void>;
}

/** @throws TOO_FEW_SAMPLES, GRADIENT_MISSING, TRAINING_SHAPE and what engines throw */
export async function openRun(student: Model, options: TrainOptions): Promise<Run> {
  const { engine, data, seed, checkpoints } = options;
  const batch = Math.min(options.batch, data.length);
  const perEpoch = Math.floor(data.length / batch);
  if (perEpoch === 0) throw tooFewSamples(data.length);
  const batches = perEpoch * options.epochs;
  // A run of fewer batches than an update takes would change nothing.
  const accumulate = Math.min(batches, Math.max(1, options.accumulate ?? 1));
  const shapes = Object.fromEntries(
    Object.entries(data.shapes).map(([name, dims]) => [name, [batch, ...dims]]),
  );
  const hints = options.teacher ? teacherShapes(options.teacher, shapes, hintNames(options.losses)) : {};
  const step = buildTrainingStep(student, { ...options, shapes, teacher: hints, accumulate });
  const threads = options.threads ? { threads: options.threads } : {};
  const trainer = await openTrainer(engine, step, { ...threads, accumulate });
  const teacher = options.teacher
    ? await openTeacher(engine, options.teacher, shapes, step.targets, data.repeats ? data.length : 0)
    : null;
  const identity = runIdentity(options, step.parameters, data.length);
  const run: Run = {
    ...{ step, trainer, teacher, batch, perEpoch, batches },
    absent: zeroInputs(step.inputs, data.shapes),
    position: startPosition(identity),
    bestWeights: null,
    batchesDone: () => run.position.history.length * perEpoch + run.position.partial.batches,
    async restore() {
      const saved = await checkpoints?.load();
      if (!saved) return false;
      if (saved.position.run !== identity) throw checkpointMismatch();
      run.position = saved.position;
      trainer.restore(saved.tensors, run.position.steps, run.batchesDone() % accumulate);
      run.bestWeights = withPrefix(saved.tensors, 'best/');
      return true;
    },
    async save() {
      const best = Object.entries(run.bestWeights ?? {}).map(([name, t]) => [`best/${name}`, t]);
      const tensors = { ...trainer.state(), ...Object.fromEntries(best) };
      await checkpoints?.save({ position: run.position, tensors });
    },
    async prepareTeacher() {
      if (!teacher?.remembers || run.batchesDone() >= batches) return;
      await teacher.prepare(async (indices) => {
        options.signal?.throwIfAborted();
        return { ...run.absent, ...(await data.batch({ indices, epoch: 0, seed })) };
      });
    },
    async close() {
      await trainer.close();
      await teacher?.close();
    },
  };
  return run;
}

/** Inputs that the data doesn't have start at zero: the state of a recurrent network. */
function zeroInputs(
  inputs: readonly Port[],
  given: Readonly<Record<string, unknown>>,
): Record<string, Tensor> {
  const missing = inputs.filter((p) => !Object.hasOwn(given, p.name));
  return Object.fromEntries(
    missing.map((p) => {
      const dims = (p.shape ?? []) as number[];
      return [p.name, denseTensor(p.dtype, dims, new Uint8Array(byteLength(p.dtype, elementCount(dims))))];
    }),
  );
}

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
