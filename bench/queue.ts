/** What the queue of a sweep bears: jobs that do nothing, put there as parts of a sweep and taken by workers of this process; time,
 *  and memory of this process and of Redis. Needs redis-server, bullmq and ioredis.
 *    npx tsx bench/queue.ts [jobs] [workers]        (default: 10000, 3) */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CompressJob, keyOf, versionsHere } from '../src/jobs/sweep/job.ts';
import { addFlows, flowSize } from '../src/jobs/sweep/queue/add-flows.ts';
import { connect, loadBullMq, prefix } from '../src/jobs/sweep/queue/bullmq.ts';
import { lock, queueNames } from '../src/jobs/sweep/queue/queues.ts';
import { describeMachine, installedVersion } from '../src/ship/profile/machine.ts';
import { formatBytes, formatInteger } from '../src/support/units.ts';
import { redisMissing, startRedis } from '../test/redis.ts';

const count = Number(process.argv[2] ?? 10_000);
const workerCount = Number(process.argv[3] ?? 3);
const concurrency = 4;

const missing = redisMissing();
if (missing) throw new Error(missing);
const folder = mkdtempSync(join(tmpdir(), 'edgepress-queue-'));
const redis = await startRedis(folder);
try {
  await measure();
} finally {
  await redis.stop();
  rmSync(folder, { recursive: true });
}

async function measure(): Promise<void> {
  const { Queue, Worker, FlowProducer } = await loadBullMq();
  const connection = await connect(redis.url);
  const names = await queueNames();
  const common = { connection, prefix };
  const jobs: [string, CompressJob][] = [];
  for (let seed = 0; seed < count; seed++) {
    const recipe = { int8: 'static', prune: 30 };
    const inputs = { data: { sha256: 'b'.repeat(64) } };
    const job: CompressJob = {
      kind: 'compress',
      model: 'a'.repeat(64),
      inputs,
      recipe,
      target: 'wasm',
      seed,
      versions: versionsHere(),
    };
    jobs.push([await keyOf(job), job]);
  }
  const server = connection as unknown as { info(section: string): Promise<string> };
  const used = async () => Number(/used_memory:(\d+)/.exec(await server.info('memory'))?.[1]);
  const empty = await used();

  const queue = new Queue(names.work, common);
  const flows = new FlowProducer(common);
  const began = performance.now();
  await addFlows(jobs, { flows, queue, names, priority: undefined });
  const added = performance.now() - began;
  const full = await used();

  let done = 0;
  let parents = 0;
  const sweeps = new Worker(names.sweeps, async () => void parents++, {
    ...common,
    name: 'bench',
    ...lock,
    maxStalledCount: 1,
    concurrency: 1,
  });
  const started = performance.now();
  const workers = Array.from(
    { length: workerCount },
    () =>
      new Worker(
        names.work,
        async (job) => {
          await job.updateProgress({ step: 'compare', worker: 'bench' });
          done++;
          return { failed: null, machine: 'bench' };
        },
        { ...common, name: 'bench', ...lock, maxStalledCount: 1, concurrency },
      ),
  );
  while (done < count || parents < Math.ceil(count / flowSize))
    await new Promise((resolve) => setTimeout(resolve, 20));
  const took = performance.now() - started;
  const after = await used();
  await Promise.all([...workers, sweeps, queue, flows].map((one) => one.close()));
  connection.disconnect();

  const { cpu, cores, node } = describeMachine();
  const rate = (ms: number) => `${formatInteger((count / ms) * 1000)}/s`;
  console.log(
    `${cpu}, ${cores} cores, Node ${node}, BullMQ ${installedVersion('bullmq')}, Redis on the same machine, AOF every second\n`,
  );
  console.log(
    '| jobs | workers | put there | done | Redis, all waiting | a job | Redis, after | this process |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
  console.log(
    `| ${formatInteger(count)} | ${workerCount} × ${concurrency} | ${rate(added)} | ${rate(took)} | ${formatBytes(full - empty)} | ${formatBytes((full - empty) / count)} | ${formatBytes(after - empty)} | ${formatBytes(process.memoryUsage.rss())} |`,
  );
}
