/** What a measuring page does with one task. Runs in the page; the device lab uses it as well. */
import type { ModelSource, Session } from '../../../compute/engine/contract.ts';
import type { Tensor } from '../../../model/ir/tensor.ts';
import { Diagnostic, messageOf, partsOf } from '../../../support/diagnostics.ts';
import { fromWire, toWire, type WireTensor } from '../isolated-messages.ts';
import { measure, measureByTurns } from '../measure.ts';
import { measureThroughput } from '../throughput.ts';
import { decodeFrame } from './frame.ts';
import type { PageAnswer, PageMeasurement, PageModel, PagePart, PageTask } from './messages.ts';
import { fetchEngine } from './runtime.ts';

/** @param onStep  what is being done, for a person who watches
 *  @param onReady  the runtime is fetched and nothing was timed yet: from here on the network may be slow */
export async function performTask(
  task: PageTask,
  onStep: (step: string) => void = () => {},
  onReady: () => Promise<unknown> = async () => {},
): Promise<PageAnswer> {
  try {
    if (task.work.kind === 'turns') return await takeTurns(task, task.work, onStep, onReady);
    onStep('fetching the runtime');
    const start = await fetchEngine(task);
    const feeds = await fetchFeeds(task);
    await onReady();
    onStep('fetching the model');
    const begin = performance.now();
    const model = await fetchModel(task.model);
    const downloadMs = performance.now() - begin;
    onStep('starting the runtime');
    const { engine, environment, compileMs } = await start();
    const open = () => engine.open(model, { config: task.config });
    onStep('running');
    if (task.work.kind === 'run') return { environment, outputs: await runAll(await open(), feeds) };
    const feed = feeds[0] ?? {};
    const timed = await measure(open, feed, task.work.options);
    // Before larger batches make it grow.
    const peakBytes = await pageBytes(task.threads);
    const { throughput: wanted } = task.work;
    const throughput = wanted && (await measureThroughput(open, feed, wanted));
    const measurement: PageMeasurement = {
      ...timed,
      downloadMs,
      compileMs,
      peakBytes,
      throughput,
    };
    return { environment, measurement };
  } catch (error) {
    return { failed: failure(error) };
  }
}

/** All of onnxruntime in one engine, all of TensorFlow.js and all of LiteRT.js in others, as in a page that has them. */
async function takeTurns(
  task: PageTask,
  { others, options }: Extract<PageTask['work'], { kind: 'turns' }>,
  onStep: (step: string) => void,
  onReady: () => Promise<unknown>,
): Promise<PageAnswer> {
  const models: readonly PageModel[] = [task, ...others];
  const runtimeOf = ({ other }: PageModel) => other?.runtime ?? 'ort';
  onStep('fetching the runtime');
  const starts = new Map<string, Awaited<ReturnType<typeof fetchEngine>>>();
  for (const model of models)
    if (!starts.has(runtimeOf(model)))
      starts.set(runtimeOf(model), await fetchEngine({ ...task, other: model.other }));
  const [feed = {}] = await fetchFeeds(task);
  await onReady();
  onStep('fetching the models');
  const sources = await Promise.all(models.map(({ model }) => fetchModel(model)));
  onStep('starting the runtime');
  const started = new Map<string, Awaited<ReturnType<Awaited<ReturnType<typeof fetchEngine>>>>>();
  for (const [runtime, start] of starts) started.set(runtime, await start());
  const candidates = models.map((model, i) => ({
    open: () => started.get(runtimeOf(model))!.engine.open(sources[i]!, { config: model.config }),
    feeds: feed,
  }));
  onStep('running');
  const turns = await measureByTurns(candidates, options);
  return { environment: started.get(runtimeOf(task))!.environment, turns };
}

const fetchFeeds = async ({ feedsUrl }: PageTask) =>
  (decodeFrame(await download([feedsUrl])) as WireTensor[][]).map(fromWire);

async function runAll(session: Session, feeds: readonly Record<string, Tensor>[]): Promise<WireTensor[][]> {
  try {
    const outputs: WireTensor[][] = [];
    // The runtime owns what it hands out until the next run.
    for (const feed of feeds) outputs.push(toWire(await session.run(feed)).map(copied));
    return outputs;
  } finally {
    await session.close();
  }
}

const copied = (t: WireTensor): WireTensor => (t.bytes ? { ...t, bytes: t.bytes.slice() } : t);

async function fetchModel(parts: readonly PagePart[]): Promise<ModelSource> {
  const loaded = await Promise.all(
    parts.map(async (part) => ({ ...part, bytes: await download(part.urls) })),
  );
  const model = loaded.find((part) => part.role === 'model');
  if (!model) throw new Error('The task names no model file.');
  const data = loaded.filter((part) => part.role === 'data');
  return {
    bytes: model.bytes,
    externalData: data.length > 0 ? new Map(data.map((d) => [d.name, d.bytes])) : undefined,
  };
}

async function download(urls: readonly string[]): Promise<Uint8Array> {
  const pieces = await Promise.all(
    urls.map(async (url) => {
      const response = await fetch(url, { cache: 'no-store' });
      if (!response.ok) throw new Error(`${url} was answered with status ${response.status}.`);
      return new Uint8Array(await response.arrayBuffer());
    }),
  );
  if (pieces.length === 1) return pieces[0]!;
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

/** performance.measureUserAgentSpecificMemory, where there is one: Chromium, isolated. Worker threads that wait for work
 *  keep it from answering. */
async function pageBytes(threads: number): Promise<number | null> {
  if (threads > 1) return null;
  const ask = (performance as { measureUserAgentSpecificMemory?: () => Promise<{ bytes: number }> })
    .measureUserAgentSpecificMemory;
  if (!ask || !globalThis.crossOriginIsolated) return null;
  // It waits for a garbage collection, which some browsers put off for long.
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), 20_000));
  return Promise.race([
    ask.call(performance).then(
      ({ bytes }) => bytes,
      () => null,
    ),
    late,
  ]);
}

const failure = (error: unknown): Extract<PageAnswer, { failed: unknown }>['failed'] =>
  error instanceof Diagnostic
    ? partsOf(error)
    : { code: 'PAGE_FAILED', kind: 'environment', message: messageOf(error) };
