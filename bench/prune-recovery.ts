/** Accuracy against arithmetic: channels removed down to a share of the MACs, what is left fitted to the dense model's answers
 *  without training, then trained towards them.
 *
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/prune-recovery.ts [resnet56|mobilenetv2|nano-gpt …] [--macs 0.75,0.5] [--epochs 4]
 *        [--images 10000] [--lr 0.005] [--tune-lr 0.02] [--hold 0] [--train <folder of unpacked pictures>] [--test <folder>]
 *        [--tune] [--augment] [--keep <folder>] [--tuned <model of an earlier run>]
 *
 *  ResNet-56: CIFAR-10 as JPEG, the 5 000 test pictures. MobileNetV2: 300 of the 500 ImageNet pictures are used, the 200 others
 *  are measured. nano-gpt: 529 of the 729 inputs are used, all 729 are generated. No labels are used, except with --tune: then
 *  the dense ResNet-56 is fine-tuned on them first, for as many epochs, which is what the pruned one is to be compared with; that
 *  one is pruned, and teaches, with a tenth of the loss from the labels. --epochs 0 does not train, --augment trains
 *  on pictures that are flipped and shifted by up to four pixels. The last epoch counts; the
 *  data that is measured chooses nothing: with --hold n, --lr and --tune-lr may list several rates, each is trained to the end,
 *  side by side with one thread each, and the best on n training pictures that were held back goes on; the others are measured
 *  too, marked "not chosen". (The ResNet-56 that came trained had seen those n pictures, without the loss of JPEG.) --keep leaves
 *  those models in a folder, --tuned takes one up. Latency is that of the
 *  pruned model as a share of the dense one's, alternately on wasm, one thread. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { compressModel, preset } from '../src/compress/compress.ts';
import { pruneOnData } from '../src/compress/prune/on-data.ts';
import type { Samples } from '../src/compute/calibrate/run-samples.ts';
import { latencyRatio } from '../src/compute/engine/latency-ratio.ts';
import { openEngine } from '../src/compute/engine/open.ts';
import type { TrainingData } from '../src/compute/train/data.ts';
import { trainToEnd } from '../src/compute/train/loop.ts';
import type { LossTerm } from '../src/compute/train/losses.ts';
import type { Model } from '../src/model/ir/model.ts';
import { describeMachine } from '../src/ship/profile/machine.ts';
import { bestOfRates } from './recovery/candidates.ts';
import { type SubjectOptions, subjects, trainable, unpackPictures } from './recovery/subjects.ts';

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    macs: { type: 'string', default: '0.75,0.5' },
    images: { type: 'string', default: '10000' },
    hold: { type: 'string', default: '0' },
    epochs: { type: 'string' },
    lr: { type: 'string' },
    train: { type: 'string' },
    test: { type: 'string' },
    'tune-lr': { type: 'string', default: '0.02' },
    tune: { type: 'boolean', default: false },
    tuned: { type: 'string' },
    keep: { type: 'string' },
    augment: { type: 'boolean', default: false },
  },
});
const zoo = process.env['EDGEPRESS_ZOO'];
if (!zoo) {
  console.log('Not measured: set EDGEPRESS_ZOO to the folder with models and data.');
  process.exit(0);
}
if (`${given.lr ?? ''}${given['tune-lr']}`.includes(',') && Number(given.hold) === 0) {
  console.log('Several rates want --hold: the data that is measured chooses nothing.');
  process.exit(2);
}
const engine = await openEngine('node');
const wasm = await openEngine('wasm');
const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-recovery-'));
const options: SubjectOptions = {
  zoo,
  images: Number(given.images),
  hold: Number(given.hold),
  augment: given.augment,
  train: given.train ?? path.join(folder, 'train'),
  test: given.test ?? path.join(folder, 'test'),
};

const percent = (v: number) => `${(100 * v).toFixed(2)} %`;
const folded = async (m: Model) => (await compressModel(m, { recipe: preset('clean'), engine })).model;

async function curve(name: string): Promise<void> {
  if (name === 'resnet56') {
    if (!given.train) unpackPictures(options.zoo, ['train-a.tar.gz', 'train-b.tar.gz'], folder);
    if (!given.test) unpackPictures(options.zoo, ['test.tar.gz'], folder);
  }
  const subject = await (subjects[name] as (typeof subjects)[string])(engine, options);
  const { model: original, data, plain = data, measure, settings } = subject;
  const epochs = Number(given.epochs ?? settings.epochs);
  const numbers = (list: string) => list.split(',').map(Number);
  const rates = numbers(given.lr ?? `${settings.learningRate}`);
  console.log(
    `\n${name}: ${data.length} samples, ${epochs} epochs, batch ${settings.batch}, rate ${rates.join(' or ')}`,
  );
  console.log(`  dense                 ${percent(await measure(original))}`);

  /** With the only rate, or with that of several which is best on what is held back. Prints what it measures. */
  async function trained(
    student: Model,
    teacher: Model | null,
    { from, losses, label }: { from: readonly number[]; losses: LossTerm[]; label: string },
  ): Promise<Model> {
    const started = performance.now();
    const report = async (model: Model, note: string) => {
      const took = ((performance.now() - started) / 1000).toFixed(0);
      console.log(`  ${label.padEnd(21)} ${percent(await measure(model))} (${note}${took} s)`);
      return model;
    };
    const schedule = { kind: 'cosine', warmup: 0.05 } as const;
    if (from.length === 1) {
      const [learningRate] = from as [number];
      const run = { ...settings, engine, data, epochs, seed: 0, schedule, learningRate, losses };
      return report((await trainToEnd(student, { ...run, ...(teacher && { teacher }) })).model, '');
    }
    const training = { subject: name, options, epochs, losses };
    const place = path.join(given.keep ?? folder, teacher ? 'student' : 'dense');
    mkdirSync(place, { recursive: true });
    const say = (line: string) => console.log(`      ${line}`);
    const [best, ...others] = await bestOfRates(student, teacher, from, training, { folder: place, say });
    if (!best) throw new Error('no rate was given');
    await report(best.model, `rate ${best.rate}, chosen; `);
    for (const { model, rate } of others) await report(model, `rate ${rate}, not chosen; `);
    return best.model;
  }

  let model = original;
  const tuned = given.tune && data.labelled;
  if (tuned && given.tuned) {
    model = await trainable(engine, given.tuned);
    console.log(`  dense, fine-tuned     ${percent(await measure(model))} (${given.tuned})`);
  } else if (tuned) {
    const losses: LossTerm[] = [{ kind: 'cross-entropy' }];
    const from = numbers(given['tune-lr']);
    model = await trained(original, null, { from, losses, label: 'dense, fine-tuned' });
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
      const losses: LossTerm[] = tuned ? [distillation, labels] : [distillation];
      await trained(pruned, model, { from: rates, losses, label: '  trained' });
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
