/** What can be done to a model before it is quantised: prune, distil, fine-tune, in the order given. Each step is measured,
 *  so that the report can say what it cost and what it bought. */

import { compressModel, preset } from '../compress/compress.ts';
import type { Skip } from '../compress/pipeline/pass.ts';
import type { Engine } from '../compute/engine/contract.ts';
import type { EngineRun } from '../compute/engine/run-context.ts';
import { openHeldOut } from '../compute/train/held-out.ts';
import { sampleData } from '../compute/train/samples.ts';
import type { Prepared } from '../data/prepare-data.ts';
import type { DataSource } from '../data/source.ts';
import type { Milestone, StepsRecord } from '../judge/report/steps.ts';
import type { TrainingRecord } from '../judge/report/training.ts';
import type { Task } from '../judge/task/task.ts';
import { openedFromModel, type Runnable } from '../model/formats/opened.ts';
import { cloneModel } from '../model/ir/clone.ts';
import type { Model } from '../model/ir/model.ts';
import { type Port, portsOf } from '../model/ir/port.ts';
import { scoresClasses } from '../model/ops/class-scores.ts';
import { modelMacs } from '../model/ops/cost.ts';
import { inferShapes } from '../model/ops/shapes.ts';
import { formatCount } from '../support/units.ts';
import { measurePair } from './measure-pair.ts';
import { type JobRun, step } from './progress.ts';
import { answersInClasses, openTaskMeter } from './steps/task-meter.ts';

export interface StepContext extends EngineRun, JobRun {
  /** The model as it was given, ready to be a teacher. */
  readonly original: Model;
  readonly prepared: Prepared | null;
  /** Samples of `prepared.source` that may be learnt from. */
  readonly training: readonly number[];
  /** What channels are chosen by and fitted to where there is no data; null where there is some, or nothing could be made up. */
  readonly madeUp?: Learnable | null | undefined;
  /** What the original is for; recognised where it is left out. */
  readonly task?: Task | undefined;
}

/** Samples that may be learnt from. */
export interface Learnable {
  readonly source: DataSource;
  readonly indices: readonly number[];
}

export interface StepOutcome {
  readonly model: Model;
  /** One line: what was done. */
  readonly summary: string;
  /** For the report, after the step's name: "ended early: …". */
  readonly note?: string | null;
  readonly skips?: readonly Skip[];
  readonly training?: readonly TrainingRecord[];
}

export interface ModelStep {
  /** Short, a verb: "prune", "distil". */
  readonly name: string;
  apply(model: Model, context: StepContext): Promise<StepOutcome>;
}

export interface StepsResult extends StepsRecord {
  readonly model: Model;
}

interface StepsOptions extends EngineRun, JobRun {
  readonly steps: readonly ModelStep[];
  readonly prepared: Prepared | null;
  /** Made-up samples, where there is no data. */
  readonly madeUp?: Learnable | null | undefined;
  /** What the model is for; recognised where it is left out. */
  readonly task?: Task | undefined;
  /** Whether the latency of each model is measured. */
  readonly measure: boolean;
  readonly runtime: Engine['name'];
}

/** @throws what steps throw */
export async function runModelSteps(source: Model, options: StepsOptions): Promise<StepsResult> {
  const { engine, prepared, madeUp, task, events, signal } = options;
  const { model: original } = await compressModel(source, { recipe: preset('trainable'), engine, signal });
  const training = prepared?.training ?? [];
  const context: StepContext = { engine, original, prepared, training, madeUp, task, events, signal };
  const judge = await openJudge(original, options);
  try {
    let model = cloneModel(original);
    const milestones = [await judge.look('original', original)];
    const stages: StepsResult['stages'][number][] = [];
    const skips: StepsResult['skips'][number][] = [];
    const records: TrainingRecord[] = [];
    for (const s of options.steps) {
      signal?.throwIfAborted();
      const started = performance.now();
      const outcome = await step(
        events,
        s.name,
        () => s.apply(model, context),
        (o) => o.summary,
      );
      model = outcome.model;
      stages.push({ name: s.name, summary: outcome.summary, ms: performance.now() - started });
      skips.push(...(outcome.skips ?? []).map((skip) => ({ ...skip, pass: s.name })));
      records.push(...(outcome.training ?? []));
      milestones.push({ ...(await judge.look(s.name, model)), note: outcome.note ?? null });
    }
    return { model, milestones, stages, skips, training: records };
  } finally {
    await judge.close();
  }
}

interface Judge {
  look(name: string, model: Model): Promise<Milestone>;
  close(): Promise<void>;
}

async function openJudge(original: Model, options: StepsOptions): Promise<Judge> {
  const { engine, prepared, signal } = options;
  const scores = scoresClasses(original);
  const held = prepared?.held.indices.length ? prepared.held : null;
  const heldOut = held
    ? await openHeldOut({
        engine,
        data: await sampleData(held.source, held.indices),
        batch: 64,
        teacher: original,
        scores,
      })
    : null;
  // Where there are no classes, what the task is measured by says more than noise.
  const meter =
    held && (heldOut?.metric === 'SQNR' || !answersInClasses(options.task))
      ? await openTaskMeter(original, { ...held, engine, task: options.task, signal })
      : null;
  const sample = held ? await held.source.read(held.indices[0] as number) : null;
  return {
    async look(name, model) {
      const opened = openedFromModel(model, 'step.onnx');
      const tidied = await compressModel(model, { recipe: preset('clean'), engine, signal });
      return {
        name,
        sizeBytes: openedFromModel(tidied.model, 'step.onnx').sizeBytes,
        parameters: [...tidied.model.graph.initializers].reduce(
          (n, v) => n + (v.constant?.dtype.startsWith('float') ? size(v.constant.dims) : 0),
          0,
        ),
        macs: macsOf(model),
        metric: meter?.name ?? heldOut?.metric ?? null,
        value: meter
          ? ((await meter.measure(model))?.value ?? null)
          : heldOut
            ? await heldOut.measure(model)
            : null,
        latencyMs: options.measure ? await latency(opened, portsOf(model)) : null,
      };
    },
    close: async () => heldOut?.close(),
  };

  async function latency(model: Runnable, ports: readonly Port[]): Promise<number> {
    const timing = { engine: options.runtime, sample, ports, signal, maxMs: 1500 };
    const measured = await measurePair(model, model, timing);
    return Math.min(...measured.latency.map((l) => l.medianMs));
  }
}

const size = (dims: readonly number[]) => dims.reduce((a, b) => a * b, 1);

export function macsOf(model: Model): number | null {
  const typed = cloneModel(model);
  inferShapes(typed);
  const { macs, unknown } = modelMacs(typed);
  return unknown.length > 0 && macs === 0 ? null : macs;
}

/** "301 M → 148 M MACs" */
export const describeChange = (before: number | null, after: number | null, unit: string) =>
  before === null || after === null ? '' : `${formatCount(before)} → ${formatCount(after)} ${unit}`;
