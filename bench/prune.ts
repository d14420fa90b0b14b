/** Structured pruning of ResNet-56 before any training: time taken, MACs and parameters that stay, top-1 on CIFAR-10's test
 *  pictures, latency on wasm (alternately with the dense model). Models pruned elsewhere can be measured beside. What uses data
 *  uses training pictures, without labels; "statistics" are BatchNormalization's, estimated again on 1 024 of them.
 *
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/prune.ts [--share 0.5] [--samples 5000] [--train <folder>] [--only <name>] [pruned-elsewhere.onnx …] */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { compressModel, preset } from '../src/compress/compress.ts';
import { measureActivity } from '../src/compress/prune/activity.ts';
import { findChannelGroups } from '../src/compress/prune/channel-groups.ts';
import { pruneOnData } from '../src/compress/prune/on-data.ts';
import { type PruneOptions, pruneModel } from '../src/compress/prune/prune.ts';
import { reconstruct } from '../src/compress/prune/reconstruct.ts';
import { scoreReconstruction } from '../src/compress/prune/reconstruction-scores.ts';
import type { Engine } from '../src/compute/engine/contract.ts';
import { openEngine } from '../src/compute/engine/open.ts';
import { sampleData } from '../src/compute/train/samples.ts';
import { reestimateStatistics } from '../src/compute/train/statistics.ts';
import { openData } from '../src/data/open.ts';
import { madeUpInputs } from '../src/data/probe/made-up-inputs.ts';
import type { DataSource } from '../src/data/source.ts';
import { readModelFile } from '../src/model/formats/file.ts';
import { encodeModel } from '../src/model/formats/onnx/write.ts';
import { openModel } from '../src/model/formats/open-file.ts';
import { cloneModel } from '../src/model/ir/clone.ts';
import type { Model } from '../src/model/ir/model.ts';
import { portsOf } from '../src/model/ir/port.ts';
import { elementCount, float32Values } from '../src/model/ir/tensor.ts';
import { modelMacs } from '../src/model/ops/cost.ts';
import { inferShapes } from '../src/model/ops/shapes.ts';
import { measureByTurns } from '../src/ship/profile/measure.ts';

const zoo = process.env['EDGEPRESS_ZOO'];
if (!zoo) throw new Error('Set EDGEPRESS_ZOO to the folder of real models.');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    share: { type: 'string', default: '0.5' },
    samples: { type: 'string', default: '5000' },
    train: { type: 'string' },
    only: { type: 'string', default: '' },
  },
});
const share = Number(values.share);
const file = path.join(zoo, 'models/cifar10-resnet/resnet56.onnx');

