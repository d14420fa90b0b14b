/** Time and memory of a training step (forward, backward, update), against PyTorch's on the same machine in the same run.
 *
 *    npx tsx bench/train-step.ts [cnn|gpt|lstm …] [--threads 1,2] [--rounds 15] [--profile]
 *
 *  Both start from the same weights, see the same batch and take the same AdamW steps: that the losses agree is printed.
 *  Ours and PyTorch's take turns of a few steps, so that what else the machine does meets both; given are the median over
 *  all steps and the smallest, of wall and of processor time. On a busy machine look at processor time with one thread:
 *  more threads than free cores say nothing of either. Memory: peak resident bytes less what was there before our session
 *  was opened, or PyTorch's first step taken. PyTorch's rows are missing where python3 or torch is.
 *  --profile: where our time goes by operator, as onnxruntime measures it. */
import { type ChildProcessWithoutNullStreams, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createEngine } from '../src/compute/engine/adapter.ts';
import type { Engine } from '../src/compute/engine/contract.ts';
import { loadNativeRuntime } from '../src/compute/engine/onnxruntime-node.ts';
import { buildTrainingStep, type TrainingStep } from '../src/compute/train/step.ts';
import { openTrainer } from '../src/compute/train/trainer.ts';
import { cnn, gpt2, stackedLstm } from '../src/model/build/index.ts';
import type { Model } from '../src/model/ir/model.ts';
import { elementCount, type Tensor, tensorOf } from '../src/model/ir/tensor.ts';
import { describeMachine } from '../src/ship/profile/machine.ts';
import { createRandom } from '../src/support/random.ts';

interface Case {
  readonly title: string;
  build(): Model;
  readonly batch: Readonly<Record<string, Tensor>>;
}

const random = createRandom(7);
const numbers = (dims: readonly number[]) =>
  tensorOf(
    'float32',
    dims,
    Float32Array.from({ length: elementCount(dims) }, () => random.normal()),
  );
const classes = (dims: readonly number[], count: number) =>
  tensorOf(
    'int64',
    dims,
    Array.from({ length: elementCount(dims) }, () => random.integer(count)),
  );

const cases: Readonly<Record<string, Case>> = {
  cnn: {
    title: 'CNN (Conv 32/64/64, Dense 64), batch 64 of 28²',
    build: () => cnn(),
    batch: { image: numbers([64, 1, 28, 28]), labels: classes([64], 10) },
  },
  gpt: {
    title: 'GPT-2 style, 4 layers, width 128, 4 heads, batch 16 × 64 tokens',
    build: () => gpt2({ vocabulary: 512, context: 64, width: 128, heads: 4, layers: 4, cache: false }),
    batch: { input_ids: classes([16, 64], 512), labels: classes([16, 64], 512) },
  },
  lstm: {
    title: 'LSTM, 2 layers of 128, batch 32 × 64 steps',
    build: () =>
      stackedLstm({
        input: { kind: 'tokens', vocabulary: 65, width: 64 },
        hidden: [128, 128],
        classes: 65,
        output: 'each',
      }),
    batch: { input_ids: classes([32, 64], 65), labels: classes([32, 64], 65) },
  },
};
const [learningRate, weightDecay, stepsPerTurn, profiledSteps] = [1e-3, 0.01, 5, 20];

/** The native engine; with a folder, its sessions write there how long each operator took. */
async function nativeEngine(folder?: string): Promise<Engine> {
  const runtime = await loadNativeRuntime();
  // The contract of a session knows no profiling: it is asked for on the way to the runtime.
  const create = async (model: Uint8Array, settings: object) => {
    const prefix = { enableProfiling: true, profileFilePrefix: path.join(folder ?? '', 'step') };
    const session = await runtime.InferenceSession.create(model, { ...settings, ...prefix });
    const release = session.release.bind(session);
    session.release = () => {
      session.endProfiling();
      return release();
    };
    return session;
  };
  const profiling = { ...runtime, InferenceSession: { create } as typeof runtime.InferenceSession };
  return createEngine({
    name: 'node',
    title: 'onnxruntime-node',
    version: runtime.env.versions.node ?? '',
    runtime: folder === undefined ? runtime : profiling,
    provider: 'cpu',
  });
}

/** Of each step: wall and processor time in ms (all threads, waiting ones that spin too), and loss. */
interface Turn {
  readonly ms: number[];
  readonly cpu: number[];
  readonly losses: number[];
}

