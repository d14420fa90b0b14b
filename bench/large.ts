/** How time and memory grow with a model: graphs of 2 500 and 10 000 nodes, and a head of 131 072 words, one tensor of 2.1 GB.
 *
 *    npx tsx bench/large.ts [graph | tensor] [main.js]          (default: both, dist/src/cli/main.js)
 *
 *  Processor seconds (user and system) and the largest process, from /usr/bin/time; another main.js is that of an older build. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildKernel } from '../src/compute/engine/kernel.ts';
import { writeModelFile } from '../src/model/formats/file.ts';
import { tensorOf } from '../src/model/ir/tensor.ts';
import { describeMachine } from '../src/ship/profile/machine.ts';
import { createRandom } from '../src/support/random.ts';
import { formatBytes } from '../src/support/units.ts';

const here = fileURLToPath(import.meta.url);
const width = 64;

/** Blocks of MatMul, Add, Relu and Mul, each with weights of its own. */
function makeGraph(file: string, nodes: number): void {
  const random = createRandom(0);
  const weight = (dims: number[]) =>
    tensorOf(
      'float32',
      dims,
      Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => random.normal() / Math.sqrt(width)),
    );
  const model = buildKernel((b) => {
    let x = b.input('x', 'float32', ['n', width]);
    // The output is one more node.
    for (let i = 0; i < Math.floor(nodes / 4); i++) {
      x = b.op('MatMul', [x, b.constant(weight([width, width]), 'w')]);
      x = b.op('Add', [x, b.constant(weight([width]), 'b')]);
      x = b.op('Mul', [b.op('Relu', [x]), b.constant(weight([]), 's')]);
    }
    b.output('y', x, 'float32');
  }, 17);
  writeModelFile(model, file);
}

/** A MatMul by 4096×131072 numbers, which lie beside the model. */
function makeHead(file: string): void {
  const [width, words] = [4096, 131072];
  const values = new Float32Array(width * words);
  const random = createRandom(0);
  const row = Float32Array.from({ length: words - 1 }, () => random.normal() / 64);
  // The same row over and over, each time from another place: numbers that are quick to make.
  for (let at = 0; at < values.length; at += row.length)
    values.set(row.subarray(0, Math.min(row.length, values.length - at)), at);
  const model = buildKernel((b) => {
    const w = b.constant(tensorOf('float32', [width, words], values), 'head');
    b.output('y', b.op('MatMul', [b.input('x', 'float32', ['n', width]), w]), 'float32');
  }, 17);
  writeModelFile(model, file);
}

interface Measured {
  readonly seconds: number;
  readonly wallSeconds: number;
  readonly peakBytes: number;
}

/** @returns null when it did not end in twenty minutes, or not well */
function measured(program: string, args: readonly string[]): Measured | null {
  const { stderr, status } = spawnSync(
    '/usr/bin/time',
    ['-f', '@%e %U %S %M', process.execPath, program, ...args],
    { encoding: 'utf8', timeout: 1_200_000, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  if (status !== 0) {
    console.log(stderr.split('\n').slice(-6).join('\n'));
    return null;
  }
  const [wall, user, system, kilobytes] = stderr.split('@').at(-1)!.trim().split(' ').map(Number);
  return { seconds: user! + system!, wallSeconds: wall!, peakBytes: kilobytes! * 1024 };
}

const shown = (m: Measured | null) =>
  m ? `${m.seconds.toFixed(1)} s (${m.wallSeconds.toFixed(0)}) | ${formatBytes(m.peakBytes)}` : 'fails | –';

function graphs(folder: string, program: string): void {
  console.log('| command | 2 500 nodes (wall) | peak | 10 000 nodes (wall) | peak | ratio |');
  console.log('| --- | --- | --- | --- | --- | --- |');
  const files = [2500, 10_000].map((nodes) => path.join(folder, `${nodes}.onnx`));
  files.forEach((file, i) => {
    make('graph', file, String([2500, 10_000][i]));
  });
  const commands: readonly (readonly string[])[] = [['inspect'], [], ['--int8']];
  for (const command of commands) {
    const output = ['--no-compare', '--no-measure', '--force', '-o', path.join(folder, 'out.onnx')];
    const [small, large] = files.map((file) =>
      measured(program, command[0] === 'inspect' ? ['inspect', file] : [file, ...command, ...output]),
    );
    const ratio = small && large ? (large!.seconds / small.seconds).toFixed(1) : '–';
    const name = command[0] ?? 'clean up';
    console.log(`| ${name} | ${shown(small!)} | ${shown(large!)} | ${ratio} |`);
  }
}

function tensor(folder: string, program: string): void {
  const file = path.join(folder, 'head.onnx');
  make('head', file);
  console.log('| command | time (wall) | peak | peak / tensor |');
  console.log('| --- | --- | --- | --- |');
  const bytes = 4096 * 131072 * 4;
  // On wasm float16 is widened when it is opened, and doesn't fit.
  for (const command of [['--q4'], ['--int8'], ['--fp16', '--target', 'webgpu']]) {
    const out = path.join(folder, 'out');
    mkdirSync(out);
    const m = measured(program, [
      file,
      ...command,
      '--no-compare',
      '--no-measure',
      '-o',
      path.join(out, 'o.onnx'),
    ]);
    console.log(`| ${command.join(' ')} | ${shown(m)} | ${m ? (m.peakBytes / bytes).toFixed(2) : '–'} |`);
    rmSync(out, { recursive: true });
  }
}

/** In a process of its own, whose memory is none of the measured ones'. */
function make(...args: string[]): void {
  execFileSync(process.execPath, ['--import', 'tsx', here, 'make', ...args], { stdio: 'inherit' });
  if (statSync(args[1]!).size === 0) throw new Error(`${args[1]} is empty`);
}

const [what = 'both', second, third] = process.argv.slice(2);
if (what === 'make') {
  if (second === 'head') makeHead(third!);
  else makeGraph(third!, Number(process.argv[5]));
} else {
  const program = second ?? fileURLToPath(new URL('../dist/src/cli/main.js', import.meta.url));
  const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-large-'));
  console.log(JSON.stringify(describeMachine()));
  try {
    if (what !== 'tensor') graphs(folder, program);
    if (what !== 'graph') tensor(folder, program);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
