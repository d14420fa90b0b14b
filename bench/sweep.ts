/** A sweep of many small jobs, on this machine alone and through a queue: with one, two and three workers, of which two are killed and
 *  one comes late while Redis is restarted. Ends with an error where results differ, a job is missing or stands twice. Needs
 *  redis-server, bullmq and ioredis.
 *    npx tsx bench/sweep.ts [jobs] [seed]        (default: 200, 1) */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { connect, prefix } from '../src/jobs/sweep/queue/bullmq.ts';
import { type SweepReport, sweepReportSchema } from '../src/judge/report/sweep-report.ts';
import { describeMachine, installedVersion } from '../src/ship/profile/machine.ts';
import { createRandom } from '../src/support/random.ts';
import { formatDecimal, formatInteger } from '../src/support/units.ts';
import buildProgram from '../test/cli/build.ts';
import { type RedisServer, redisMissing, startRedis } from '../test/redis.ts';
import { killAll, runSweep, startWorker, type WorkerProcess } from './sweep-processes.ts';

const jobs = Number(process.argv[2] ?? 200);
const seed = Number(process.argv[3] ?? 1);
/** Jobs of the file below with one seed. */
const jobsASeed = 50;
if (!Number.isInteger(jobs / jobsASeed) || jobs <= 0)
  throw new Error(`The number of jobs is a multiple of ${jobsASeed}.`);
const missing = redisMissing();
if (missing) throw new Error(missing);

const fixtures = fileURLToPath(new URL('../fixtures', import.meta.url));
const shipped = (name: string) => join(fixtures, 'models', `${name}.onnx`);
/** Nothing is compared: such a job takes half a second. */
const quick = (name: string) => ({ model: shipped(name), fixed: { compare: false } });
const sweepFile = {
  edgepress: 'sweep@1',
  models: [
    {
      model: shipped('glyphs-mlp'),
      data: join(fixtures, 'data/glyphs-grey.npz'),
      fixed: { calibrate: 8, evaluate: 8 },
    },
    ...['digits-cnn', 'sequence-gru', 'sequence-lstm', 'brackets-lstm'].map(quick),
  ],
  seeds: Array.from({ length: jobs / jobsASeed }, (_, i) => i),
  grid: [{ int8: [null, 'weights'] }, { fp16: [true] }, { cluster: [4, 8, 16, 32, 64, 128, 256] }],
};

interface Run {
  readonly how: string;
  readonly ms: number;
  readonly outcomes: Outcomes;
  readonly workers: readonly WorkerProcess[];
}

/** By key, what of a job doesn't depend on where and when it was done. */
type Outcomes = Readonly<Record<string, unknown>>;

function outcomesIn(folder: string): Outcomes {
  const text = readFileSync(join(folder, 'sweep.json'), 'utf8');
  const report: SweepReport = sweepReportSchema.parse(JSON.parse(text));
  const { counts, complete } = report;
  const keys = new Set(report.jobs.map(({ key }) => key));
  if (
    !complete ||
    report.jobs.length !== jobs ||
    keys.size !== jobs ||
    counts.done !== jobs ||
    counts.found > 0
  )
    throw new Error(`${folder}: ${keys.size} keys, ${JSON.stringify(counts)}, of ${jobs} jobs.`);
  return Object.fromEntries(
    report.jobs.map(({ key, metrics, files: [model = ''] }) => [
      key,
      {
        metrics,
        model: createHash('sha256')
          .update(readFileSync(join(folder, model)))
          .digest('hex'),
      },
    ]),
  );
}

const top = mkdtempSync(join(tmpdir(), 'edgepress-sweep-bench-'));
const random = createRandom(seed);

async function here(): Promise<Run> {
  const args = ['sweep.json', '-o', 'here', '--store', 'here-store', '--jobs', '1'];
  const ms = await runSweep(args, top, 'here-cache');
  return { how: 'no queue', ms, outcomes: outcomesIn(join(top, 'here')), workers: [] };
}

interface Mishaps {
  /** After so many jobs. @param name  of a worker */
  at(jobs: number, what: () => void): void;
  readonly workers: WorkerProcess[];
  readonly redis: RedisServer;
  add(name: string): WorkerProcess;
}

