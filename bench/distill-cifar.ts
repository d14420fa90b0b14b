/** What a teacher is worth: a half-width ResNet-20 from random weights, with ResNet-56 as teacher and without.
 *
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/distill-cifar.ts [--images 10000] [--epochs 12] [--seeds 3] [--batch 64] [--lr 3e-3]
 *
 *  Both students of a seed start from the same weights and see the same batches for as many epochs; one learns from the
 *  labels, the other from softened answers of the teacher (temperature 4) and the labels. No augmentation, so that the
 *  teacher answers once for every picture. CIFAR-10 as JPEG; top-1 on the 5 000 pictures of the test set, which chooses
 *  nothing: the last epoch counts. --train <folder> names training pictures that are unpacked already. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { narrow } from '../src/compress/prune/prune.ts';
import { openEngine } from '../src/compute/engine/open.ts';
import type { TrainingData } from '../src/compute/train/data.ts';
import { openHeldOut } from '../src/compute/train/held-out.ts';
import { train } from '../src/compute/train/loop.ts';
import type { LossTerm } from '../src/compute/train/losses.ts';
import { sampleData } from '../src/compute/train/samples.ts';
import { openData } from '../src/data/open.ts';
import { initialTensor, kaiming, ones, zeros } from '../src/model/build/index.ts';
import { openModel } from '../src/model/formats/open-file.ts';
import { cloneModel } from '../src/model/ir/clone.ts';
import { setConstant } from '../src/model/ir/edit.ts';
import type { Model } from '../src/model/ir/model.ts';
import { portsOf } from '../src/model/ir/port.ts';
import { describeMachine } from '../src/ship/profile/machine.ts';

const { values: given } = parseArgs({
  options: {
    images: { type: 'string', default: '10000' },
    epochs: { type: 'string', default: '12' },
    seeds: { type: 'string', default: '3' },
    batch: { type: 'string', default: '64' },
    lr: { type: 'string', default: '3e-3' },
    train: { type: 'string' },
  },
});
const zoo = process.env['EDGEPRESS_ZOO'];
if (!zoo) {
  console.log('Not measured: set EDGEPRESS_ZOO to the folder with models and data.');
  process.exit(0);
}
const engine = await openEngine('node');
const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-distill-'));
const modelFile = (name: string) => path.join(zoo, 'models/cifar10-resnet', `${name}.onnx`);

/** The shape of `model` with weights as before any training. */
function reinitialised(model: Model, seed: number): Model {
  const copy = cloneModel(model);
  for (const node of copy.graph.nodes) {
    const start = (index: number, initial: typeof zeros) => {
      const value = node.inputs[index];
      const old = value?.constant;
      if (value && old) setConstant(value, initialTensor(old.dims, initial, seed, value.name));
    };
    const dims = node.inputs[1]?.constant?.dims ?? [];
    const product = dims.slice(1).reduce((a, b) => a * b, 1);
    if (node.opType === 'Conv' || node.opType === 'Gemm') {
      start(1, kaiming(product));
      start(2, zeros);
    } else if (node.opType === 'BatchNormalization')
      [ones, zeros, zeros, ones].forEach((initial, i) => void start(i + 1, initial));
  }
  return copy;
}

const percent = (v: number) => `${(100 * v).toFixed(2)} %`;
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
/** Standard deviation of a sample. */
const spread = (values: readonly number[]) =>
  Math.sqrt(values.reduce((sum, v) => sum + (v - mean(values)) ** 2, 0) / Math.max(1, values.length - 1));

interface Data {
  readonly fit: TrainingData;
  readonly measure: (model: Model) => Promise<number>;
}

async function openPictures(ports: ReturnType<typeof portsOf>): Promise<Data> {
  const unpack = (archive: string) =>
    execFileSync('tar', ['xzf', path.join(zoo ?? '', 'data/cifar10', archive), '-C', folder]);
  unpack('test.tar.gz');
  let training = given.train;
  if (!training) {
    for (const archive of ['train-a.tar.gz', 'train-b.tar.gz']) unpack(archive);
    training = path.join(folder, 'train');
  }
  const range = (n: number) => Array.from({ length: n }, (_, i) => i);
  const own = await openData(training, ports, { seed: 0, limit: Number(given.images) });
  const test = await openData(path.join(folder, 'test'), ports, { seed: 0 });
  const held = await openHeldOut({
    engine,
    data: await sampleData(test, range(test.length)),
    batch: 250,
    teacher: null,
    scores: true,
  });
  return {
    fit: await sampleData(own, range(own.length)),
    measure: async (model) => (await held?.measure(model)) ?? Number.NaN,
  };
}

/** Test accuracy after the last epoch. */
async function learn(student: Model, { fit, measure }: Data, seed: number, teacher: Model | null) {
  const labels: LossTerm = { kind: 'cross-entropy', weight: teacher ? 0.1 : 1 };
  const started = performance.now();
  const run = train(student, {
    engine,
    data: fit,
    batch: Number(given.batch),
    epochs: Number(given.epochs),
    learningRate: Number(given.lr),
    schedule: { kind: 'cosine', warmup: 0.05 },
    // Its steps don't depend on the size of the loss, which differs with a teacher.
    optimizer: { kind: 'adamw' },
    weightDecay: 0.01,
    losses: teacher ? [{ kind: 'distillation', temperature: 4, weight: 0.9 }, labels] : [labels],
    ...(teacher ? { teacher } : {}),
    seed,
  });
  const said: string[] = [];
  for (;;) {
    const next = await run.next();
    if (next.done) {
      const accuracy = await measure(next.value.model);
      const seconds = ((performance.now() - started) / 1000).toFixed(0);
      console.log(
        `  seed ${seed}, ${teacher ? 'with' : 'without'} teacher: ${percent(accuracy)} · ${seconds} s · on training data ${said.join(' ')}`,
      );
      return accuracy;
    }
    if (next.value.kind === 'epoch') said.push((100 * (next.value.accuracy ?? 0)).toFixed(0));
  }
}

async function main(): Promise<void> {
  const machine = describeMachine();
  console.log(
    `${machine.os}, ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${JSON.stringify(machine.runtimes)}`,
  );
  console.log(`settings ${JSON.stringify(given)}`);
  const [{ model: teacher }, { model: shape }] = [
    openModel(modelFile('resnet56')),
    openModel(modelFile('resnet20')),
  ];
  const { before, after } = narrow(shape, 0.5);
  const data = await openPictures(portsOf(teacher));
  console.log(
    `student: ${after.parameters} parameters, ${after.macs} MACs (ResNet-20 ${before.parameters}, ${before.macs}); ` +
      `${data.fit.length} training pictures, ${given.epochs} epochs`,
  );
  const found = { with: [] as number[], without: [] as number[] };
  for (let seed = 0; seed < Number(given.seeds); seed++) {
    const student = reinitialised(shape, seed);
    found.without.push(await learn(student, data, seed, null));
    found.with.push(await learn(student, data, seed, teacher));
  }
  const said = (values: readonly number[]) =>
    `${percent(mean(values))} ± ${(100 * spread(values)).toFixed(2)}`;
  const gains = found.with.map((v, i) => v - (found.without[i] as number));
  console.log(
    `without teacher ${said(found.without)} · with ResNet-56 ${said(found.with)} · gain ${said(gains)} (mean ± standard deviation of ${given.seeds} seeds)`,
  );
  console.log(`the teacher itself: ${percent(await data.measure(teacher))}`);
}

try {
  await main();
} finally {
  if (existsSync(folder)) rmSync(folder, { recursive: true });
}
process.exit(0);
