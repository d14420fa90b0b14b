/** Accuracy against arithmetic: channels removed down to a share of the MACs, what is left fitted to the dense model's answers
 *  without training, then trained towards them.
 *
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/prune-recovery.ts [resnet56|mobilenetv2|nano-gpt …] [--macs 0.75,0.5] [--epochs 4]
 *        [--images 10000] [--lr 0.005] [--tune-lr 0.02] [--train <folder of unpacked pictures>] [--test <folder>] [--tune] [--augment]
 *
 *  ResNet-56: CIFAR-10 as JPEG, the 5 000 test pictures. MobileNetV2: 300 of the 500 ImageNet pictures are used, the 200 others
 *  are measured. nano-gpt: 529 of the 729 inputs are used, all 729 are generated. No labels are used, except with --tune: then
 *  the dense ResNet-56 is fine-tuned on them first, for as many epochs, which is what the pruned one is to be compared with; that
 *  one is pruned, and teaches, with a tenth of the loss from the labels. --epochs 0 does not train, --augment trains
 *  on pictures that are flipped and shifted by up to four pixels. The last epoch counts; the
 *  data that is measured chooses nothing. Latency is that of the pruned model as a share of the dense one's, by turns on wasm,
 *  one thread. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openData } from '../src/calibrate/open.ts';
import type { Samples } from '../src/calibrate/run-samples.ts';
import { compressModel, preset } from '../src/compress.ts';
import { openKernel } from '../src/engine/kernel.ts';
import { openEngine } from '../src/engine/open.ts';
import { generateAll } from '../src/generate/generate.ts';
import { openDecoder } from '../src/generate/open.ts';
import type { Model } from '../src/ir/model.ts';
import { tensorOf } from '../src/ir/tensor.ts';
import { openModel } from '../src/jobs/model-files.ts';
import { portsOf } from '../src/jobs/run-recipe.ts';
import { describeMachine } from '../src/profile/machine.ts';
import { latencyRatio } from '../src/prune/layer-latency.ts';
import { pruneOnData } from '../src/prune/on-data.ts';
import { createRandom } from '../src/support/random.ts';
import { augmentationSchema } from '../src/train/augment.ts';
import { rows, type TrainingData, tensorData } from '../src/train/data.ts';
import { openHeldOut } from '../src/train/held-out.ts';
import { type TrainOptions, trainToEnd } from '../src/train/loop.ts';
import { sampleData } from '../src/train/samples.ts';

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    macs: { type: 'string', default: '0.75,0.5' },
    images: { type: 'string', default: '10000' },
    epochs: { type: 'string' },
    lr: { type: 'string' },
    train: { type: 'string' },
    test: { type: 'string' },
    'tune-lr': { type: 'string', default: '0.02' },
    tune: { type: 'boolean', default: false },
    augment: { type: 'boolean', default: false },
  },
});
const zoo = process.env['EDGEPRESS_ZOO'];
if (!zoo) {
  console.log('Not measured: set EDGEPRESS_ZOO to the folder with models and data.');
  process.exit(0);
}
const engine = await openEngine('node');
const wasm = await openEngine('wasm');
const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-recovery-'));
const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);

interface Subject {
  readonly model: Model;
  readonly data: TrainingData;
  /** Without augmentation, where there is one: what is ranked by and fitted to. */
  readonly plain?: TrainingData;
  /** Share that is right, on data that is never trained on (nano-gpt: all inputs). */
  measure(model: Model): Promise<number>;
  readonly settings: Pick<TrainOptions, 'batch' | 'epochs' | 'learningRate' | 'optimizer'> & {
    readonly weightDecay?: number;
    readonly clipNorm?: number;
  };
}

const load = async (file: string) =>
  (
    await compressModel(openModel(path.join(zoo, 'models', file)).model, {
      recipe: preset('trainable'),
      engine,
    })
  ).model;

async function pictures(
  model: Model,
  training: { folder: string; indices?: readonly number[]; limit?: number },
  held: { folder: string; indices?: readonly number[]; labels?: string },
) {
  const options = { seed: 0, preprocess: 'imagenet' };
  const ports = portsOf(model);
  const own = await openData(training.folder, ports, { ...options, limit: training.limit });
  const test = await openData(held.folder, ports, { ...options, labels: held.labels });
  const meter = await openHeldOut({
    engine,
    data: await sampleData(test, held.indices ?? range(0, test.length)),
    batch: 50,
    teacher: null,
    scores: true,
  });
  const augmentation = augmentationSchema.parse(given.augment ? { flip: true, crop: 4 } : {});
  const indices = training.indices ?? range(0, own.length);
  return {
    data: await sampleData(own, indices, { augmentation }),
    plain: await sampleData(own, indices),
    measure: async (m: Model) => (await meter?.measure(m)) ?? Number.NaN,
  };
}

