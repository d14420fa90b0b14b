/** Entry of the child process that isolated.ts starts: takes one task, answers once, ends. */
import type { Engine, Session } from '../../compute/engine/contract.ts';
import { buildKernel, openKernel } from '../../compute/engine/kernel.ts';
import { openEngine } from '../../compute/engine/open.ts';
import { tensorOf } from '../../model/ir/tensor.ts';
import { type Answer, failureOf, fromWire, type Subject, type Task } from './isolated-messages.ts';
import { measure, measureByTurns } from './measure.ts';
import { sourceFor } from './model-files.ts';
import { peakMemoryBytes } from './peak-memory.ts';
import { measureThroughput } from './throughput.ts';
import { watchWasmHeap } from './wasm-heap.ts';

process.once('message', (task: Task) => {
  perform(task)
    .catch((error: unknown): Answer => ({ failed: failureOf(error) }))
    .then((answer) => process.send?.(answer, () => process.exit(0)));
});
// The parent is gone: nobody waits for the answer.
process.once('disconnect', () => process.exit(0));

async function perform(task: Task): Promise<Answer> {
  const heapBytes = task.engine === 'wasm' ? watchWasmHeap() : null;
  const begin = performance.now();
  const engine = await openEngine(task.engine);
  const [first, ...others] = task.subjects;
  await wakeRuntime(engine, first.options.threads);
  const compileMs = performance.now() - begin;
  const feeds = fromWire(task.feeds);
  const opener = (subject: Subject) => async (): Promise<Session> =>
    engine.open(await sourceFor(engine, subject), subject.options);
  if (others.length > 0) {
    const candidates = task.subjects.map((subject) => ({ open: opener(subject), feeds }));
    return { turns: await measureByTurns(candidates, task.measure) };
  }
  const baselineBytes = heapBytes?.() ?? process.memoryUsage.rss();
  const single = await measure(opener(first), feeds, task.measure);
  // Before larger batches make it grow.
  const memory = { peakBytes: heapBytes?.() ?? peakMemoryBytes(), baselineBytes };
  if (!task.throughput) return { single, memory, compileMs };
  const throughput = await measureThroughput(opener(first), feeds, task.throughput);
  return { single, memory, compileMs, throughput };
}

/** Loads and compiles the runtime, so that neither createMs nor the model's memory contains it. */
async function wakeRuntime(engine: Engine, threads: number | undefined): Promise<void> {
  const identity = buildKernel((b) => b.output('y', b.input('x', 'float32', [1]), 'float32', [1]), 17);
  const session = await openKernel(engine, identity, { threads });
  await session.run({ x: tensorOf('float32', [1], [0]) });
  await session.close();
}
