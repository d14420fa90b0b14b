/** Trains a model on prepared data, with progress, a held-out part for choosing the epoch, and checkpoints. */

import { createHash } from 'node:crypto';
import path from 'node:path';
import type { EngineRun } from '../compute/engine/run-context.ts';
import { fileCheckpoints } from '../compute/train/checkpoint.ts';
import { idleSettings, lossesOf, optimizerOf, scheduleOf } from '../compute/train/from-settings.ts';
import { openHeldOut } from '../compute/train/held-out.ts';
import { type TrainEvent, train } from '../compute/train/loop.ts';
import type { LossTerm } from '../compute/train/losses.ts';
import { sampleData } from '../compute/train/samples.ts';
import type { TrainingSettings } from '../compute/train/settings.ts';
import type { ParameterRule } from '../compute/train/step.ts';
import type { DataSource } from '../data/source.ts';
import { splitData } from '../data/split.ts';
import { type TrainingRecord, trainingGain, trainingMetric } from '../judge/report/training.ts';
import type { Model } from '../model/ir/model.ts';
import { scoresClasses } from '../model/ops/class-scores.ts';
import { noneToTrainOn, nothingToLearnFrom } from '../support/diagnostics/training.ts';
import { counted } from '../support/units.ts';
import type { JobRun } from './progress.ts';

export interface TrainingRunOptions extends EngineRun, JobRun {
  readonly settings: TrainingSettings;
  readonly source: DataSource;
  /** Samples that may be trained on; a tenth, at most 1 000, of them is held back to choose the best epoch. */
  readonly indices: readonly number[];
  readonly teacher: Model | null;
  /** Folder for checkpoints; a run that was cut off goes on from there. null: none are kept. */
  readonly checkpoints?: string | null | undefined;
  /** Weights whose zeros stay zero. */
  readonly masked?: readonly string[] | undefined;
  /** Initialisers to train besides those that are read as weights, and what is special about single ones. */
  readonly also?: readonly string[];
  readonly each?: Readonly<Record<string, ParameterRule>> | undefined;
  /** The form of the student that will be used, when it is not the one in training; this is measured. */
  readonly deployed?: (student: Model) => Model;
  readonly step: string;
}

/** @throws NOTHING_TO_LEARN_FROM without teacher and labels; NONE_TO_TRAIN_ON; what training and data throw; an abort as AbortError */
export async function trainingRun(
  student: Model,
  options: TrainingRunOptions,
): Promise<{ model: Model; record: TrainingRecord }> {
  const { engine, settings, source, teacher, events, signal } = options;
  const scores = scoresClasses(student) || (teacher !== null && scoresClasses(teacher));
  const deployed = options.deployed ?? ((model: Model) => model);
  const labelled = source.labelled || source.targeted === true;
  const lesson = { teacher: teacher !== null, labelled, scores };
  const losses = lossesOf(settings, lesson);
  if (losses.length === 0) throw nothingToLearnFrom();
  const idle = idleSettings(settings, losses, lesson);
  for (const text of idle) events.note?.(options.step, text);
  if (options.indices.length === 0) throw noneToTrainOn(source.length);
  const { fit, validation } = await divideForTraining(source, options.indices, settings.seed);
  const data = await sampleData(source, fit, { augmentation: settings.augment });
  const heldOut =
    validation.length > 0
      ? await openHeldOut({
          engine,
          data: await sampleData(source, validation),
          batch: settings.batch,
          teacher,
          scores,
        })
      : null;
  const store = options.checkpoints
    ? fileCheckpoints(await checkpointFolder(options.checkpoints, student, losses, options), checkpointSteps)
    : undefined;
  const started = performance.now();
  try {
    const before = heldOut ? await heldOut.measure(deployed(student)) : null;
    const run = train(student, {
      engine,
      data,
      losses,
      optimizer: optimizerOf(settings),
      schedule: scheduleOf(settings),
      batch: settings.batch,
      epochs: settings.epochs,
      learningRate: settings.learningRate,
      weightDecay: settings.weightDecay,
      l1: settings.l1,
      clipNorm: settings.clipNorm,
      accumulate: settings.accumulate,
      ema: settings.ema,
      statistics: settings.statistics,
      recompute: settings.recompute,
      seed: settings.seed,
      parameters: { freeze: settings.freeze, also: options.also ?? [] },
      each: options.each,
      masked: options.masked,
      teacher: teacher ?? undefined,
      evaluate: heldOut ? (m) => heldOut.measure(deployed(m)) : undefined,
      metricNoise: heldOut ? metricNoise(heldOut.metric, validation.length) : undefined,
      patience: settings.patience > 0 ? settings.patience : undefined,
      checkpoints: store,
      signal,
    });
    let next = await run.next();
    for (; !next.done; next = await run.next()) {
      const event = next.value;
      if (event.kind === 'step') events.progress?.(options.step, event.batch, event.batches);
      else if (event.kind !== 'epoch' || isTold(event.epoch, settings.epochs))
        events.note?.(options.step, describeEvent(event, heldOut?.metric ?? null, settings.epochs));
    }
    const result = next.value;
    if (result.stopped === 'aborted' && store)
      events.note?.(options.step, 'stopped · the same command goes on from here');
    signal?.throwIfAborted();
    await store?.remove();
    return {
      model: result.model,
      record: {
        name: options.step,
        samples: fit.length,
        validationSamples: validation.length,
        losses: losses.map((l) => l.kind),
        metric: heldOut?.metric ?? null,
        before,
        best: result.best,
        epochs: result.history,
        stopped: result.stopped,
        seconds: (performance.now() - started) / 1000,
        settings,
        idle,
      },
    };
  } finally {
    await heldOut?.close();
  }
}