interface Peer {
  readonly version: string;
  steps(count: number): Promise<Turn>;
  end(): Promise<{ before: number; peak: number }>;
}

/** null where python3 or torch is missing. */
async function openPeer(
  name: string,
  threads: number,
  model: Model,
  batch: Case['batch'],
): Promise<Peer | null> {
  const script = fileURLToPath(new URL('peers/train_step.py', import.meta.url));
  let child: ChildProcessWithoutNullStreams;
  try {
    child = spawn('python3', [script]);
  } catch {
    return null;
  }
  child.stderr.pipe(process.stderr);
  child.stdin.on('error', () => undefined);
  const gone = new Promise<null>((resolve) => {
    child.on('error', () => resolve(null));
    child.on('exit', () => resolve(null));
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const plain = (t: Tensor) => ({
    dtype: t.dtype,
    dims: t.dims,
    bytes: Buffer.from(t.bytes()).toString('base64'),
  });
  const weights = [...model.graph.initializers].flatMap((v) =>
    v.constant?.dtype === 'float32' && elementCount(v.constant.dims) > 1 ? [[v.name, plain(v.constant)]] : [],
  );
  const given = Object.fromEntries(Object.entries(batch).map(([key, t]) => [key, plain(t)]));
  const ask = async (question: unknown) => {
    child.stdin.write(`${JSON.stringify(question)}\n`);
    const line = await Promise.race([lines.next(), gone]);
    return line?.value ? JSON.parse(line.value) : null;
  };
  const first = await ask({
    name,
    threads,
    learningRate,
    weightDecay,
    weights: Object.fromEntries(weights),
    batch: given,
  });
  return first && { version: first.version, steps: ask, end: () => ask(0) };
}

const sorted = (values: readonly number[]) => [...values].sort((a, b) => a - b);
const median = (values: readonly number[]) => sorted(values)[Math.floor(values.length / 2)] as number;

function buildStep({ build, batch }: Case): { model: Model; step: TrainingStep } {
  const model = build();
  const { labels: _, ...inputs } = batch;
  const step = buildTrainingStep(model, {
    shapes: Object.fromEntries(Object.entries(inputs).map(([key, t]) => [key, t.dims])),
    losses: [{ kind: 'cross-entropy' }],
    optimizer: { kind: 'adamw' },
    weightDecay,
  });
  return { model, step };
}

async function measure(name: string, threads: number, rounds: number): Promise<void> {
  const { title, batch } = cases[name] as Case;
  const engine = await nativeEngine();
  const before = process.memoryUsage.rss();
  const opened = performance.now();
  const { model, step } = buildStep(cases[name] as Case);
  const trainer = await openTrainer(engine, step, { threads });
  const openMs = performance.now() - opened;
  const peer = await openPeer(name, threads, model, batch);
  const turn = async (): Promise<Turn> => {
    const [ms, cpu, losses]: [number[], number[], number[]] = [[], [], []];
    for (let i = 0; i < stepsPerTurn; i++) {
      const [started, spent] = [performance.now(), process.cpuUsage()];
      losses.push((await trainer.run(batch, { learningRate, seed: 0 })).loss);
      ms.push(performance.now() - started);
      const { user, system } = process.cpuUsage(spent);
      cpu.push((user + system) / 1000);
    }
    return { ms, cpu, losses };
  };
  const [ours, theirs]: [Turn[], Turn[]] = [[], []];
  let apart = 0;
  for (let round = 0; round <= rounds; round++) {
    const own = await turn();
    const other = await peer?.steps(stepsPerTurn);
    for (const [i, loss] of own.losses.entries())
      apart = Math.max(apart, Math.abs(loss - (other?.losses[i] ?? loss)));
    // The first round warms up.
    if (round === 0) continue;
    ours.push(own);
    if (other) theirs.push(other);
  }
  const peak = process.resourceUsage().maxRSS * 1024;
  await trainer.close();
  const memory = await peer?.end();
  const count = `${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  const nodes = `${step.model.graph.nodes.length} nodes, built and opened in ${openMs.toFixed(0)} ms`;
  console.log(`\n${title}; ${count}; ours ${nodes}`);
  const cell = (text: string) => text.padStart(11);
  console.log(`  ${''.padEnd(20)}${['median ms', 'least ms', 'CPU ms', 'least', 'MB'].map(cell).join('')}`);
  const numbersOf = (turns: readonly Turn[]) => {
    const [ms, cpu] = [turns.flatMap((t) => t.ms), turns.flatMap((t) => t.cpu)];
    return [median(ms), Math.min(...ms), median(cpu), Math.min(...cpu)];
  };
  const row = (who: string, values: readonly number[], bytes?: number) => {
    const memory = bytes === undefined ? '' : cell((bytes / 1e6).toFixed(0));
    console.log(`  ${who.padEnd(20)}${values.map((v) => cell(v.toFixed(2))).join('')}${memory}`);
  };
  const own = numbersOf(ours);
  row('ours', own, peak - before);
  if (!peer || !memory) return;
  const other = numbersOf(theirs);
  row(`PyTorch ${peer.version}`, other, memory.peak - memory.before);
  row(
    'ratio',
    own.map((v, i) => v / (other[i] as number)),
  );
  console.log(`  losses of ${(rounds + 1) * stepsPerTurn} steps differ by at most ${apart.toExponential(1)}`);
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly dur: number;
  readonly args?: {
    readonly op_name?: string;
    readonly output_type_shape?: readonly Record<string, readonly number[]>[];
  };
}

/** Milliseconds a step by operator, and by operator and size. */
async function profile(name: string, threads: number): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-step-'));
  const { step } = buildStep(cases[name] as Case);
  const trainer = await openTrainer(await nativeEngine(folder), step, { threads });
  for (let i = 0; i < profiledSteps; i++)
    await trainer.run((cases[name] as Case).batch, { learningRate, seed: 0 });
  await trainer.close();
  const file = readdirSync(folder).find((f) => f.endsWith('.json')) ?? '';
  const events = JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as ProfileEvent[];
  rmSync(folder, { recursive: true });
  const kernels = events.filter((v) => v.cat === 'Node' && v.name.endsWith('_kernel_time'));
  const print = (keyOf: (v: ProfileEvent) => string, rows: number) => {
    const sums = new Map<string, { ms: number; count: number }>();
    for (const v of kernels) {
      const { ms, count } = sums.get(keyOf(v)) ?? { ms: 0, count: 0 };
      sums.set(keyOf(v), { ms: ms + v.dur / 1000 / profiledSteps, count: count + 1 / profiledSteps });
    }
    for (const [key, { ms, count }] of [...sums].sort((a, b) => b[1].ms - a[1].ms).slice(0, rows))
      console.log(`  ${ms.toFixed(3).padStart(9)} ms ${count.toFixed(0).padStart(5)} × ${key}`);
  };
  const opOf = (v: ProfileEvent) => v.args?.op_name ?? '?';
  const total = kernels.reduce((all, v) => all + v.dur / 1000, 0) / profiledSteps;
  console.log(`  operators, ${total.toFixed(2)} ms a step (measuring each takes time of its own):`);
  print(opOf, 20);
  console.log('  by the size of their first output:');
  const sizeOf = (v: ProfileEvent) =>
    JSON.stringify(Object.values(v.args?.output_type_shape?.[0] ?? {})[0] ?? []);
  print((v) => `${opOf(v)} ${sizeOf(v)}`, 30);
}

/** Each case in a process of its own, so that memory and threads of one don't touch the next. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      threads: { type: 'string', default: '1,2' },
      rounds: { type: 'string', default: '15' },
      profile: { type: 'boolean', default: false },
      one: { type: 'boolean', default: false },
    },
  });
  const threads = values.threads.split(',').map(Number);
  const names = Object.keys(cases).filter((name) => positionals.length === 0 || positionals.includes(name));
  if (values.one) {
    await measure(names[0] as string, threads[0] as number, Number(values.rounds));
    if (values.profile) await profile(names[0] as string, threads[0] as number);
    process.exit(0);
  }
  console.log(`${JSON.stringify(describeMachine())}, load ${loadavg()[0]?.toFixed(1)}`);
  console.log(
    `AdamW, median and least of ${Number(values.rounds) * stepsPerTurn} steps, ${stepsPerTurn} a turn`,
  );
  for (const name of names)
    for (const count of threads) {
      const flags = ['--one', '--threads', `${count}`, '--rounds', values.rounds];
      const child = fork(fileURLToPath(import.meta.url), [
        name,
        ...flags,
        ...(values.profile ? ['--profile'] : []),
      ]);
      await once(child, 'exit');
    }
}

await main();