/** @param plan  what happens meanwhile */
async function queued(how: string, count: number, plan: (mishaps: Mishaps) => void = () => {}): Promise<Run> {
  const name = how.replaceAll(/\W+/g, '-');
  mkdirSync(join(top, `${name}-redis`));
  const redis = await startRedis(join(top, `${name}-redis`));
  const place = ['--queue', redis.url, '--store', `${name}-store`];
  const due = new Map<number, () => void>();
  const workers: WorkerProcess[] = [];
  let done = 0;
  const onEnded = () => due.get(++done)?.();
  const add = (one: string) => {
    const worker = startWorker(`${name}-${one}`, place, top, onEnded);
    workers.push(worker);
    return worker;
  };
  try {
    for (let i = 1; i <= count; i++) add(String(i));
    await Promise.all(workers.map(({ ready }) => ready));
    plan({ at: (jobs, what) => void due.set(jobs, what), workers, redis, add });
    const ms = await runSweep(['sweep.json', '-o', name, ...place], top, `${name}-cache`);
    const left = await jobsIn(redis);
    if (left.length > 0) throw new Error(`${how}: ${left.length} jobs are left in Redis: ${left[0]}`);
    await Promise.all(workers.map((worker) => worker.stop()));
    return { how, ms, outcomes: outcomesIn(join(top, name)), workers };
  } finally {
    await redis.stop();
  }
}

/** Keys of what stands in queues: jobs that are done are removed. */
async function jobsIn(redis: RedisServer): Promise<string[]> {
  const connection = await connect(redis.url);
  const server = connection as unknown as { keys(pattern: string): Promise<string[]> };
  const keys = await server.keys(`${prefix}:*`);
  connection.disconnect();
  return keys.filter((key) => /:[0-9a-f]{64}$/.test(key));
}

/** Somewhere between two shares of the jobs. */
const moment = (from: number, to: number) => Math.round(jobs * (from + (to - from) * random.next()));

function withMishaps({ at, workers, redis, add }: Mishaps): void {
  const [first, second] = random.shuffle([...workers]);
  at(moment(0.1, 0.3), () => void first!.kill());
  at(moment(0.35, 0.45), () => {
    void second!.kill();
    add('late');
  });
  at(moment(0.5, 0.6), () => void redis.restart(500));
}

function rowOf({ how, ms, workers }: Run, alone: Run): string {
  const began = workers.flatMap((worker) => worker.began);
  const ended = workers.flatMap((worker) => worker.ended);
  const again = (keys: readonly string[]) => String(keys.length - new Set(keys).size);
  const cells = [
    how,
    `${formatDecimal(ms / 1000, 1)} s`,
    `${formatInteger(ms / jobs)} ms`,
    formatDecimal(ms / alone.ms, 2),
    workers.length === 0 ? '–' : workers.map((worker) => worker.ended.length).join(' + '),
    ...(workers.length === 0 ? ['–', '–'] : [again(began), again(ended)]),
  ];
  return `| ${cells.join(' | ')} |`;
}

/** What else ran while it was measured. */
const beside = (load: number, cores: number) =>
  load < cores / 4
    ? ''
    : `\nOther work shared the ${cores} cores: ${formatDecimal(load, 1)} processes wanted them before it began. Times and ratios are those of that day.\n`;

async function measure(): Promise<void> {
  await buildProgram();
  const [load = 0] = loadavg();
  writeFileSync(join(top, 'sweep.json'), JSON.stringify(sweepFile));
  const alone = await here();
  const runs = [
    alone,
    await queued('1 worker', 1),
    await queued('2 workers', 2),
    await queued('3 workers, two killed, one late, Redis restarted', 3, withMishaps),
  ];
  for (const { how, outcomes } of runs)
    if (!isDeepStrictEqual(outcomes, alone.outcomes)) throw new Error(`${how}: other results than alone.`);

  const { cpu, cores, node } = describeMachine();
  const versions = `BullMQ ${installedVersion('bullmq')}, Redis on the same machine, AOF every second`;
  console.log(
    `${cpu}, ${cores} cores, Node ${node}, ${versions}; one run of each, seed ${seed}\n${beside(load, cores)}`,
  );
  console.log(
    '| who | time | a job | of that without a queue | jobs done by each | begun again | ended again |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
  for (const run of runs) console.log(rowOf(run, alone));
  console.log(
    `\nAll ${jobs} jobs stand once in each report, with the same model and numbers; none is left in Redis.`,
  );
}

try {
  await measure();
} finally {
  killAll();
  rmSync(top, { recursive: true, force: true });
}