/** Standard error of the difference of two shares, when a twentieth of the answers differ between them. */
export const metricNoise = (metric: string | null, samples: number) =>
  metric === 'SQNR' || samples === 0 ? 0 : Math.sqrt(0.05 / samples);

/** Of a long run, twenty epochs or so get a line. */
const isTold = (epoch: number, of: number) => epoch === 1 || epoch % Math.ceil(of / 20) === 0 || epoch === of;

const checkpointSteps = 200;

/** Runs of other models, teachers, data and settings keep apart. */
async function checkpointFolder(
  root: string,
  student: Model,
  losses: readonly LossTerm[],
  { settings, source, indices, teacher, step, also, masked }: TrainingRunOptions,
): Promise<string> {
  const facts = [step, settings, losses, await source.hash(), indices, also, masked];
  const hash = createHash('sha256').update(JSON.stringify(facts));
  for (const model of teacher ? [student, teacher] : [student])
    for (const v of model.graph.initializers)
      if (v.constant && v.constant.dtype !== 'string')
        hash.update(`${v.name} ${v.constant.dims}`).update(v.constant.bytes());
  return path.join(root, hash.digest('hex').slice(0, 16));
}

/** Samples to train on, and a tenth, at most 1 000, to judge by; the same for the same seed. */
export async function divideForTraining(source: DataSource, indices: readonly number[], seed: number) {
  const held = Math.min(1000, Math.floor(indices.length / 10));
  const part = {
    length: indices.length,
    labelled: source.labelled,
    label: (i: number) => source.label?.(indices[i] as number),
    ...(source.fingerprint
      ? { fingerprint: (i: number) => source.fingerprint?.(indices[i] as number) as Promise<string> }
      : {}),
  };
  const split = await splitData(part, { calibration: held, evaluation: indices.length, seed });
  const at = (i: number) => indices[i] as number;
  const validation = held > 0 ? split.calibration.map(at) : [];
  const kept = new Set(validation);
  return { validation, fit: indices.filter((i) => !kept.has(i)) };
}

type Told = Exclude<TrainEvent, { kind: 'step' }>;

function describeEvent(e: Told, metric: string | null, of: number): string {
  if (e.kind === 'resumed')
    return `goes on from its checkpoint · ${e.batch} of ${e.batches} batches were done`;
  const held = metric ? ` · ${trainingMetric({ metric }, e.metric)} held out` : '';
  return `epoch ${e.epoch} of ${of} · loss ${e.loss.toPrecision(3)}${held}`;
}

/** What came of it first: lines are cut from the end. */
export const describeTraining = (r: TrainingRecord) =>
  [
    r.metric ? trainingGain(r) : '',
    r.best ? `epoch ${r.best.epoch} of ${r.settings.epochs} kept` : counted(r.epochs.length, 'epoch'),
    r.stopped === 'early' ? 'stopped early' : '',
    counted(r.samples, 'sample'),
  ]
    .filter(Boolean)
    .join(' · ');
