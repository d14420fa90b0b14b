/** Several learning rates, each trained to the end in a process of its own, one thread each, as many at once as there are
 *  cores; the one that is best on held-back training data is kept. Run as a program it is one of these processes. */
import { fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { openEngine } from '../../src/compute/engine/open.ts';
import { train } from '../../src/compute/train/loop.ts';
import type { LossTerm } from '../../src/compute/train/losses.ts';
import { encodeModel } from '../../src/model/formats/onnx/write.ts';
import type { Model } from '../../src/model/ir/model.ts';
import { type SubjectOptions, subjects, trainable } from './subjects.ts';

export interface Training {
  readonly subject: string;
  readonly options: SubjectOptions;
  readonly epochs: number;
  readonly losses: readonly LossTerm[];
}

interface Job extends Training {
  readonly rate: number;
  readonly student: string;
  readonly teacher: string | null;
  readonly output: string;
}

/** What a child says: a line of progress, or its score at the end. */
type Message = { readonly line: string } | { readonly held: number };

/** @returns the trained models, the one with the highest share right of what is held back first */
export async function bestOfRates(
  student: Model,
  teacher: Model | null,
  rates: readonly number[],
  training: Training,
  { folder, say }: { folder: string; say: (line: string) => void },
): Promise<{ model: Model; rate: number }[]> {
  const put = (name: string, model: Model) => {
    const file = path.join(folder, `${name}.onnx`);
    writeFileSync(file, encodeModel(model));
    return file;
  };
  const files = { student: put('student', student), teacher: teacher && put('teacher', teacher) };
  const waiting = rates.map((rate) => ({
    ...training,
    ...files,
    rate,
    output: path.join(folder, `rate-${rate}.onnx`),
  }));
  const done: { job: Job; held: number }[] = [];
  const worker = async () => {
    for (let job = waiting.shift(); job; job = waiting.shift()) {
      const { rate } = job;
      const held = await inChild(job, (line) => say(`rate ${rate}: ${line}`));
      say(`rate ${rate}: ${(100 * held).toFixed(2)} % of ${training.options.hold} held back`);
      done.push({ job, held });
    }
  };
  await Promise.all(Array.from({ length: Math.min(rates.length, os.availableParallelism()) }, worker));
  done.sort((a, b) => b.held - a.held);
  const engine = await openEngine('node');
  return Promise.all(
    done.map(async ({ job }) => ({ model: await trainable(engine, job.output), rate: job.rate })),
  );
}

function inChild(job: Job, say: (line: string) => void): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = fork(fileURLToPath(import.meta.url), { execArgv: ['--import', 'tsx'] });
    let held = Number.NaN;
    child.on('message', (message: Message) => {
      if ('held' in message) held = message.held;
      else say(message.line);
    });
    child.on('error', reject);
    child.on('exit', (code) =>
      code === 0 ? resolve(held) : reject(new Error(`training ended with ${code}`)),
    );
    child.send(job);
  });
}

async function runJob(job: Job, tell: (message: Message) => void): Promise<void> {
  const engine = await openEngine('node');
  const open = subjects[job.subject];
  if (!open) throw new Error(`no subject ${job.subject}`);
  const { data, settings, held } = await open(engine, job.options);
  if (!held) throw new Error('nothing is held back to choose by');
  const run = train(await trainable(engine, job.student), {
    ...settings,
    engine,
    data,
    seed: 0,
    epochs: job.epochs,
    learningRate: job.rate,
    schedule: { kind: 'cosine', warmup: 0.05 },
    losses: job.losses,
    threads: 1,
    ...(job.teacher && { teacher: await trainable(engine, job.teacher) }),
  });
  for (;;) {
    const next = await run.next();
    if (next.done) {
      writeFileSync(job.output, encodeModel(next.value.model));
      tell({ held: await held(next.value.model) });
      return;
    }
    const event = next.value;
    if (event.kind === 'epoch')
      tell({ line: `epoch ${event.epoch} of ${job.epochs}, loss ${event.loss.toFixed(4)}` });
  }
}

if (process.send && process.argv[1] === fileURLToPath(import.meta.url))
  process.once('message', (job: Job) =>
    runJob(job, (message) => process.send?.(message)).then(
      // What was sent may still be under way: exit once the channel is closed.
      () => process.once('disconnect', () => process.exit(0)).disconnect(),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    ),
  );
