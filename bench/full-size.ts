/** The networks of src/model/build at full size, with random weights: built, compressed to int8 without data, and run. Says nothing
 *  about accuracy; shows that size is no obstacle, and what it costs.
 *
 *    npx tsx bench/full-size.ts [gpt2 | t5-encoder | t5-decoder | vit …]
 *
 *  Each step in a process of its own, one after the other. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { compressModel, type PresetName, preset } from '../src/compress/compress.ts';
import { openEngine } from '../src/compute/engine/open.ts';
import { gpt2, gpt2Full, t5, t5Full, vit, vitFull } from '../src/model/build/index.ts';
import { writeModelFile } from '../src/model/formats/file.ts';
import { openModel } from '../src/model/formats/open-file.ts';
import type { Model } from '../src/model/ir/model.ts';
import { elementCount, type Tensor, tensorOf } from '../src/model/ir/tensor.ts';
import { measureIsolated, memoryMethod } from '../src/ship/profile/isolated.ts';
import { describeMachine } from '../src/ship/profile/machine.ts';
import { peakMemoryBytes } from '../src/ship/profile/peak-memory.ts';
import { createRandom } from '../src/support/random.ts';
import { formatBytes, formatMs } from '../src/support/units.ts';

interface Network {
  build(): Model;
  feeds(): Record<string, Tensor>;
}

const random = createRandom(1);
const tokens = (count: number, below: number) =>
  tensorOf(
    'int64',
    [1, count],
    Array.from({ length: count }, () => random.integer(below)),
  );
const normal = (dims: readonly number[]) =>
  tensorOf(
    'float32',
    dims,
    Float32Array.from({ length: elementCount(dims) }, () => random.normal()),
  );
const seen = (count: number) => tensorOf('int64', [1, count], new Array<number>(count).fill(1));

/** 64 tokens or one picture; the decoders write one token. */
const networks: Readonly<Record<string, Network>> = {
  gpt2: {
    build: () => gpt2(gpt2Full),
    feeds: () => ({
      input_ids: tokens(1, gpt2Full.vocabulary),
      ...Object.fromEntries(
        Array.from({ length: gpt2Full.layers }, (_, i) => ['key', 'value'].map((r) => [i, r] as const))
          .flat()
          .map(([i, role]) => [`past_key_values.${i}.${role}`, normal([1, gpt2Full.heads, 63, 64])]),
      ),
    }),
  },
  't5-encoder': {
    build: () => t5({ ...t5Full, part: 'encoder' }),
    feeds: () => ({ input_ids: tokens(64, t5Full.vocabulary), attention_mask: seen(64) }),
  },
  't5-decoder': {
    build: () => t5({ ...t5Full, part: 'decoder' }),
    feeds: () => ({
      input_ids: tokens(16, t5Full.vocabulary),
      encoder_attention_mask: seen(64),
      encoder_hidden_states: normal([1, 64, t5Full.width]),
    }),
  },
  vit: { build: () => vit(vitFull), feeds: () => ({ pixel_values: normal([1, 3, 224, 224]) }) },
};

const presets = ['int8-dynamic', 'int8-weights'] as const satisfies PresetName[];
const here = fileURLToPath(import.meta.url);

interface Step {
  readonly ms: number;
  readonly peakBytes: number;
}

/** This file again, as a process that does one step. */
function child(...args: string[]): Step {
  const printed = execFileSync(process.execPath, ['--import', 'tsx', here, 'child', ...args], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(printed) as Step;
}

async function step([kind, ...args]: readonly string[]): Promise<void> {
  const started = performance.now();
  if (kind === 'build') writeModelFile(networks[args[0]!]!.build(), args[1]!);
  else {
    const [name, from, to] = args as [PresetName, string, string];
    const engine = await openEngine();
    const { model } = await compressModel(openModel(from).model, { recipe: preset(name), engine });
    writeModelFile(model, to);
  }
  console.log(JSON.stringify({ ms: performance.now() - started, peakBytes: peakMemoryBytes() }));
}

async function bench(name: string, folder: string): Promise<void> {
  const file = (kind: string) => path.join(folder, `${name}.${kind}.onnx`);
  const row = async (kind: string, { ms, peakBytes }: Step) => {
    const bytes = statSync(file(kind)).size;
    const feeds = networks[name]!.feeds();
    const run = await measureIsolated(openModel(file(kind)), feeds, {
      engine: 'node',
      session: { threads: 1 },
    });
    const share = bytes / statSync(file('float')).size;
    const cells = [
      ...[name, kind, formatBytes(bytes), share.toFixed(3)],
      ...[`${(ms / 1000).toFixed(1)} s`, formatBytes(peakBytes)],
      ...[formatMs(run.medianMs), formatMs(run.createMs), formatBytes(run.memory.peakBytes)],
    ];
    console.log(`| ${cells.join(' | ')} |`);
  };
  await row('float', child('build', name, file('float')));
  for (const kind of presets) {
    await row(kind, child('compress', kind, file('float'), file(kind)));
    rmSync(file(kind));
  }
  rmSync(file('float'));
}

async function main(names: readonly string[]): Promise<void> {
  const machine = describeMachine();
  const runtimes = Object.entries(machine.runtimes).map(([runtime, version]) => `${runtime} ${version}`);
  console.log(`${machine.cpu}, ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}, ${machine.os}`);
  console.log(`node ${machine.node}, ${runtimes.join(', ')}; runs with 1 thread on node`);
  console.log(`Memory of a run: ${memoryMethod('node')}; of the other steps: peak of their process.\n`);
  console.log('| network | precision | size | share | made in | peak | median run | session | peak of run |');
  console.log('| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');
  const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-bench-'));
  try {
    for (const name of names) await bench(name, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'child') await step(rest);
else await main(mode ? [mode, ...rest] : Object.keys(networks));
