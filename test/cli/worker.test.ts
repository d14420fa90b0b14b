/** compress worker: what it takes, and how it ends. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyOf, parseJob, versionsHere } from '../../src/jobs/sweep/job.ts';
import { connect, loadBullMq, prefix } from '../../src/jobs/sweep/queue/bullmq.ts';
import { queuedJob, queueNames } from '../../src/jobs/sweep/queue/queues.ts';
import { type SweepReport, sweepReportSchema } from '../../src/judge/report/sweep-report.ts';
import { type RedisServer, redisMissing, startRedis } from '../redis.ts';
import { createWorkspace, data, shippedModel, type Workspace } from './program.ts';
import { endWorkers, startWorker } from './sweep-workers.ts';

const missing = redisMissing();

let w: Workspace;
let redis: RedisServer;
beforeAll(async () => {
  w = createWorkspace();
  if (missing) return;
  mkdirSync(w.path('redis'));
  redis = await startRedis(w.path('redis'));
});
afterAll(async () => {
  endWorkers();
  if (!missing) await redis.stop();
  w.remove();
});

function sweepFile(name: string, fixed: object): string {
  const models = [{ model: shippedModel('glyphs-mlp'), data: data('glyphs-grey.npz') }];
  writeFileSync(
    w.path(name),
    JSON.stringify({ edgepress: 'sweep@1', models, fixed: { calibrate: 20, evaluate: 40, ...fixed } }),
  );
  return name;
}

const reportIn = (folder: string): SweepReport =>
  sweepReportSchema.parse(JSON.parse(readFileSync(w.path(`${folder}/sweep.json`), 'utf8')));

it.skipIf(missing === 'bullmq and ioredis are not installed (npm ci)')(
  'a server that gives no answer ends both with a code, and without its password',
  async () => {
    const url = 'redis://somebody:not-to-be-printed@127.0.0.1:1';
    const both = [
      w.start(['worker', '--queue', url]),
      w.start(['sweep', sweepFile('nobody.json', {}), '--queue', url]),
    ];
    for (const { code, stdout, stderr } of await Promise.all(both)) {
      expect(code).toBe(5);
      expect(stderr).toContain('QUEUE_UNREACHABLE');
      expect(stdout + stderr).not.toContain('not-to-be-printed');
    }
  },
);

it('a queue that is no address of Redis is refused', async () => {
  const { code, stderr } = await w.start(['worker', '--queue', 'https://example.org']);
  expect(code).toBe(2);
  expect(stderr).toContain('INVALID_ARGUMENT');
});

describe.skipIf(missing)('a worker', () => {
  const queue = () => ['--queue', redis.url, '--store', 'shared'];

  it('takes recipes under their own names, and nothing else', async () => {
    const { Queue } = await loadBullMq();
    const connection = await connect(redis.url);
    const names = await queueNames();
    const work = new Queue(names.work, { connection, prefix });
    const job = parseJob({
      ...{ kind: 'compress', model: 'a'.repeat(64), inputs: {}, recipe: {}, target: 'wasm', seed: 0 },
      versions: versionsHere(),
    });
    const [path, other, unknown] = ['b'.repeat(64), 'c'.repeat(64), await keyOf(job)];
    const withPath = { ...job, recipe: { output: '/tmp/x.onnx' } };
    await work.addBulk([
      { ...queuedJob(path, job, undefined), data: withPath },
      queuedJob(other, job, undefined),
      queuedJob(unknown, job, undefined),
    ]);
    const worker = startWorker(w, [...queue(), '--jobs', '1'], 'strict');
    const failure = async (key: string) => {
      for (;;) {
        const queued = await work.getJob(key);
        if ((await queued?.getState()) === 'failed')
          return JSON.parse(queued!.failedReason!) as { code: string };
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    };
    expect((await failure(path)).code).toBe('JOB_INVALID');
    expect((await failure(other)).code).toBe('JOB_INVALID');
    // A model that is not in the store may come to be there: it is asked for three times.
    expect((await failure(unknown)).code).toBe('CONTENT_MISSING');
    expect(worker.events().filter(({ event }) => event === 'failed')).toHaveLength(3);
    worker.child().kill('SIGTERM');
    expect((await worker.outcome).code).toBe(0);
    await work.close();
    connection.disconnect();
  });

  it('ends when it is told to, with its server gone, too', async () => {
    mkdirSync(w.path('gone'));
    const gone = await startRedis(w.path('gone'));
    const worker = startWorker(w, ['--queue', gone.url, '--store', 'shared'], 'left');
    await worker.said('ready');
    await gone.stop();
    worker.child().kill('SIGTERM');
    expect((await worker.outcome).code).toBe(0);
  });

  it('that is told to end gives its job back at once', async () => {
    const sweep = w.start(['sweep', sweepFile('back.json', { int8: 'static' }), '-o', 'back', ...queue()]);
    const first = startWorker(w, [...queue(), '--jobs', '1'], 'first');
    await first.said('began');
    first.child().kill('SIGTERM');
    expect((await first.outcome).code).toBe(0);
    expect(first.events().map(({ event }) => event)).toContain('returned');
    const second = startWorker(w, [...queue(), '--jobs', '1'], 'second');
    expect((await sweep).code).toBe(0);
    expect(second.events().filter(({ event }) => event === 'ended')).toHaveLength(1);
    second.child().kill('SIGTERM');
    expect((await second.outcome).code).toBe(0);
  });

  it('that a job takes along twice leaves it to nobody else: a row says so', async () => {
    const sweep = w.start([
      'sweep',
      sweepFile('killer.json', { int8: 'weights' }),
      '-o',
      'killer',
      ...queue(),
    ]);
    for (const name of ['one', 'two']) {
      const worker = startWorker(w, [...queue(), '--jobs', '1'], name);
      await worker.said('began');
      worker.child().kill('SIGKILL');
      await worker.outcome;
    }
    const third = startWorker(w, [...queue(), '--jobs', '1'], 'three');
    expect((await sweep).code).toBe(4);
    expect(reportIn('killer').jobs.map(({ error }) => error?.code)).toEqual(['JOB_STALLED']);
    expect(third.events().filter(({ event }) => event === 'began')).toEqual([]);
    third.child().kill('SIGTERM');
    expect((await third.outcome).code).toBe(0);
  });
});
