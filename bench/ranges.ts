/** How well int8 holds by the way that ranges are found, and with biases corrected: quality on samples that neither calibrated nor chose
 *  anything, several draws of those that did.
 *
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/ranges.ts [model …] [--draws n] [--ways repaired,minmax]
 *
 *  A way is `--ranges` of `--int8 static`; "chosen" takes the one that does best on 4 to 16 of the samples that calibrated, "repaired"
 *  also corrects biases, which is what `--int8` does; "per-tensor" is that with one scale a weight, "equalised" what `--per-tensor` does,
 *  which scales channels against each other first. Engine: onnxruntime-node, which computes what onnxruntime-web does. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { compressModel, preset } from '../src/compress/compress.ts';
import type { Recipe } from '../src/compress/pipeline/recipe.ts';
import { createNearness } from '../src/compute/calibrate/nearness.ts';
import { observe } from '../src/compute/calibrate/observe.ts';
import { isRange, type StatisticRequest, type Statistics } from '../src/compute/calibrate/statistics.ts';
import { openEngine } from '../src/compute/engine/open.ts';
import { openData } from '../src/data/open.ts';
import type { DataSource, Sample } from '../src/data/source.ts';
import { splitData } from '../src/data/split.ts';
import { runPair } from '../src/jobs/run-pair.ts';
import type { PairResult } from '../src/judge/report/report.ts';
import { budgeted, mainOf } from '../src/judge/task/measure.ts';
import { openModel } from '../src/model/formats/open-file.ts';
import { openedFromModel } from '../src/model/formats/opened.ts';
import type { Model } from '../src/model/ir/model.ts';
import { portsOf } from '../src/model/ir/port.ts';
import { rangeMethods } from '../src/support/range-methods.ts';
import type { TargetName } from '../src/support/target.ts';

interface Case {
  readonly name: string;
  readonly model: string;
  readonly data: string;
  readonly targets: readonly TargetName[];
  /** Samples that calibrate; of the others, at most so many compare. */
  readonly calibrate: number;
  readonly compare: number;
  readonly draws: number;
  /** In integers whatever is faster, so that there is something to see. */
  readonly everywhere?: boolean;
}

const zoo = process.env['EDGEPRESS_ZOO'];
const more = process.env['EDGEPRESS_ZOO_MORE'] ?? path.join(homedir(), '.cache/edgepress-zoo');

const cases = (z: string): Case[] => {
  const pictures = path.join(z, 'data/sample-images');
  const cifar = { data: path.join(z, 'data/cifar10/png100'), calibrate: 34, compare: 66, draws: 5 };
  const few = { targets: ['wasm'], calibrate: 3, compare: 6, draws: 5, everywhere: true } as const;
  const models = path.join(z, 'models');
  return [
    {
      name: 'MobileNetV2',
      model: path.join(models, 'imagenet-mobilenetv2-f32/mobilenetv2.onnx'),
      data: path.join(z, 'data/imagenet'),
      ...{ targets: ['wasm', 'node'], calibrate: 100, compare: 400, draws: 5 },
    },
    {
      name: 'ResNet-20',
      model: path.join(models, 'cifar10-resnet/resnet20.onnx'),
      targets: ['wasm', 'node'],
      ...cifar,
    },
    {
      name: 'ResNet-56',
      model: path.join(models, 'cifar10-resnet/resnet56.onnx'),
      targets: ['wasm', 'node'],
      ...cifar,
    },
    {
      name: 'glyphs-cnn',
      model: 'fixtures/models/glyphs-cnn.onnx',
      data: 'fixtures/data/glyphs',
      ...{ targets: ['wasm'], calibrate: 100, compare: 200, draws: 3, everywhere: true },
    },
    {
      name: 'UltraFace',
      model: path.join(models, 'onnx-ultraface/version-RFB-320.onnx'),
      data: pictures,
      ...few,
    },
    { name: 'selfie', model: path.join(models, 'tfjs-human/selfie/selfie.json'), data: pictures, ...few },
    { name: 'PP-OCR detector', model: path.join(more, 'ocr/det.onnx'), data: pictures, ...few },
    {
      name: 'KWT-1',
      model: path.join(models, 'onnx-kwt1/kwt1.onnx'),
      data: path.join(models, 'onnx-silero-vad/test.wav'),
      ...{ targets: ['wasm'], calibrate: 30, compare: 30, draws: 3, everywhere: true },
    },
  ];
};

const { values, positionals: only } = parseArgs({
  options: { draws: { type: 'string' }, ways: { type: 'string' } },
  allowPositionals: true,
});
const allWays = [...rangeMethods, 'chosen', 'repaired', 'per-tensor', 'equalised'] as const;
type Way = (typeof allWays)[number];
const wanted = values.ways?.split(',');
const ways = allWays.filter((way) => wanted?.includes(way) ?? true);

interface Quality {
  readonly sqnrDb: number;
  /** Points of the task's measure that were lost; null where it has none. */
  readonly lost: number | null;
  readonly measure: string;
}