const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-prune-'));
try {
  for (const archive of values.train ? ['test'] : ['test', 'train-a', 'train-b'])
    execFileSync('tar', ['xzf', path.join(zoo, `data/cifar10/${archive}.tar.gz`), '-C', folder]);
  await run();
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function run(): Promise<void> {
  const [native, wasm] = [await openEngine('node'), await openEngine('wasm')];
  const load = async (from: string) =>
    (await compressModel(readModelFile(from), { recipe: preset('trainable'), engine: native })).model;
  const dense = await load(file);
  const open = (from: string, limit: number) =>
    openData(from, portsOf(dense), { seed: 1, limit, preprocess: 'imagenet' });
  const source = await open(path.join(folder, 'test'), Number(values.samples));
  const training = await open(values.train ?? path.join(folder, 'train'), 1024);
  const data = await sampleData(
    training,
    Array.from({ length: training.length }, (_, i) => i),
  );
  console.log(
    `| ResNet-56 to ${share} of its MACs | MACs | parameters | top-1 (${source.length}) | wasm, of dense | ms to prune |`,
  );
  console.log('| --- | --- | --- | --- | --- | --- |');
  inferShapes(dense);
  const report = async (name: string, model: Model, ms: number | null) => {
    inferShapes(model);
    const macs = modelMacs(model).macs / modelMacs(dense).macs;
    const top1 = await accuracy(native, model, source);
    const feeds = (await source.read(0)).inputs;
    const of = (m: Model) => ({ open: () => wasm.open({ bytes: encodeModel(m) }), feeds });
    const [before, after] = await measureByTurns([of(dense), of(model)], { warmupMs: 700 });
    const ratio = `${after!.medianMs.toFixed(2)} / ${before!.medianMs.toFixed(2)} ms = ${(after!.medianMs / before!.medianMs).toFixed(2)}`;
    console.log(
      `| ${name} | ${macs.toFixed(3)} | ${(weights(model) / weights(dense)).toFixed(3)} | ${(100 * top1).toFixed(2)} % | ${ratio} | ${ms === null ? '–' : ms.toFixed(0)} |`,
    );
  };
  await report('dense', dense, null);
  const some = (count: number) => ({
    count,
    read: (i: number) => training.read(Math.floor((i * training.length) / count)),
  });
  const { groups } = findChannelGroups(dense);
  const ways: readonly (readonly [string, PruneOptions, Extra?])[] = [
    ['L2', { importance: 'l2' }],
    ['L2, statistics', { importance: 'l2' }, 'statistics'],
    ['L2, fitted', { importance: 'l2' }, 'fit'],
    ['L2, in 20 steps, any width', { importance: 'l2', steps: 20, round: 1 }],
    ['BatchNorm scale', { importance: 'batchnorm' }],
    ['activation, 64 pictures', { importance: 'activation' }],
    ['reconstruction, 192 pictures', { importance: 'reconstruction' }],
    ['reconstruction, statistics', { importance: 'reconstruction' }, 'statistics'],
    ['reconstruction, fitted, statistics', { importance: 'reconstruction' }, 'fit'],
  ];
  for (const [name, options, extra] of ways.filter(([name]) => name.includes(values.only))) {
    let model = cloneModel(dense);
    const start = performance.now();
    const activity =
      options.importance === 'activation'
        ? await measureActivity(native, dense, groups, some(64))
        : undefined;
    const errors =
      options.importance === 'reconstruction'
        ? await scoreReconstruction(native, dense, groups, some(192))
        : undefined;
    const { outputs } = pruneModel(model, { ...options, target: { macs: share } }, { activity, errors });
    if (extra === 'fit') await reconstruct(native, { dense, pruned: model, outputs }, some(256));
    if (extra) model = await reestimateStatistics(native, model, data);
    await report(name, model, performance.now() - start);
  }
  const [madeUp] = madeUpInputs(openModel(file), { most: 256 });
  const drawn = (count: number) => ({
    count,
    read: (i: number) => madeUp!.read(Math.floor((i * madeUp!.length) / count)),
  });
  for (const [bitByBit, samplesOf] of [
    ['bit by bit, fitted to 256 pictures: what compress does with data', some],
    ['bit by bit, fitted to 256 made-up pictures: what compress does without data', drawn],
  ] as const) {
    if (!bitByBit.includes(values.only)) continue;
    const start = performance.now();
    const samples = { rank: samplesOf(192), fit: samplesOf(256) };
    const { model } = await pruneOnData(native, dense, samples, { target: { macs: share } });
    await report(bitByBit, model, performance.now() - start);
  }
  for (const other of positionals) {
    const model = await load(other);
    await report(path.basename(other), model, null);
    await report(
      `${path.basename(other)}, statistics`,
      await reestimateStatistics(native, model, data),
      null,
    );
  }
}

type Extra = 'statistics' | 'fit';

function weights(model: Model): number {
  const floats = [...model.graph.initializers].filter((v) => v.constant?.dtype === 'float32');
  return floats.reduce((n, v) => n + elementCount(v.constant!.dims), 0);
}

async function accuracy(engine: Engine, model: Model, source: DataSource): Promise<number> {
  const session = await engine.open({ bytes: encodeModel(model) });
  let right = 0;
  try {
    for (let i = 0; i < source.length; i++) {
      const { inputs, label } = await source.read(i);
      const scores = float32Values(Object.values(await session.run(inputs))[0]!);
      if (scores.indexOf(Math.max(...scores)) === label) right++;
    }
  } finally {
    await session.close();
  }
  return right / source.length;
}
