/** What int8 costs and gains on real models: the first table of bench/RESULTS.md. Every row is one `compress` command with its
 *  defaults; samples compared were not used to calibrate.
 *
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/accuracy.ts [model …]
 *
 *  Data that is not a folder of pictures is turned into .npz first, as a user would. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { zipSync } from 'fflate';
import type { Report } from '../src/judge/report/report.ts';
import { encodeNpy } from '../src/model/formats/npy.ts';
import { type Tensor, tensorOf } from '../src/model/ir/tensor.ts';
import { describeMachine } from '../src/ship/profile/machine.ts';

const zoo = process.env['EDGEPRESS_ZOO'];
const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');
const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-accuracy-'));

interface Case {
  readonly name: string;
  readonly model: string;
  /** Makes the data; @returns its path */
  data(): string;
  readonly evaluate: string;
}

const inZoo = (p: string) => path.join(zoo ?? '', p);

const cifar = () => {
  execFileSync('tar', ['xzf', inZoo('data/cifar10/test.tar.gz'), '-C', folder]);
  return path.join(folder, 'test');
};

const cases: Case[] = [
  {
    name: 'MobileNetV2, ImageNet',
    model: inZoo('models/imagenet-mobilenetv2-f32/mobilenetv2.onnx'),
    data: () => inZoo('data/imagenet'),
    evaluate: 'all',
  },
  {
    name: 'ResNet-20, CIFAR-10',
    model: inZoo('models/cifar10-resnet/resnet20.onnx'),
    data: cifar,
    evaluate: 'all',
  },
  {
    name: 'ResNet-56, CIFAR-10',
    model: inZoo('models/cifar10-resnet/resnet56.onnx'),
    data: cifar,
    evaluate: 'all',
  },
  {
    name: 'DS-CNN, keywords',
    model: inZoo('models/kws-dscnn/kws_dscnn_float.onnx'),
    data: keywords,
    evaluate: 'all',
  },
  {
    name: 'minGPT, sorting',
    model: inZoo('models/nano-gpt-sort/gpt-nano-sort.onnx'),
    data: sorting,
    evaluate: 'all',
  },
  {
    name: 'glyphs-cnn (shipped)',
    model: path.join(root, 'fixtures/models/glyphs-cnn.onnx'),
    data: () => path.join(root, 'fixtures/data/glyphs'),
    evaluate: 'all',
  },
  {
    name: 'sequence-transformer (shipped)',
    model: path.join(root, 'fixtures/models/sequence-transformer.onnx'),
    data: () => path.join(root, 'fixtures/data/sentiment.npz'),
    evaluate: 'all',
  },
];

function npz(name: string, arrays: Record<string, Tensor>): string {
  const file = path.join(folder, name);
  writeFileSync(
    file,
    zipSync(Object.fromEntries(Object.entries(arrays).map(([k, t]) => [`${k}.npy`, encodeNpy(t)]))),
  );
  return file;
}

/** int8 spectrograms with the class as the last number of the file name; real = (q − 83)·0.5847029. */
function keywords(): string {
  const source = inZoo('data/kws01');
  const files = readdirSync(source)
    .filter((f) => f.endsWith('.bin'))
    .sort();
  const values = files.flatMap((f) =>
    Array.from(new Int8Array(readFileSync(path.join(source, f))), (q) => (q - 83) * 0.5847029),
  );
  const labels = files.map((f) => Number(/_(\d+)\.bin$/.exec(f)![1]));
  return npz('keywords.npz', {
    t0: tensorOf('float32', [files.length, 49, 10, 1], values),
    labels: tensorOf('int64', [files.length], labels),
  });
}

/** All 729 words of six letters out of {0,1,2}, each followed by its sorted letters but the last. */
function sorting(): string {
  const rows = Array.from({ length: 729 }, (_, n) => {
    const word = Array.from({ length: 6 }, (_, i) => Math.floor(n / 3 ** i) % 3);
    return [...word, ...[...word].sort((a, b) => a - b).slice(0, 5)];
  });
  return npz('sorting.npz', { idx: tensorOf('int64', [729, 11], rows.flat()) });
}

function run(c: Case, flags: readonly string[], output: string): Report {
  const cli = path.join(root, 'src/cli/main.ts');
  const args = [
    '--import',
    'tsx',
    cli,
    c.model,
    '--int8',
    ...flags,
    '-o',
    path.join(folder, output),
    '--force',
    '--json',
  ];
  return JSON.parse(
    execFileSync(process.execPath, args, {
      encoding: 'utf8',
      maxBuffer: 2 ** 28,
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
}

function row(name: string, mode: string, r: Report): string {
  const metric = r.evaluation?.metrics[0];
  const out = r.compare?.outputs[0];
  const percent = (v: number | null | undefined) => (v == null ? '–' : (100 * v).toFixed(2));
  const quality = metric
    ? `${percent(metric.before)} → ${percent(metric.after)} % (${r.evaluation!.samples})`
    : '–';
  const agreement = out?.top1Agreement == null ? '–' : `${percent(out.top1Agreement)} %`;
  const [a, b] = r.latency;
  const latency = a && b ? `${a.medianMs.toFixed(2)} → ${b.medianMs.toFixed(2)} ms` : 'not measured';
  const size = (r.result.sizeBytes / r.source.sizeBytes).toFixed(3);
  const memory = r.memory
    ? `${(r.memory.beforePeakBytes! / 1e6).toFixed(0)} → ${(r.memory.afterPeakBytes! / 1e6).toFixed(0)} MB`
    : '–';
  return `| ${name} | ${mode} | ${size} | ${quality} | ${agreement} | ${out?.sqnrDb?.toFixed(1) ?? '–'} dB | ${latency} | ${memory} |`;
}

const wanted = process.argv.slice(2);
console.log(JSON.stringify(describeMachine()));
console.log(
  '| model | mode | of the size | top-1 (samples) | same top-1 | SQNR | latency p50, wasm | wasm memory |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
for (const c of cases.filter((x) => wanted.length === 0 || wanted.some((w) => x.name.includes(w)))) {
  if (!existsSync(c.model)) {
    console.log(`| ${c.name} | not measured: set EDGEPRESS_ZOO |`);
    continue;
  }
  const data = c.data();
  const flags = ['--data', data, '--evaluate', c.evaluate];
  for (const mode of ['static', 'dynamic'])
    console.log(row(c.name, mode, run(c, [mode, ...flags], 'out.onnx')));
  // Its latency is in the section of LiteRT.js.
  console.log(row(c.name, 'static, .tflite', run(c, ['static', ...flags], 'out.tflite')));
}
rmSync(folder, { recursive: true });
