/** What 4-bit weights cost after calibration alone, and what quantisation-aware training wins back of it.
 *
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/qat.ts resnet20 [--train <folder of class folders>] [--images 4000] [--epochs 2]
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/qat.ts kws
 *
 *  Activations are 8 bits, weights 4 bits a channel, all layers, first and last too. Top-1 is of the integer models as
 *  written, run by onnxruntime natively. resnet20: trained on CIFAR-10 training pictures, measured on the 5 000 of the test
 *  set, which neither calibrate nor train nor choose an epoch. kws: there are 500 samples only, so five runs each leave
 *  another 100 out and are measured on those. By default labels are not used: the float model teaches, so what is won
 *  back is not what labels would have taught. --labels uses them too. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { zipSync } from 'fflate';
import { compressModel, preset } from '../src/compress/compress.ts';
import type { Recipe } from '../src/compress/pipeline/recipe.ts';
import { observe } from '../src/compute/calibrate/observe.ts';
import { openEngine } from '../src/compute/engine/open.ts';
import { openHeldOut } from '../src/compute/train/held-out.ts';
import { sampleData } from '../src/compute/train/samples.ts';
import { openData } from '../src/data/open.ts';
import type { DataSource } from '../src/data/source.ts';
import { trainInt8 } from '../src/jobs/train-int8.ts';
import { encodeNpy } from '../src/model/formats/npy.ts';
import { encodeModel } from '../src/model/formats/onnx/write.ts';
import { openModel } from '../src/model/formats/open-file.ts';
import { cloneModel } from '../src/model/ir/clone.ts';
import type { Model } from '../src/model/ir/model.ts';
import { portsOf } from '../src/model/ir/port.ts';
import { tensorOf } from '../src/model/ir/tensor.ts';
import { describeMachine } from '../src/ship/profile/machine.ts';
import { createRandom } from '../src/support/random.ts';

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    train: { type: 'string' },
    images: { type: 'string', default: '4000' },
    epochs: { type: 'string' },
    lr: { type: 'string' },
    bits: { type: 'string', default: '4' },
    batch: { type: 'string' },
    seed: { type: 'string', default: '0' },
    labels: { type: 'boolean', default: false },
    folds: { type: 'string', default: '5' },
  },
});
const zoo = process.env['EDGEPRESS_ZOO'];
if (!zoo) {
  console.log('Not measured: set EDGEPRESS_ZOO to the folder with models and data.');
  process.exit(0);
}
const engine = await openEngine('node');
const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-qat-'));
const seed = Number(given.seed);
const settings = {
  seed,
  ...(given.epochs ? { epochs: Number(given.epochs) } : {}),
  ...(given.lr ? { learningRate: Number(given.lr) } : {}),
  ...(given.batch ? { batch: Number(given.batch) } : {}),
};

const base = preset('int8-static');
const recipe: Recipe = {
  ...base,
  target: 'node',
  calibration: { ...base.calibration, samples: 200, seed },
  stages: base.stages.map((stage) => ({
    ...stage,
    passes: stage.passes.map(({ pass, options }) => {
      if (pass === 'upgrade-opset') return { pass, options: { target: 21 } };
      if (pass === 'quantize-static') return { pass, options: { weightBits: Number(given.bits) } };
      return { pass, options };
    }),
  })),
};

interface Accuracies {
  readonly float: number;
  readonly calibrated: number;
  readonly trained: number;
  readonly samples: number;
  readonly bytes: readonly [number, number];
}

async function measure(
  file: string,
  fit: { source: DataSource; indices: readonly number[] },
  test: { source: DataSource; indices: readonly number[] },
): Promise<Accuracies> {
  const { model: source } = openModel(file);
  const data = await sampleData(test.source, test.indices);
  const held = await openHeldOut({ engine, data, batch: 50, teacher: null, scores: true });
  if (!held) throw new Error('the test data has no labels');
  const chosen = createRandom(seed)
    .shuffle([...fit.indices])
    .slice(0, recipe.calibration.samples);
  const unlabelled = { ...fit.source, labelled: false };
  const calibrate = (model: Model, requests: Parameters<typeof observe>[2]) =>
    observe(
      engine,
      model,
      requests,
      { count: chosen.length, read: (i) => fit.source.read(chosen[i] as number) },
      { mseSamples: recipe.calibration.mseSamples },
    );
  let epoch = performance.now();
  const refine = async (model: Model, clean: Model) => {
    const events = {
      progress(_: string, done: number, total: number) {
        if (done % 50 === 0) process.stderr.write(`\r  ${done} of ${total} batches `);
      },
      note(_: string, text: string) {
        console.log(`  ${text} · ${((performance.now() - epoch) / 1000).toFixed(0)} s`);
        epoch = performance.now();
      },
    };
    const record = await trainInt8(model, clean, {
      engine,
      source: given.labels ? fit.source : unlabelled,
      indices: fit.indices,
      settings,
      events,
    });
    console.log(
      `  ${record.samples} samples trained on, ${record.validationSamples} chose the epoch by ${record.metric}; losses ${record.losses}; ${record.seconds.toFixed(0)} s`,
    );
    console.log(`  settings ${JSON.stringify(record.settings)}`);
  };
  const calibrated = await compressModel(source, { recipe, engine, calibrate });
  const trained = await compressModel(source, { recipe, engine, calibrate, refine });
  const result = {
    float: await held.measure(cloneModel(calibrated.clean)),
    calibrated: await held.measure(calibrated.model),
    trained: await held.measure(trained.model),
    samples: data.length,
    bytes: [encodeModel(calibrated.clean).length, encodeModel(trained.model).length] as const,
  };
  await held.close();
  return result;
}

const percent = (v: number) => `${(100 * v).toFixed(2)} %`;

function print(name: string, { float, calibrated, trained, samples, bytes }: Accuracies): void {
  const [lost, won] = [float - calibrated, trained - calibrated];
  console.log(
    `${name}: float ${percent(float)} · calibrated ${percent(calibrated)} (loses ${(100 * lost).toFixed(2)} points) · ` +
      `trained ${percent(trained)} (${lost > 0 ? `wins back ${((100 * won) / lost).toFixed(0)} %` : 'nothing to win back'}) · ` +
      `${samples} samples · ${bytes[0]} → ${bytes[1]} bytes`,
  );
}

const range = (n: number) => Array.from({ length: n }, (_, i) => i);

async function resnet(): Promise<void> {
  const file = path.join(zoo ?? '', 'models/cifar10-resnet/resnet20.onnx');
  const unpack = (archive: string) =>
    execFileSync('tar', ['xzf', path.join(zoo ?? '', 'data/cifar10', archive), '-C', folder]);
  unpack('test.tar.gz');
  let train = given.train;
  if (!train) {
    for (const archive of ['train-a.tar.gz', 'train-b.tar.gz']) unpack(archive);
    train = path.join(folder, 'train');
  }
  const ports = portsOf(openModel(file).model);
  const fit = await openData(train, ports, { seed, limit: Number(given.images) });
  const test = await openData(path.join(folder, 'test'), ports, { seed });
  print(
    'ResNet-20, CIFAR-10',
    await measure(
      file,
      { source: fit, indices: range(fit.length) },
      { source: test, indices: range(test.length) },
    ),
  );
}

/** int8 spectrograms with the class as the last number of the file name; real = (q − 83)·0.5847029. */
async function keywords(): Promise<void> {
  const source = path.join(zoo ?? '', 'data/kws01');
  const files = readdirSync(source).filter((f) => f.endsWith('.bin'));
  const values = files.flatMap((f) =>
    Array.from(new Int8Array(readFileSync(path.join(source, f))), (q) => (q - 83) * 0.5847029),
  );
  const labels = files.map((f) => Number(/_(\d+)\.bin$/.exec(f)?.[1]));
  const file = path.join(zoo ?? '', 'models/kws-dscnn/kws_dscnn_float.onnx');
  const ports = portsOf(openModel(file).model);
  const arrays = {
    [ports[0]?.name ?? '']: tensorOf('float32', [files.length, 49, 10, 1], values),
    labels: tensorOf('int64', [files.length], labels),
  };
  const npz = path.join(folder, 'keywords.npz');
  writeFileSync(
    npz,
    zipSync(Object.fromEntries(Object.entries(arrays).map(([k, t]) => [`${k}.npy`, encodeNpy(t)]))),
  );
  const data = await openData(npz, ports, { seed });
  const order = createRandom(1).shuffle(range(data.length));
  const folds = Number(given.folds);
  const found: Accuracies[] = [];
  for (let k = 0; k < folds; k++) {
    const out = order.filter((_, i) => i % 5 === k);
    const rest = order.filter((_, i) => i % 5 !== k);
    found.push(await measure(file, { source: data, indices: rest }, { source: data, indices: out }));
    print(`  fold ${k + 1}`, found.at(-1) as Accuracies);
  }
  const mean = (pick: (a: Accuracies) => number) => found.reduce((sum, a) => sum + pick(a), 0) / found.length;
  print('DS-CNN, keywords, each sample measured once', {
    float: mean((a) => a.float),
    calibrated: mean((a) => a.calibrated),
    trained: mean((a) => a.trained),
    samples: found.reduce((sum, a) => sum + a.samples, 0),
    bytes: (found[0] as Accuracies).bytes,
  });
}

const machine = describeMachine();
console.log(
  `${machine.os}, ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${JSON.stringify(machine.runtimes)}`,
);
console.log(`arguments: ${process.argv.slice(2).join(' ')}`);
const cases = { resnet20: resnet, kws: keywords };
try {
  for (const [name, run] of Object.entries(cases))
    if (positionals.length === 0 || positionals.includes(name)) await run();
} finally {
  if (existsSync(folder)) rmSync(folder, { recursive: true });
}
process.exit(0);
