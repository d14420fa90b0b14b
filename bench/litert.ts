/** LiteRT.js against onnxruntime-web in one page of Chromium, one thread, by turns: float and int8 of each network on both. int8 is
 *  `--int8 --data synthetic` (ranges don't change the speed), for onnxruntime-web with the target wasm, for LiteRT with its own.
 *  Once with LiteRT's build for relaxed SIMD, once with that for plain SIMD. Ratios are medians of the rounds' ratios to float
 *  on onnxruntime-web.
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/litert.ts [network …] */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { syntheticInputs } from '../src/data/synthetic.ts';
import { type CompressOptions, compress, convert } from '../src/index.ts';
import { openModel } from '../src/model/formats/open-file.ts';
import { outputPortsOf, type Port, portsOf } from '../src/model/ir/port.ts';
import { type Tensor, typedArray } from '../src/model/ir/tensor.ts';
import { type Sizes, withSizes } from '../src/model/rewrite/fix-sizes.ts';
import { findBrowser } from '../src/ship/profile/browsers.ts';
import { launchBrowser } from '../src/ship/profile/launch.ts';
import { describeMachine, installedVersion, packageFolder } from '../src/ship/profile/machine.ts';
import { type ServedFile, serve } from '../src/ship/profile/serve.ts';
import { median } from '../src/support/statistics.ts';
import { formatMs } from '../src/support/units.ts';
import { dotProductProbe } from './litert-page.ts';

const root = fileURLToPath(new URL('..', import.meta.url));
const zoo = process.env['EDGEPRESS_ZOO'];
if (!zoo) {
  console.error('This bench needs real models: EDGEPRESS_ZOO=<folder>.');
  process.exit(2);
}
const rounds = 15;
/** A turn lasts about this long, so that the clock's steps don't count. */
const turnMs = 60;

interface Network {
  readonly name: string;
  readonly file: string;
  readonly sizes?: Sizes;
}

const networks: readonly Network[] = [
  { name: 'MobileNetV2', file: 'imagenet-mobilenetv2-f32/mobilenetv2.onnx' },
  { name: 'ResNet-20', file: 'cifar10-resnet/resnet20.onnx' },
  { name: 'ResNet-56', file: 'cifar10-resnet/resnet56.onnx' },
  { name: 'UltraFace RFB-320', file: 'onnx-ultraface/version-RFB-320.onnx' },
  { name: 'DS-CNN (keywords)', file: 'kws-dscnn/kws_dscnn_float.onnx' },
  { name: 'Visual wake words', file: 'mlperf-tiny/vww_96_float.onnx' },
  { name: 'KWT-1 (transformer)', file: 'onnx-kwt1/kwt1.onnx' },
];

const kinds = ['ort-float', 'ort-int8', 'litert-float', 'litert-int8'] as const;
type Kind = (typeof kinds)[number];

interface Subject {
  readonly network: Network;
  readonly files: Readonly<Record<Kind, Uint8Array>>;
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly outputs: readonly Port[];
}

async function prepare(network: Network, folder: string): Promise<Subject> {
  const path = join(zoo!, 'models', network.file);
  const source = openModel(path).model;
  const open = portsOf(source).some(({ shape }) => shape?.some((d) => typeof d !== 'number'));
  const sizes = network.sizes ?? (open ? firstSizes(portsOf(source)) : undefined);
  const common: CompressOptions = { data: 'synthetic', measure: false, compare: false, force: true, sizes };
  const write = async (name: string, options: CompressOptions) => {
    const output = join(folder, name);
    await compress(path, { ...common, ...options, output });
    return readFileSync(output);
  };
  const float = join(folder, 'float.tflite');
  await convert(path, { output: float, force: true, sizes });
  const sized = sizes ? withSizes(source, sizes) : source;
  return {
    network,
    files: {
      'ort-float': readFileSync(path),
      'ort-int8': await write('int8.onnx', { int8: true }),
      'litert-float': readFileSync(float),
      'litert-int8': await write('int8.tflite', { int8: true }),
    },
    feeds: syntheticInputs(portsOf(sized), { seed: 0 }),
    outputs: outputPortsOf(sized),
  };
}

