/** Entry of the measuring worker: one run, or several by turns, then it is ended by the page. */

import type { Engine, Session } from '../../../compute/engine/contract.ts';
import { messageOf } from '../../../support/diagnostics.ts';
import { type Candidate, measure, measureByTurns } from '../../profile/measure.ts';
import { isOther } from '../../profile/other-runtimes.ts';
import { fetchEngine } from '../../profile/page/runtime.ts';
import { messageLimits } from '../limits.ts';
import type { Measured } from '../messages.ts';
import { downloadModel } from './download.ts';
import { createFeeds } from './feeds.ts';
import type { Step, TakenTurns, WorkerReport, WorkerTask } from './tasks.ts';

const tell = (report: WorkerReport) => globalThis.postMessage(report);

/** Time for the counted repetitions of a variant, alone and then by turns: a phone that measures ten is done within a minute. */
const aloneMs = 1000;
const turnMs = 1500;
/** Messages cost time that would be measured; the page draws what lies between. */
const tellEveryMs = 250;

globalThis.addEventListener(
  'message',
  ({ data: task }: MessageEvent<WorkerTask>) => {
    const measured = task.variants.length > 1 ? takeTurns(task) : measureAlone(task);
    measured.then(
      (measured) => tell({ type: 'done', measured }),
      (error: unknown) => tell({ type: 'failed', message: messageOf(error) }),
    );
  },
  { once: true },
);

async function measureAlone(task: WorkerTask): Promise<Measured> {
  const [variant] = task.variants;
  const progress = reporter();
  const begin = performance.now();
  const model = await downloadModel(variant.parts, task.session, (loaded) =>
    progress('download', loaded / variant.bytes),
  );
  const downloadMs = performance.now() - begin;
  tell({ type: 'progress', step: 'start', fraction: 0 });
  const start = await fetchEngine(engineOf(variant, task));
  const { engine, environment, compileMs } = await start();
  tell({ type: 'progress', step: 'start', fraction: 0.5 });
  const measured = await measure(
    counted(() => engine.open(model, { config: variant.sessionConfig }), aloneMs, progress),
    createFeeds(task),
    { maxMs: aloneMs, warmupMs: 500, maxRepetitions: messageLimits.samples },
  );
  const { createMs, firstRunMs, warmup, samplesMs } = measured;
  return {
    kind: 'measured',
    runtime: environment.runtime,
    ...{ downloadMs, compileMs, createMs, firstRunMs, warmup, peakBytes: null },
    samplesMs: [...samplesMs],
    resolutionMs: clockStep(),
  };
}

/** All open in this worker at once; those of one runtime in one engine. */
async function takeTurns(task: WorkerTask): Promise<TakenTurns> {
  const { variants, session } = task;
  const progress = reporter();
  const bytes = variants.reduce((sum, variant) => sum + variant.bytes, 0);
  const feeds = createFeeds(task);
  const engines = new Map<string, Engine>();
  const candidates: Candidate[] = [];
  const maxMs = turnMs * variants.length;
  let before = 0;
  for (const variant of variants) {
    const model = await downloadModel(variant.parts, session, (loaded) =>
      progress('download', (before + loaded) / bytes),
    );
    before += variant.bytes;
    const runtime = isOther(variant.format) ? variant.format : 'ort';
    const engine = engines.get(runtime) ?? (await (await fetchEngine(engineOf(variant, task)))()).engine;
    engines.set(runtime, engine);
    const open = () => engine.open(model, { config: variant.sessionConfig });
    candidates.push({ open: counted(open, maxMs, progress), feeds });
  }
  tell({ type: 'progress', step: 'start', fraction: 0.5 });
  const maxRepetitions = Math.min(
    messageLimits.samples,
    Math.floor(messageLimits.turnSamples / variants.length),
  );
  const turns = await measureByTurns(candidates, { maxMs, warmupMs: 300, maxRepetitions });
  return { kind: 'turns', samplesMs: turns.map(({ samplesMs }) => samplesMs.map(microseconds)) };
}

const microseconds = (ms: number) => Math.round(1000 * ms) / 1000;

function engineOf({ format }: Variant, { provider, threads, variants, outputs }: WorkerTask) {
  const shaderF16 = variants.some(({ requires }) => requires.includes('shader-f16'));
  const other = isOther(format) ? { runtime: format, url: `/${format}/`, outputs } : undefined;
  return { provider, threads, shaderF16, runtimeUrl: '/ort/', other };
}

type Variant = WorkerTask['variants'][number];

/** A session that tells of its runs. */
const counted =
  (open: () => Promise<Session>, maxMs: number, progress: ReturnType<typeof reporter>) =>
  async (): Promise<Session> => {
    const opened = await open();
    const begin = performance.now();
    let runs = 0;
    return {
      ...opened,
      async run(feeds, outputs) {
        const result = await opened.run(feeds, outputs);
        runs++;
        progress('measure', Math.max(runs / messageLimits.samples, (performance.now() - begin) / maxMs));
        return result;
      },
    };
  };

function reporter(): (step: Step, fraction: number) => void {
  let last = 0;
  return (step, fraction) => {
    const now = performance.now();
    if (now - last < tellEveryMs) return;
    last = now;
    tell({ type: 'progress', step, fraction: Math.min(1, fraction) });
  };
}

/** Browsers blur their clock, to 1 ms where they are most careful: the smallest step it is seen to take. */
function clockStep(): number {
  let smallest = Number.POSITIVE_INFINITY;
  const end = performance.now() + 20;
  for (let before = performance.now(); before < end; ) {
    const now = performance.now();
    if (now > before) smallest = Math.min(smallest, now - before);
    before = now;
  }
  return Number.isFinite(smallest) ? smallest : 20;
}
