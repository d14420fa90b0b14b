/** What a run of `compress` knows before its work, and tells: the model, what it is for, its data and who is given how much of it. */
import path from 'node:path';
import { engineOfTarget, openEngine } from '../compute/engine/open.ts';
import type { Tell } from '../compute/engine/run-context.ts';
import { describeData, type Prepared } from '../data/prepare-data.ts';
import { dataFacts, type ReportHeader, targetFacts } from '../judge/report/header.ts';
import type { Task } from '../judge/task/task.ts';
import type { OpenedModel } from '../model/formats/opened.ts';
import { portsOf } from '../model/ir/port.ts';
import { attempt } from './attempt.ts';
import type { CompressFileOptions } from './compress-file-options.ts';
import { quickFacts } from './model-facts.ts';
import { taskOf } from './model-task.ts';
import { openProbe, type Probe } from './probe.ts';
import { step } from './progress.ts';
import { prepareDataFor } from './try-preprocessing.ts';

export interface Known {
  readonly prepared: Prepared | null;
  readonly task: Task;
  /** What to compare on where no samples are held back; null where some are, or nothing is compared. */
  readonly probe: Probe | null;
  /** Why there is none where there should be one. */
  readonly unprobed: string | null;
  readonly facts: ReportHeader['source'];
}

type Run = Pick<CompressFileOptions, 'plan' | 'events' | 'signal' | 'output' | 'config'>;

/** @throws TASK_UNFIT before data is opened, and what prepareDataFor throws */
export async function knownBefore(opened: OpenedModel, options: Run): Promise<Known> {
  const { request, recipe } = options.plan;
  taskOf(opened, request.task);
  const prepared = await preparedData(opened, options);
  const isHeld = prepared !== null && prepared.held.indices.length > 0;
  const task = taskOf(opened, request.task, isHeld ? prepared.held.source : null);
  const compares = request.compare !== false;
  const { measured: probe, reason: unprobed } =
    isHeld || !compares ? none : await probeFor(opened, prepared, { task, options });
  const facts = quickFacts(opened);
  options.events.known?.({
    ...{ source: facts, task, config: options.config },
    data: prepared && dataFacts(prepared),
    ...(probe && { probe: probe.facts }),
    target: targetFacts(recipe.target, path.basename(options.output)),
  });
  return { prepared, task, probe, unprobed, facts };
}

const none = { measured: null, reason: null };

/** Nobody asked for one: that it can't run is said, and ends nothing. */
function probeFor(
  opened: OpenedModel,
  prepared: Prepared | null,
  { task, options: { plan, events, signal } }: { readonly task: Task; readonly options: Run },
) {
  const comparedOn = engineOfTarget(plan.recipe.target);
  const open = (onProgress: Tell) => openProbe(opened, prepared, { comparedOn, task, signal, onProgress });
  return attempt(() => step(events, 'probe', open, ({ facts }) => facts.what), signal);
}

async function preparedData(opened: OpenedModel, { plan, events, signal }: Run): Promise<Prepared | null> {
  const { data, steps, request } = plan;
  if (!data) return null;
  const prepare = () =>
    prepareDataFor(opened, portsOf(opened.model), data.from, {
      ...{ ...data.split, engine: openEngine, signal, task: request.task },
      needsLabels: steps.some((s) => s.kind === 'train' && s.name === 'finetune'),
    });
  return step(events, 'data', prepare, describeData);
}