/** One sample. */
const firstSizes = (ports: readonly Port[]): Sizes =>
  Object.fromEntries(
    ports.flatMap(({ name, shape }) =>
      (shape ?? []).flatMap((d, axis) => (typeof d === 'number' ? [] : [[d ?? `${name}:${axis}`, 1]])),
    ),
  );

/** What runs in the page: opens all four, then takes turns; relaxed: false has LiteRT take its plain SIMD build. */
const page = `
${dotProductProbe}
import * as ort from 'onnxruntime-web/wasm';
import * as core from '@litertjs/core';
import { openLiteRt } from '${join(root, 'src/support/litert.ts')}';
import { startLiteRt } from '${join(root, 'src/support/litert-start.ts')}';

ort.env.wasm.wasmPaths = '/ort/';
ort.env.wasm.numThreads = 1;
const bytesOf = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());

window.measure = async ({ relaxed, feeds: given, outputs, rounds, turnMs }) => {
  const feeds = Object.fromEntries(Object.entries(given).map(([name, { dtype, dims, array, values }]) =>
    [name, { dtype, dims, data: array.startsWith('Big') ? globalThis[array].from(values.map(BigInt)) : globalThis[array].from(values) }]));
  const litert = relaxed ? core : { ...core, supportsFeature: async () => false };
  const begun = await startLiteRt(litert, { threads: 1, wasmPaths: '/litert/' });
  const runs = {}, notes = {};
  for (const kind of ['ort-float', 'ort-int8', 'litert-float', 'litert-int8']) {
    const bytes = await bytesOf('/' + kind);
    try {
      if (kind.startsWith('ort')) {
        const session = await ort.InferenceSession.create(bytes);
        const tensors = Object.fromEntries(Object.entries(feeds).map(([n, t]) => [n, new ort.Tensor(t.dtype, t.data, t.dims)]));
        runs[kind] = () => session.run(tensors);
      } else {
        const session = await openLiteRt(litert, begun, bytes, 'wasm', outputs);
        runs[kind] = () => session.run(feeds);
      }
      await runs[kind]();
    } catch (error) {
      delete runs[kind];
      notes[kind] = String(error.message ?? error);
    }
  }
  const time = async (run, n) => {
    const start = performance.now();
    for (let i = 0; i < n; i++) await run();
    return (performance.now() - start) / n;
  };
  const repeats = {};
  for (const [kind, run] of Object.entries(runs)) {
    await time(run, 3);
    repeats[kind] = Math.max(1, Math.ceil(turnMs / Math.max(0.05, await time(run, 3))));
  }
  const times = Object.fromEntries(Object.keys(runs).map((kind) => [kind, []]));
  for (let round = 0; round < rounds; round++)
    for (const [kind, run] of Object.entries(runs)) times[kind].push(await time(run, repeats[kind]));
  return { times, notes, build: begun.build, dot: await dotProduct() };
};
window.ready = true;
`;

interface Measured {
  readonly times: Partial<Record<Kind, number[]>>;
  readonly notes: Partial<Record<Kind, string>>;
  readonly build: string;
  readonly dot: string;
}

