/** Entry of the measuring worker: one run, then it is ended by the page. */

import { messageOf } from '../../../support/diagnostics.ts';
import { measure } from '../../profile/measure.ts';
import { isOther } from '../../profile/other-runtimes.ts';
import { fetchEngine } from '../../profile/page/runtime.ts';
import { messageLimits } from '../limits.ts';
import type { Measured } from '../messages.ts';
import { downloadModel } from './download.ts';
import { createFeeds } from './feeds.ts';
import type { Step, WorkerReport, WorkerTask } from './tasks.ts';

const tell = (report: WorkerReport) => globalThis.postMessage(report);

/** Time for the counted repetitions: a phone that measures ten variants is done within a minute. */
const maxMs = 3000;
/** Messages cost time that would be measured; the page draws what lies between. */
const tellEveryMs = 250;

globalThis.addEventListener(
  'message',
  (event: MessageEvent<WorkerTask>) => {
    perform(event.data).then(
      (measured) => tell({ type: 'done', measured }),
      (error: unknown) => tell({ type: 'failed', message: messageOf(error) }),
    );
  },
  { once: true },
);

async function perform(task: WorkerTask): Promise<Measured> {
  const { run, variant, inputs, outputs, preprocessing, session } = task;
  const progress = reporter();
  let begin = performance.now();
  const model = await downloadModel(variant.parts, session, (loaded) =>
    progress('download', loaded / variant.bytes),
  );
  const downloadMs = performance.now() - begin;
  tell({ type: 'progress', step: 'start', fraction: 0 });
  const { format } = variant;
  const start = await fetchEngine({
    ...{ provider: run.provider, threads: run.threads, shaderF16: shaderF16(variant), runtimeUrl: '/ort/' },
    other: isOther(format) ? { runtime: format, url: `/${format}/`, outputs } : undefined,
  });
  const { engine, environment, compileMs } = await start();
  tell({ type: 'progress', step: 'start', fraction: 0.5 });
  begin = 0;
  let runs = 0;
  const measured = await measure(
    async () => {
      const opened = await engine.open(model, { config: variant.sessionConfig });
      begin = performance.now();
      return {
        ...opened,
        async run(feeds, outputs) {
          const result = await opened.run(feeds, outputs);
          runs++;
          progress('measure', Math.max(runs / messageLimits.samples, (performance.now() - begin) / maxMs));
          return result;
        },
      };
    },
    createFeeds({ inputs, preprocessing }),
    { maxMs, warmupMs: 500, maxRepetitions: messageLimits.samples },
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

const shaderF16 = ({ requires }: WorkerTask['variant']) => requires.includes('shader-f16');

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
