/** Trains the seeds' two MNIST networks from random weights with our trainer; time and test accuracy after each epoch.
 *
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/mnist.ts [cnn|mlp …] [--epochs 3] [--batch 64] [--lr 1e-3] [--seed 0] [--threads 2]
 *
 *  All 60 000 training images, no augmentation. The 10 000 test images choose nothing: the last epoch counts. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { gunzipSync } from 'node:zlib';
import { openEngine } from '../src/compute/engine/open.ts';
import { classLabels, tensorData } from '../src/compute/train/data.ts';
import { openHeldOut } from '../src/compute/train/held-out.ts';
import { train } from '../src/compute/train/loop.ts';
import { cnn, cnnFull, mlp, mlpFull } from '../src/model/build/index.ts';
import type { Model } from '../src/model/ir/model.ts';
import { tensorOf } from '../src/model/ir/tensor.ts';
import { describeMachine } from '../src/ship/profile/machine.ts';

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    epochs: { type: 'string' },
    batch: { type: 'string', default: '64' },
    lr: { type: 'string' },
    seed: { type: 'string', default: '0' },
    threads: { type: 'string' },
  },
});
const zoo = process.env['EDGEPRESS_ZOO'];
if (!zoo) {
  console.log('Not measured: set EDGEPRESS_ZOO to the folder with models and data.');
  process.exit(0);
}

interface Network {
  readonly title: string;
  build(seed: number): Model;
  readonly input: string;
  readonly sample: readonly number[];
  readonly epochs: number;
  readonly learningRate: number;
}

const networks: Readonly<Record<string, Network>> = {
  cnn: {
    title: 'CNN (Conv 32/64/64, Dense 64)',
    build: (seed) => cnn({ ...cnnFull, seed }),
    input: 'image',
    sample: [1, 28, 28],
    epochs: 3,
    learningRate: 2e-3,
  },
  mlp: {
    title: 'MLP 784-128-10',
    build: (seed) => mlp({ ...mlpFull, seed }),
    input: 'pixels',
    sample: [784],
    epochs: 5,
    learningRate: 2e-3,
  },
};

/** The bytes of an IDX file after its header. */
function idx(file: string): Uint8Array {
  const bytes = gunzipSync(readFileSync(path.join(zoo ?? '', 'data/mnist', `${file}.gz`)));
  return bytes.subarray(4 + 4 * (bytes[3] ?? 0));
}

function samples(part: 't10k' | 'train', { input, sample }: Network) {
  const pixels = Float32Array.from(idx(`${part}-images-idx3-ubyte`), (v) => v / 255);
  const labels = idx(`${part}-labels-idx1-ubyte`);
  return tensorData(
    { [input]: tensorOf('float32', [labels.length, ...sample], pixels) },
    classLabels([...labels]),
  );
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(0)} s`;

async function run(network: Network): Promise<void> {
  const [epochs, batch] = [Number(given.epochs ?? network.epochs), Number(given.batch)];
  const learningRate = Number(given.lr ?? network.learningRate);
  const engine = await openEngine('node');
  const model = network.build(Number(given.seed));
  const test = await openHeldOut({
    engine,
    data: samples('t10k', network),
    batch: 500,
    teacher: null,
    scores: true,
  });
  const started = performance.now();
  console.log(
    `\n${network.title}: Adam, learning rate ${learningRate} falling along a cosine, batch ${batch}, seed ${given.seed}`,
  );
  const training = train(model, {
    engine,
    data: samples('train', network),
    batch,
    epochs,
    learningRate,
    schedule: { kind: 'cosine', warmup: 0.02 },
    optimizer: { kind: 'adam' },
    losses: [{ kind: 'cross-entropy' }],
    seed: Number(given.seed),
    ...(given.threads ? { threads: Number(given.threads) } : {}),
    ...(test ? { evaluate: (student: Model) => test.measure(student) } : {}),
  });
  let steps = 0;
  for await (const event of training) {
    if (event.kind === 'step') steps = event.batch;
    else if (event.kind === 'epoch')
      console.log(
        `  epoch ${event.epoch}: loss ${event.loss.toFixed(4)} · training ${(100 * (event.accuracy ?? 0)).toFixed(2)} % · ` +
          `test ${(100 * (event.metric ?? 0)).toFixed(2)} % · ${seconds(performance.now() - started)}`,
      );
  }
  const spent = performance.now() - started;
  console.log(`  ${seconds(spent)} in all, ${(spent / steps).toFixed(1)} ms a step, measuring included`);
  await test?.close();
}

const machine = describeMachine();
console.log(
  `${machine.os}, ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${JSON.stringify(machine.runtimes)}`,
);
for (const [name, network] of Object.entries(networks))
  if (positionals.length === 0 || positionals.includes(name)) await run(network);
process.exit(0);
