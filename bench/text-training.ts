/** Language models in training: fine-tuned without loss, and a transformer with a block less taught by the whole one.
 *
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/text-training.ts [charrnn|sort|layers …] [--epochs <n>] [--seed 0]
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/text-training.ts --write sort.npz     # inputs and labels, for `compress distill`
 *
 *  charrnn: a two-layer LSTM trained further on the first nine tenths of tiny-shakespeare; bits a character over the whole
 *  text and over the tenth left out, windows of 256 from zero state. sort and layers: minGPT with three blocks sorts six
 *  letters of {0, 1, 2}; all 729 inputs are generated greedily and must be right in all six places. It is fine-tuned
 *  (sort), and its copy with the middle block taken out is distilled (layers), both on 529 inputs; that the 200 others
 *  come out right is said too. Distillation uses the whole model's answers, and labels for a tenth of the loss. */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { zipSync } from 'fflate';
import { compressModel, preset } from '../src/compress/compress.ts';
import { chooseBlocks, findBlocks, removeBlocks } from '../src/compress/prune/blocks.ts';
import { openKernel } from '../src/compute/engine/kernel.ts';
import { openEngine } from '../src/compute/engine/open.ts';
import { rows, type TrainingData, tensorData } from '../src/compute/train/data.ts';
import { type TrainOptions, train } from '../src/compute/train/loop.ts';
import { ignoredLabel } from '../src/compute/train/losses.ts';
import { readTokenizer } from '../src/data/text/tokenizer.ts';
import { textPerplexity } from '../src/judge/evaluate/language-model.ts';
import { generateAll } from '../src/judge/generate/generate.ts';
import { openDecoder } from '../src/judge/generate/open.ts';
import { readModelFile } from '../src/model/formats/file.ts';
import { encodeNpy } from '../src/model/formats/npy.ts';
import { cloneModel } from '../src/model/ir/clone.ts';
import type { Model } from '../src/model/ir/model.ts';
import { type Tensor, tensorOf } from '../src/model/ir/tensor.ts';
import { describeMachine } from '../src/ship/profile/machine.ts';
import { createRandom } from '../src/support/random.ts';

const { values: given, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    epochs: { type: 'string' },
    seed: { type: 'string', default: '0' },
    write: { type: 'string' },
  },
});
const zoo = process.env['EDGEPRESS_ZOO'];
if (!zoo) {
  console.log('Not measured: set EDGEPRESS_ZOO to the folder with models and data.');
  process.exit(0);
}
const engine = await openEngine('node');
const seed = Number(given.seed);
const inZoo = (name: string) => path.join(zoo, name);

/** As it came, ready to be differentiated. */
async function trainable(file: string): Promise<Model> {
  return (await compressModel(readModelFile(inZoo(file)), { recipe: preset('trainable'), engine })).model;
}

type Settings = Pick<TrainOptions, 'batch' | 'epochs' | 'learningRate' | 'losses'> & { teacher?: Model };

async function trained(model: Model, data: TrainingData, settings: Settings): Promise<Model> {
  const started = performance.now();
  const epochs = Number(given.epochs ?? settings.epochs);
  const run = train(model, {
    engine,
    data,
    schedule: { kind: 'cosine', warmup: 0.05 },
    optimizer: { kind: 'adamw' },
    clipNorm: 1,
    seed,
    ...settings,
    epochs,
  });
  for (;;) {
    const next = await run.next();
    if (next.done) {
      const losses = next.value.history.map((e) => e.loss.toPrecision(3));
      const shown = losses.filter(
        (_, i) => i % Math.ceil(losses.length / 8) === 0 || i === losses.length - 1,
      );
      const seconds = ((performance.now() - started) / 1000).toFixed(0);
      console.log(
        `  ${epochs} epochs of ${data.length} samples, batch ${settings.batch}, rate ${settings.learningRate}: ${seconds} s, losses ${shown.join(' ')}`,
      );
      return next.value.model;
    }
  }
}

