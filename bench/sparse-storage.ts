/** What zeros in weights are worth as bytes on the wire: Brotli of the zeros as they stand against ways to store what is
 *  left, and what loading a packed model costs.
 *
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/sparse-storage.ts [quality, default 9]
 *
 *  First table, payload of the weights alone, Brotli: dense · bits: one a place, and the other values · gaps: a byte from one
 *  value to the next · int64: ONNX sparse_initializer, a place of eight bytes for each value.
 *  Second table, whole files by our passes, before and after pack-sparse-weights; at 70 %: equal outputs, ms to load and run
 *  (median), WebAssembly memory after loading (a process for each). Third table: palettes.
 *  Zeros by magnitude over the whole network, without recovery: this measures bytes, not accuracy. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { cleanUp } from '../passes/presets/clean-up.ts';
import { compressModel } from '../src/compress/compress.ts';
import { recipeSchema } from '../src/compress/pipeline/recipe.ts';
import { sparseContent } from '../src/compress/prune/sparsity-pack.ts';
import type { Engine } from '../src/compute/engine/contract.ts';
import { openEngine } from '../src/compute/engine/open.ts';
import { syntheticInputs } from '../src/data/synthetic.ts';
import { encodeModel } from '../src/model/formats/onnx/write.ts';
import { openModel } from '../src/model/formats/open-file.ts';
import type { Model } from '../src/model/ir/model.ts';
import { portsOf } from '../src/model/ir/port.ts';
import { elementCount, sizeBytes, type Tensor } from '../src/model/ir/tensor.ts';
import { describeMachine } from '../src/ship/profile/machine.ts';
import { transferSizes } from '../src/ship/profile/transfer.ts';
import { watchWasmHeap } from '../src/ship/profile/wasm-heap.ts';
import { median } from '../src/support/statistics.ts';

const zoo = process.env['EDGEPRESS_ZOO'];
const here = fileURLToPath(import.meta.url);
const files = {
  'ResNet-20': 'cifar10-resnet/resnet20.onnx',
  'ResNet-56': 'cifar10-resnet/resnet56.onnx',
  MobileNetV2: 'imagenet-mobilenetv2-f32/mobilenetv2.onnx',
  'nano-gpt': 'nano-gpt-sort/gpt-nano-sort.onnx',
};
/** Share of zeros at which loading and running are measured. */
const timedAt = 0.7;
const repetitions = { load: 5, run: 30 };

type Step = { pass: string; options?: Record<string, unknown> };

async function made(engine: Engine, source: Model, steps: readonly Step[]): Promise<Model> {
  const recipe = recipeSchema.parse({
    edgepress: 1,
    name: 'bench',
    stages: [
      cleanUp,
      ...(steps.length > 0 ? [{ name: 'work', passes: [...steps] }] : []),
      {
        name: 'tidy',
        passes: [
          { pass: 'eliminate-dead-nodes' },
          { pass: 'deduplicate-initializers' },
          { pass: 'strip-inner-types' },
        ],
      },
    ],
  });
  return (await compressModel(source, { recipe, engine })).model;
}

/** Large tensors of the model as bits, gaps and int64 places, each with the values that are not zero. */
function encodings(model: Model): Record<string, Uint8Array> {
  const tensors = [...model.graph.initializers]
    .map((v) => v.constant as Tensor)
    .filter((t) => t.dims.length >= 2 && elementCount(t.dims) >= 512 && sparseContent(t));
  const parts = tensors.map((t) => {
    const { bits, values } = sparseContent(t)!;
    const width = sizeBytes(t) / elementCount(t.dims);
    const kept = values.subarray(width);
    const places: number[] = [];
    for (let i = 0; i < elementCount(t.dims); i++) if (bits[i >> 3]! & (1 << (i & 7))) places.push(i);
    const gaps = places.flatMap((p, i) => {
      const gap = p - (i === 0 ? 0 : places[i - 1]! + 1);
      return [...new Array(Math.floor(gap / 255)).fill(255), gap % 255];
    });
    const long = new Uint8Array(BigInt64Array.from(places, BigInt).buffer);
    return { dense: t.bytes(), bits: [bits, kept], gaps: [Uint8Array.from(gaps), kept], int64: [long, kept] };
  });
  return {
    dense: joined(parts.map((p) => p.dense)),
    bits: joined(parts.flatMap((p) => p.bits)),
    gaps: joined(parts.flatMap((p) => p.gaps)),
    int64: joined(parts.flatMap((p) => p.int64)),
  };
}

