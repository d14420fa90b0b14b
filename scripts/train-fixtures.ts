/** Trains the shipped systems by our own trainer and writes fixtures/models/<file>.onnx and trained.json.
 *    npx tsx scripts/train-fixtures.ts [name …]      all of them without names; the others' figures stay */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openEngine } from '../src/compute/engine/open.ts';
import { tensorData } from '../src/compute/train/data.ts';
import { train } from '../src/compute/train/loop.ts';
import { encodeModel } from '../src/model/formats/onnx/write.ts';
import type { Model } from '../src/model/ir/model.ts';
import type { Samples } from './fixtures/data/index.ts';
import { measureSystem } from './fixtures/measure-system.ts';
import { type System, systemNamed, systems } from './fixtures/systems.ts';

const folder = fileURLToPath(new URL('../fixtures/models/', import.meta.url));
/** Also what the trainer gets: sums in another order are other bits. */
const threads = 2;

interface Trained {
  readonly name: string;
  readonly task: string;
  readonly files: Readonly<Record<string, number>>;
  readonly metric: string;
  readonly value: number;
  readonly samples: System['samples'];
  readonly seed: number;
  readonly training: System['training'];
}

async function learn(system: System, data: Samples): Promise<Model> {
  const { labels, ...inputs } = data;
  const { batch, epochs, learningRate, weightDecay = 0 } = system.training;
  const run = train(system.student(), {
    engine,
    threads,
    data: tensorData(inputs, labels!),
    losses: [{ kind: 'cross-entropy' }],
    optimizer: { kind: 'adamw' },
    schedule: { kind: 'cosine', warmup: 0.05 },
    clipNorm: 1,
    seed: system.seed,
    ...{ batch, epochs, learningRate, weightDecay },
  });
  for (;;) {
    const { done, value } = await run.next();
    if (done) return value.model;
    if (value.kind !== 'epoch') continue;
    const accuracy = value.accuracy === null ? '' : `, accuracy ${(100 * value.accuracy).toFixed(2)} %`;
    console.log(`  epoch ${value.epoch}/${epochs}: loss ${value.loss.toFixed(4)}${accuracy}`);
  }
}

async function make(system: System): Promise<Trained> {
  const started = performance.now();
  console.log(`${system.name}: ${system.task}`);
  const data = system.data({ ...system.samples, seed: system.seed });
  const trained = await learn(system, data.train);
  const files = Object.fromEntries(
    Object.entries(system.deploy(trained)).map(([name, model]) => [name, encodeModel(model)]),
  );
  const value = await measureSystem(engine, system, files, data.heldOut);
  const seconds = (performance.now() - started) / 1000;
  console.log(`  ${system.metric} ${value.toFixed(4)} on ${system.samples.heldOut}, ${seconds.toFixed(0)} s`);
  const reached = system.metric === 'bits per character' ? value <= system.goal : value >= system.goal;
  if (!reached) console.log(`  NOT REACHED: ${system.goal}`);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(`${folder}${name}.onnx`, bytes);
  const { name, task, metric, samples, seed, training } = system;
  const sizes = Object.fromEntries(Object.entries(files).map(([file, bytes]) => [file, bytes.length]));
  return { name, task, files: sizes, metric, value, samples, seed, training };
}

const engine = await openEngine();
const names = process.argv.slice(2);
const index = `${folder}trained.json`;
mkdirSync(folder, { recursive: true });
for (const system of names.length > 0 ? names.map(systemNamed) : systems) {
  const made = await make(system);
  const known = new Map([...readIndex(), made].map((t) => [t.name, t]));
  const all = systems.flatMap((s) => known.get(s.name) ?? []);
  writeFileSync(index, `${JSON.stringify(all, null, 2)}\n`);
}

function readIndex(): Trained[] {
  try {
    return JSON.parse(readFileSync(index, 'utf8')) as Trained[];
  } catch {
    return [];
  }
}