const subjects: Record<string, () => Promise<Subject>> = {
  async resnet56() {
    const model = await load('cifar10-resnet/resnet56.onnx');
    const unpack = (archive: string) =>
      execFileSync('tar', ['xzf', path.join(zoo, 'data/cifar10', archive), '-C', folder]);
    if (!given.train) for (const archive of ['train-a.tar.gz', 'train-b.tar.gz']) unpack(archive);
    if (!given.test) unpack('test.tar.gz');
    const training = { folder: given.train ?? path.join(folder, 'train'), limit: Number(given.images) };
    const found = await pictures(model, training, { folder: given.test ?? path.join(folder, 'test') });
    const settings = {
      batch: 128,
      epochs: 4,
      learningRate: 0.005,
      optimizer: { kind: 'sgd', momentum: 0.9, nesterov: true },
      weightDecay: 5e-4,
    } as const;
    return { model, ...found, settings };
  },
  async mobilenetv2() {
    const model = await load('imagenet-mobilenetv2-f32/mobilenetv2.onnx');
    const data = path.join(zoo, 'data/imagenet');
    const order = createRandom(1).shuffle(range(0, 500));
    const labels = path.join(data, 'labels.json');
    const found = await pictures(
      model,
      { folder: data, indices: order.slice(0, 300) },
      { folder: data, indices: order.slice(300), labels },
    );
    const settings = { batch: 10, epochs: 3, learningRate: 1e-4, optimizer: { kind: 'adamw' } } as const;
    return { model, ...found, settings };
  },
  async 'nano-gpt'() {
    const model = await load('nano-gpt-sort/gpt-nano-sort.onnx');
    const letters = Array.from({ length: 729 }, (_, i) =>
      Array.from({ length: 6 }, (_, k) => Math.floor(i / 3 ** k) % 3),
    );
    const all = letters.flatMap((row) => [...row, ...row.toSorted().slice(0, 5)]);
    const order = createRandom(1).shuffle(range(0, 729));
    const idx = rows(tensorOf('int64', [729, 11], all), order.slice(0, 529));
    const settings = {
      batch: 32,
      epochs: 60,
      learningRate: 1e-3,
      optimizer: { kind: 'adamw' },
      clipNorm: 1,
    } as const;
    return {
      model,
      data: tensorData({ idx }),
      settings,
      async measure(m) {
        const session = await openKernel(engine, m);
        const written = await generateAll(openDecoder(session), letters, { maxTokens: 6 });
        await session.close();
        return written.filter((row, i) => `${row}` === `${letters[i]?.toSorted()}`).length / 729;
      },
    };
  },
};

const percent = (v: number) => `${(100 * v).toFixed(2)} %`;
const folded = async (m: Model) => (await compressModel(m, { recipe: preset('clean'), engine })).model;

async function curve(name: string): Promise<void> {
  const {
    model: original,
    data,
    plain = data,
    measure,
    settings,
  } = await (subjects[name] as () => Promise<Subject>)();
  const epochs = Number(given.epochs ?? settings.epochs);
  const run = {
    ...settings,
    engine,
    data,
    epochs,
    seed: 0,
    schedule: { kind: 'cosine', warmup: 0.05 },
  } as const;
  const learningRate = Number(given.lr ?? settings.learningRate);
  console.log(
    `\n${name}: ${data.length} samples, ${epochs} epochs, batch ${settings.batch}, rate ${learningRate}`,
  );
  console.log(`  dense                 ${percent(await measure(original))}`);
  let model = original;
  const tuned = given.tune && data.labelled;
  if (tuned) {
    const rate = Number(given['tune-lr']);
    const losses = [{ kind: 'cross-entropy' }] as const;
    ({ model } = await trainToEnd(original, { ...run, learningRate: rate, losses }));
    console.log(`  dense, fine-tuned     ${percent(await measure(model))}`);
  }
  const dense = await folded(model);
  for (const macs of given.macs.split(',').map(Number)) {
    const started = performance.now();
    const seconds = () => `${((performance.now() - started) / 1000).toFixed(0)} s`;
    const { model: pruned, result } = await pruneOnData(
      engine,
      model,
      { rank: samplesOf(plain, 192), fit: samplesOf(plain, 512) },
      { target: { macs } },
    );
    const { dense: before, after } = result;
    console.log(
      `  ${percent(after.macs / before.macs)} of MACs, ${percent(after.parameters / before.parameters)} of parameters`,
    );
    console.log(`    pruned and fitted   ${percent(await measure(pruned))} (${seconds()})`);
    if (epochs > 0) {
      const distillation = { kind: 'distillation', temperature: 4, weight: tuned ? 0.9 : 1 } as const;
      const labels = { kind: 'cross-entropy', weight: 0.1 } as const;
      const losses = tuned ? [distillation, labels] : [distillation];
      const { model: recovered } = await trainToEnd(pruned, {
        ...run,
        learningRate,
        losses,
        teacher: model,
      });
      console.log(`    trained             ${percent(await measure(recovered))} (${seconds()})`);
    }
    const share = await latencyRatio(wasm, dense, await folded(pruned));
    console.log(`    latency on wasm     ${share.toFixed(2)} of the dense model's`);
  }
}

/** Spread over the data, as `compress` takes them. */
function samplesOf(data: TrainingData, most: number): Samples {
  const count = Math.min(most, data.length);
  return {
    count,
    async read(i) {
      const index = Math.floor((i * data.length) / count);
      const { labels: _, ...inputs } = await data.batch({ indices: [index], epoch: 0, seed: 0 });
      return { id: `${index}`, inputs };
    },
  };
}

const machine = describeMachine();
console.log(`${machine.cpu}, ${machine.cores} cores · Node ${machine.node} · onnxruntime ${engine.version}`);
try {
  for (const name of positionals.length > 0 ? positionals : Object.keys(subjects)) {
    if (!subjects[name]) console.log(`${name}: unknown; there are ${Object.keys(subjects).join(', ')}`);
    else await curve(name);
  }
  console.log(`\npeak resident memory ${Math.round(process.resourceUsage().maxRSS / 1024)} MB`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);