const joined = (parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
const against = (bytes: number, dense: number) => `${((100 * bytes) / dense - 100).toFixed(1)} %`;

async function sizes(quality: number): Promise<void> {
  const engine = await openEngine();
  const payload: object[] = [];
  const whole: object[] = [];
  const palettes: object[] = [];
  const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-bench-'));
  try {
    for (const [name, file] of Object.entries(files)) {
      const { model } = openModel(path.join(zoo as string, 'models', file));
      for (const sparsity of [0.5, 0.7, 0.9])
        for (const dtype of ['float32', 'int8']) {
          const zeros: Step[] = [{ pass: 'prune-weights', options: { sparsity, scope: 'global' } }];
          if (dtype === 'int8') zeros.push({ pass: 'quantize-weights' });
          const dense = await made(engine, model, zeros);
          const packed = await made(engine, model, [...zeros, { pass: 'pack-sparse-weights' }]);
          const stored = encodings(dense);
          const row: Record<string, string | number> = { model: name, zeros: `${100 * sparsity} %`, dtype };
          const base = (await transferSizes(stored['dense']!, quality)).brotliBytes;
          row['dense raw'] = stored['dense']!.length;
          row['dense br'] = base;
          for (const kind of ['bits', 'gaps', 'int64'])
            row[kind] = against((await transferSizes(stored[kind]!, quality)).brotliBytes, base);
          payload.push(row);
          const both = [dense, packed].map((m) => encodeModel(m));
          const [a, b] = await Promise.all(both.map((bytes) => transferSizes(bytes, quality)));
          const change = {
            model: name,
            zeros: row['zeros'],
            dtype,
            file: `${a!.rawBytes} → ${b!.rawBytes}`,
            brotli: `${a!.brotliBytes} → ${b!.brotliBytes}`,
            change: against(b!.brotliBytes, a!.brotliBytes),
          };
          whole.push(sparsity === timedAt ? { ...change, ...costs(both, folder) } : change);
        }
      for (const k of [16, 64, 256]) {
        const [plain, palette] = [
          await made(engine, model, []),
          await made(engine, model, [{ pass: 'cluster-weights', options: { k } }]),
        ].map((m) => encodeModel(m));
        const int8 = encodeModel(await made(engine, model, [{ pass: 'quantize-weights' }]));
        const [a, b, c] = await Promise.all(
          [plain!, palette!, int8].map((bytes) => transferSizes(bytes, quality)),
        );
        palettes.push({
          model: name,
          k,
          float: `${a!.rawBytes} / ${a!.brotliBytes}`,
          palette: `${b!.rawBytes} / ${b!.brotliBytes}`,
          'int8 weights': `${c!.rawBytes} / ${c!.brotliBytes}`,
        });
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  console.log(JSON.stringify({ ...describeMachine(), brotliQuality: quality, ...repetitions }));
  for (const table of [payload, whole, palettes]) console.table(table);
}

/** Before and after packing. */
function costs(both: readonly Uint8Array[], folder: string): object {
  const found = both.map((bytes, i) => {
    const at = path.join(folder, `${i}.onnx`);
    writeFileSync(at, bytes);
    return { wasm: loaded(at, 'wasm'), node: loaded(at, 'node') };
  }) as [Pair, Pair];
  const pair = (runtime: keyof Pair, key: 'loadMs' | 'runMs' | 'heapMB') =>
    found.map((c) => c[runtime][key].toFixed(key === 'runMs' ? 2 : 0)).join(' → ');
  return {
    equal: (['wasm', 'node'] as const).every((r) => found[0][r].hash === found[1][r].hash),
    'load wasm': pair('wasm', 'loadMs'),
    'run wasm': pair('wasm', 'runMs'),
    'heap MB': pair('wasm', 'heapMB'),
    'load node': pair('node', 'loadMs'),
    'run node': pair('node', 'runMs'),
  };
}

type Pair = Record<'wasm' | 'node', Loaded>;

interface Loaded {
  readonly loadMs: number;
  readonly runMs: number;
  readonly heapMB: number;
  readonly hash: string;
}

const loaded = (file: string, runtime: string): Loaded =>
  JSON.parse(
    execFileSync(process.execPath, ['--import', 'tsx', here, 'child', file, runtime], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );

/** Opens and runs one file in this process. */
async function child(file: string, runtime: 'wasm' | 'node'): Promise<void> {
  const heap = watchWasmHeap();
  const engine = await openEngine(runtime);
  const bytes = new Uint8Array(readFileSync(file));
  const loads: number[] = [];
  let heapMB = 0;
  let session = null;
  for (let i = 0; i < repetitions.load; i++) {
    await session?.close();
    const started = performance.now();
    session = await engine.open({ bytes }, { threads: 1 });
    loads.push(performance.now() - started);
    if (i === 0) heapMB = heap() / 2 ** 20;
  }
  const { model } = openModel(file);
  const feeds = syntheticInputs(portsOf(model), { seed: 1 });
  const runs: number[] = [];
  let hash = '';
  for (let i = 0; i < repetitions.run; i++) {
    const started = performance.now();
    const outputs = await session!.run(feeds);
    runs.push(performance.now() - started);
    hash = Object.values(outputs)
      .map((t) => t.bytes().reduce((h, b) => Math.imul(h ^ b, 16777619), 2166136261))
      .join();
  }
  await session!.close();
  console.log(JSON.stringify({ loadMs: median(loads), runMs: median(runs), heapMB, hash }));
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'child') await child(rest[0] as string, rest[1] as 'wasm' | 'node');
else if (!zoo) console.log('EDGEPRESS_ZOO is not set: this bench needs four models of the zoo.');
else await sizes(Number(mode ?? 9));
