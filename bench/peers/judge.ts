/** What a quantised model is worth: how near it is to the float one on samples that chose nothing, and how fast. */
import type { EngineName } from '../../src/compute/engine/contract.ts';
import { latencyRatio } from '../../src/compute/engine/latency-ratio.ts';
import { openEngine } from '../../src/compute/engine/open.ts';
import type { DataSource } from '../../src/data/source.ts';
import { taskOf } from '../../src/jobs/model-task.ts';
import { runPair } from '../../src/jobs/run-pair.ts';
import { formatMeasure, mainMeasure, worstSqnr } from '../../src/judge/report/measure-words.ts';
import { formatMetric } from '../../src/judge/report/metrics.ts';
import { openModel } from '../../src/model/formats/open-file.ts';
import { formatDb } from '../../src/support/units.ts';

export interface Verdict {
  /** "82.0 → 81.5 %, 21.4 dB", or why not. */
  readonly quality: string;
  /** Time of a run as a share of the float model's; null where it doesn't run. */
  readonly latency: number | null;
}

export interface Held {
  readonly source: DataSource;
  readonly indices: readonly number[];
}

/** @param before, after  paths of models */
export async function judge(
  name: EngineName,
  before: string,
  after: string,
  { source, indices }: Held,
): Promise<Verdict> {
  const engine = await openEngine(name);
  const [a, b] = [openModel(before), openModel(after)];
  try {
    const task = taskOf(a, undefined, source);
    const pair = await runPair({ model: a }, { model: b }, { engine, source, indices, task });
    const metric = pair.evaluation?.metrics[0];
    const measure = mainMeasure(pair);
    const main =
      metric?.before != null && metric.after != null
        ? `${formatMetric(metric, metric.before)} → ${formatMetric(metric, metric.after)}`
        : measure && `${measure.name} ${formatMeasure(measure)}`;
    const db = worstSqnr(pair);
    return {
      quality: [main, db !== null && formatDb(db)].filter((part) => part).join(', '),
      latency: await latencyRatio(engine, a.model, b.model, {
        feeds: (await source.read(indices[0]!)).inputs,
        ms: 3000,
      }),
    };
  } catch (error) {
    return { quality: `doesn't run: ${String(error).split('\n')[0]!.slice(0, 120)}`, latency: null };
  }
}