async function charrnn(): Promise<void> {
  const folder = 'models/onnx-charrnn-shakespeare';
  const vocabulary = { name: 'vocab.json', bytes: readFileSync(inZoo(`${folder}/vocab.json`)) };
  const text = readFileSync(inZoo('data/text/tiny-shakespeare/input.txt'), 'utf8');
  const ids = (await readTokenizer(vocabulary)).encode(text);
  const model = await trainable(`${folder}/charrnn.onnx`);
  const kept = Math.floor(0.9 * ids.length);
  const bits = async (m: Model) => {
    const session = await openKernel(engine, m);
    const decoder = openDecoder(session);
    const of = async (part: readonly number[]) =>
      (await textPerplexity(decoder, [part], { window: 256 })).bitsPerToken ?? Number.NaN;
    const [all, held] = [await of(ids), await of(ids.slice(kept))];
    await session.close();
    return `${all.toFixed(3)} bits a character on all of the text, ${held.toFixed(3)} on the last tenth`;
  };
  console.log('\ncharrnn, two-layer LSTM');
  console.log(`  before: ${await bits(model)}`);
  const count = Math.floor((kept - 1) / 256);
  const cut = (shift: number) => tensorOf('int64', [count, 256], ids.slice(shift, shift + 256 * count));
  const data = tensorData({ input_ids: cut(0) }, cut(1));
  const settings = { batch: 32, epochs: 2, learningRate: 5e-4, losses: [{ kind: 'cross-entropy' }] } as const;
  console.log(`  after:  ${await bits(await trained(model, data, settings))}`);
}

/** Six letters, then five of the six sorted ones; what is learnt are the sorted ones. */
function sorting(): { inputs: Tensor; labels: Tensor; letters: number[][] } {
  const letters = Array.from({ length: 729 }, (_, i) =>
    Array.from({ length: 6 }, (_, k) => Math.floor(i / 3 ** k) % 3),
  );
  const hidden = Array.from({ length: 5 }, () => ignoredLabel);
  const inputs = letters.flatMap((row) => [...row, ...row.toSorted().slice(0, 5)]);
  const labels = letters.flatMap((row) => [...hidden, ...row.toSorted()]);
  return {
    inputs: tensorOf('int64', [729, 11], inputs),
    labels: tensorOf('int64', [729, 11], labels),
    letters,
  };
}

async function sort(which: 'sort' | 'layers'): Promise<void> {
  const { inputs, labels, letters } = sorting();
  const order = createRandom(seed).shuffle(letters.map((_, i) => i));
  const [taught, held] = [order.slice(0, 529), new Set(order.slice(529))];
  const model = await trainable('models/nano-gpt-sort/gpt-nano-sort.onnx');
  const data = tensorData({ idx: rows(inputs, taught) }, rows(labels, taught));
  const score = async (m: Model) => {
    const session = await openKernel(engine, m);
    const made = await generateAll(openDecoder(session, { maxLength: 11 }), letters, {
      maxTokens: 6,
      batch: 729,
    });
    await session.close();
    const right = letters.flatMap((row, i) => (`${made[i]}` === `${row.toSorted()}` ? [i] : []));
    return `${right.length} of 729 right, of the ${held.size} not trained on ${right.filter((i) => held.has(i)).length}`;
  };
  if (which === 'sort') {
    console.log('\nnano-gpt-sort, fine-tuned');
    console.log(`  before: ${await score(model)}`);
    const settings = {
      batch: 64,
      epochs: 20,
      learningRate: 1e-4,
      losses: [{ kind: 'cross-entropy' }],
    } as const;
    console.log(`  after:  ${await score(await trained(model, data, settings))}`);
    return;
  }
  const student = cloneModel(model);
  const blocks = findBlocks(student);
  removeBlocks(student, chooseBlocks(blocks, blocks.length - 1));
  console.log(`\nnano-gpt-sort with ${blocks.length - 1} of ${blocks.length} blocks, distilled`);
  console.log(`  before: ${await score(student)}`);
  const losses = [
    { kind: 'distillation', temperature: 4, weight: 0.9 },
    { kind: 'cross-entropy', weight: 0.1 },
  ] as const;
  const settings = { batch: 64, epochs: 200, learningRate: 1e-3, losses, teacher: model };
  console.log(`  after:  ${await score(await trained(student, data, settings))}`);
}

if (given.write) {
  const { inputs, labels } = sorting();
  writeFileSync(given.write, zipSync({ 'idx.npy': encodeNpy(inputs), 'labels.npy': encodeNpy(labels) }));
  process.exit(0);
}
const machine = describeMachine();
console.log(
  `${machine.os}, ${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${JSON.stringify(machine.runtimes)}`,
);
const cases = { charrnn, sort: () => sort('sort'), layers: () => sort('layers') };
for (const [name, run] of Object.entries(cases))
  if (positionals.length === 0 || positionals.includes(name)) await run();
process.exit(0);