function recipeOf(target: TargetName, way: Way, everywhere: boolean): Recipe {
  const isWhole = way === 'per-tensor' || way === 'equalised';
  const base = preset(isWhole ? 'int8-per-tensor' : 'int8-static');
  const isForced = (rangeMethods as readonly string[]).includes(way);
  const ranges = isForced ? way : 'auto';
  const isLeft = (name: string) =>
    (name === 'repair' && (isForced || way === 'chosen')) || (name === 'equalise' && way !== 'equalised');
  const stages = base.stages.filter(({ name }) => !isLeft(name));
  return {
    ...{ ...base, target },
    stages: stages.map((stage) => ({
      ...stage,
      passes: stage.passes.map((p) =>
        p.pass === 'quantize-static' ? { ...p, options: { ...p.options, ranges, everywhere } } : p,
      ),
    })),
  };
}

/** Samples are decoded once. */
function remembered(source: DataSource): DataSource {
  const known = new Map<number, Promise<Sample>>();
  const read = (i: number) => {
    const sample = known.get(i) ?? source.read(i);
    known.set(i, sample);
    return sample;
  };
  return Object.assign(Object.create(source) as DataSource, { read });
}

function qualityOf({ compare, evaluation }: PairResult): Quality {
  const db = compare.outputs.flatMap((o) => (o.sqnrDb === null ? [] : [o.sqnrDb]));
  const sqnrDb = db.reduce((a, b) => a + b, 0) / db.length;
  const metric = evaluation?.metrics[0];
  if (metric?.before != null && metric.after !== null)
    return { sqnrDb, lost: (metric.before - metric.after) * 100, measure: metric.name };
  const measures = compare.measures ?? [];
  const budget = budgeted(measures);
  if (budget?.value != null) return { sqnrDb, lost: (1 - budget.value) * 100, measure: budget.name };
  return { sqnrDb, lost: null, measure: mainOf(measures)?.name ?? 'SQNR' };
}

async function drawOf(
  c: Case,
  target: TargetName,
  seed: number,
  source: DataSource,
): Promise<Map<Way, Quality>> {
  const engine = await openEngine('node');
  const opened = openModel(c.model);
  const compare = Math.min(c.compare, source.length - c.calibrate);
  const split = await splitData(source, { calibration: c.calibrate, evaluation: compare, seed });
  const samples = {
    count: split.calibration.length,
    read: (i: number) => source.read(split.calibration[i]!),
  };
  const ranges = new Map<string, Promise<Statistics>>();
  const calibrate = (model: Model, requests: readonly StatisticRequest[]): Promise<Statistics> => {
    const key = JSON.stringify(requests.filter(isRange));
    const made = (requests.every(isRange) && ranges.get(key)) || observe(engine, model, requests, samples);
    ranges.set(key, made);
    return made;
  };
  const nearness = createNearness(engine, samples);
  const found = new Map<Way, Quality>();
  for (const way of ways) {
    const recipe = recipeOf(target, way, c.everywhere ?? false);
    const { model } = await compressModel(opened.model, { recipe, engine, calibrate, nearness });
    const after = { model: openedFromModel(model, opened.name) };
    const pair = await runPair({ model: opened }, after, {
      engine,
      source,
      indices: split.evaluation,
      pictures: 0,
    });
    found.set(way, qualityOf(pair));
  }
  return found;
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

async function row(c: Case, target: TargetName, source: DataSource): Promise<string> {
  const draws: Map<Way, Quality>[] = [];
  for (let seed = 0; seed < c.draws; seed++) draws.push(await drawOf(c, target, seed, source));
  const cells = ways.map((way) => {
    const of = draws.map((d) => d.get(way)!);
    const lost = of.flatMap((q) => (q.lost === null ? [] : [q.lost]));
    const points = lost.length > 0 ? ` · ${mean(lost).toFixed(2)}` : '';
    return `${mean(of.map((q) => q.sqnrDb)).toFixed(1)}${points}`;
  });
  const counts = `${c.calibrate}, ${Math.min(c.compare, source.length - c.calibrate)} × ${c.draws}`;
  return `| ${c.name}, ${target} | ${counts} | ${cells.join(' | ')} | ${draws[0]!.get(ways[0]!)!.measure} |`;
}

if (!zoo) console.log('EDGEPRESS_ZOO is not set: this bench needs models and data of the zoo.');
else {
  const most = Number(values.draws ?? Number.POSITIVE_INFINITY);
  console.log(`| model, target | calibrate, compare × draws | ${ways.join(' | ')} | measure |`);
  console.log(`| --- | --- |${ways.map(() => ' --- |').join('')} --- |`);
  for (const c of cases(zoo).filter((k) => only.length === 0 || only.includes(k.name))) {
    if (!existsSync(c.model)) {
      console.log(`| ${c.name} | not there: ${path.basename(c.model)} |`);
      continue;
    }
    const opened = openModel(c.model);
    const given = { seed: 0, model: opened, skipBad: true };
    const source = remembered(await openData(c.data, portsOf(opened.model), given));
    for (const target of c.targets)
      console.log(await row({ ...c, draws: Math.min(most, c.draws) }, target, source));
  }
}