async function measure(subject: Subject, script: Uint8Array, relaxed: boolean): Promise<Measured> {
  const files = new Map<string, ServedFile>([
    [
      '/index.html',
      { bytes: '<!doctype html><meta charset="utf-8"><script type="module" src="/page.js"></script>' },
    ],
    ['/page.js', { bytes: script }],
    ...kinds.map((kind): [string, ServedFile] => [`/${kind}`, { bytes: subject.files[kind] }]),
  ]);
  const folders = {
    '/ort/': join(packageFolder('onnxruntime-web')!, 'dist'),
    '/litert/': join(packageFolder('@litertjs/core')!, 'wasm'),
  };
  const server = await serve({ files, folders, isolated: true });
  const browser = await launchBrowser('chromium');
  try {
    const tab = await browser.browser!.newPage();
    await tab.goto(`${server.url}index.html`);
    await tab.waitForFunction(() => (window as unknown as { ready?: boolean }).ready);
    const feeds = Object.fromEntries(
      Object.entries(subject.feeds).map(([name, t]) => {
        const values = typedArray(t);
        const numbers = Array.from(values as ArrayLike<number | bigint>, Number);
        return [name, { dtype: t.dtype, dims: [...t.dims], array: values.constructor.name, values: numbers }];
      }),
    );
    const outputs = subject.outputs.map(({ name, dtype }) => ({ name, dtype }));
    const given = { relaxed, feeds, outputs, rounds, turnMs };
    return await tab.evaluate(
      (options) => (window as unknown as { measure(o: typeof options): Promise<Measured> }).measure(options),
      given,
    );
  } finally {
    await browser.close();
    await server.close();
  }
}

const ratio = ({ times }: Measured, kind: Kind): number | null => {
  const [mine, base] = [times[kind], times['ort-float']];
  return mine && base ? median(mine.map((ms, i) => ms / base[i]!)) : null;
};

const cell = (measured: Measured, kind: Kind): string => {
  const r = ratio(measured, kind);
  const ms = measured.times[kind];
  return r === null || !ms ? 'not run' : `${r.toFixed(2)} (${formatMs(median(ms))})`;
};

const asked = process.argv.slice(2);
const chosen = networks.filter(({ name }) => asked.length === 0 || asked.some((a) => name.includes(a)));
if (!findBrowser('chromium')) throw new Error('This bench needs Chromium.');
const { outputFiles } = await build({
  stdin: { contents: page, resolveDir: root, loader: 'js' },
  ...{ bundle: true, write: false, format: 'esm', platform: 'browser', target: 'es2022', logLevel: 'error' },
  external: ['node:*'],
  conditions: ['onnxruntime-web-use-extern-wasm'],
});
const { cpu } = describeMachine();
console.log(
  `${cpu}; onnxruntime-web ${installedVersion('onnxruntime-web')}, @litertjs/core ${installedVersion('@litertjs/core')}; one thread, ${rounds} rounds by turns. In brackets: median of a run.\n`,
);
console.log(
  '| network | onnxruntime-web float | its int8 | LiteRT float | LiteRT int8 | plain SIMD: float | int8 |',
);
console.log('| --- | --- | --- | --- | --- | --- | --- |');
const dots = new Set<string>();
for (const network of chosen) {
  const folder = mkdtempSync(join(tmpdir(), 'edgepress-litert-'));
  try {
    const subject = await prepare(network, folder);
    const relaxed = await measure(subject, outputFiles[0]!.contents, true);
    const plain = await measure(subject, outputFiles[0]!.contents, false);
    dots.add(relaxed.dot);
    const own = formatMs(median(relaxed.times['ort-float']!));
    console.log(
      `| ${network.name} | ${own} | ${cell(relaxed, 'ort-int8')} | ${cell(relaxed, 'litert-float')} | ${cell(relaxed, 'litert-int8')} | ${cell(plain, 'litert-float')} | ${cell(plain, 'litert-int8')} |`,
    );
    for (const notes of [relaxed.notes, plain.notes])
      for (const [kind, why] of Object.entries(notes))
        console.log(`<!-- ${network.name}, ${kind}: ${why} -->`);
  } catch (error) {
    console.log(`| ${network.name} | not run: ${error instanceof Error ? error.message : error} |`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
// What decides how fast int8 is with the relaxed build: bench/litert-page.ts.
console.log(`\nThe browser's relaxed dot product of int8 ${[...dots].join(', ')}.`);
