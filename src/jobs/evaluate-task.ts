/** How good a model is at a task of which labels are no classes: boxes, masks, target numbers; one model or two side by side. */
import { openOn } from '../compute/engine/open-model.ts';
import { readAll } from '../data/read-all.ts';
import type { Report } from '../judge/report/report.ts';
import type { Metric } from '../judge/task/measure.ts';
import { openMeter } from '../judge/task/measures-of.ts';
import type { Task } from '../judge/task/task.ts';
import { createBreather } from '../support/breathe.ts';
import { taskUnlabelled } from '../support/diagnostics/task.ts';
import { feedsFor, type RunPairOptions, type Subject } from './run-pair.ts';

export interface EvaluateTaskOptions extends RunPairOptions {
  readonly task: Task;
  /** The original: its figures stand in `before`. */
  readonly baseline?: Subject | undefined;
}

/** Metrics in `after`; `before` is the baseline's, or null.
 *  @throws TASK_UNLABELLED where samples don't say what is right for the task, what engine and source throw */
export async function evaluateTask(
  subject: Subject,
  { task, baseline, engine, source, indices, signal, onProgress }: EvaluateTaskOptions,
): Promise<NonNullable<Report['evaluation']>> {
  const after = await openOn(engine, subject.model, subject.session);
  try {
    const before = baseline ? await openOn(engine, baseline.model, baseline.session) : null;
    try {
      const { inputs, outputs } = before ?? after;
      const meter = openMeter({ task, inputs, outputs });
      const breathe = createBreather();
      let done = 0;
      for await (const sample of readAll(source, indices)) {
        signal?.throwIfAborted();
        const y = await after.run(feedsFor(after, sample));
        meter?.add(before ? await before.run(feedsFor(before, sample)) : y, y, sample);
        onProgress?.(++done, indices.length);
        await breathe();
      }
      const metrics = meter?.quality?.() ?? [];
      if (metrics.length === 0) throw taskUnlabelled(source.name, task.name);
      const alone = (metric: Metric): Metric => (before ? metric : { ...metric, before: null });
      const runtime = `${engine.name} ${engine.version}`;
      return { task: task.name, samples: indices.length, runtime, metrics: metrics.map(alone) };
    } finally {
      await before?.close();
    }
  } finally {
    await after.close();
  }
}
