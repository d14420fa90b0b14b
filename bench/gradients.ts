/** Time of operators forwards and with their gradients, against PyTorch's on the same machine in the same run.
 *
 *    npx tsx bench/gradients.ts [threads] [part of a name]
 *
 *  Both compute the loss Σ y·w for a given w, and its derivatives by all float inputs; smallest of several runs, since
 *  whatever else the machine does only ever adds. PyTorch's column is empty where python3 or torch is missing. */
import { execFileSync } from 'node:child_process';
import { createEmitter, type Emitter } from '../src/compute/autodiff/emitter.ts';
import { differentiate } from '../src/compute/autodiff/gradients.ts';
import { lower } from '../src/compute/autodiff/lower.ts';
import { openKernel } from '../src/compute/engine/kernel.ts';
import { openEngine } from '../src/compute/engine/open.ts';
import { addInput, addOutput, createModel, createValue } from '../src/model/ir/edit.ts';
import type { Value } from '../src/model/ir/model.ts';
import { elementCount, tensorOf } from '../src/model/ir/tensor.ts';
import { tensorType } from '../src/model/ir/type.ts';
import { describeMachine } from '../src/ship/profile/machine.ts';
import { createRandom } from '../src/support/random.ts';

interface Workload {
  readonly name: string;
  /** Shapes of x0, x1 … */
  readonly dims: readonly (readonly number[])[];
  build(e: Emitter, ...inputs: Value[]): Value;
  /** The same in PyTorch, over x0, x1 … */
  readonly torch: string;
  /** Indices of the inputs to differentiate by; all when absent. */
  readonly wrt?: readonly number[];
}

/** Square pictures, square odd kernels, padding that keeps the size. */
function convolution(
  name: string,
  batch: number,
  channels: readonly [number, number],
  side: number,
  options: { kernel?: number; stride?: number; group?: number; first?: boolean } = {},
): Workload {
  const { kernel = 3, stride = 1, group = 1, first = false } = options;
  const pad = (kernel - 1) / 2;
  const [from, to] = channels;
  return {
    name: `${name}: Conv ${kernel}×${kernel}${stride > 1 ? ` /${stride}` : ''} ${from}→${to}, ${batch}×${side}²`,
    dims: [[batch, from, side, side], [to, from / group, kernel, kernel], [to]],
    build: (e, x, w, b) =>
      e.op('Conv', [x as Value, w as Value, b as Value], {
        kernel_shape: [kernel, kernel],
        pads: [pad, pad, pad, pad],
        strides: [stride, stride],
        group,
      }),
    torch: `F.conv2d(x0, x1, x2, stride=${stride}, padding=${pad}, groups=${group})`,
    // The first layer's input has no derivative to compute.
    ...(first ? { wrt: [1, 2] } : {}),
  };
}

function pooling(op: 'MaxPool' | 'AveragePool', kernel: number, stride: number): Workload {
  const pad = kernel > stride ? 1 : 0;
  const call = op === 'MaxPool' ? 'F.max_pool2d' : 'F.avg_pool2d';
  return {
    name: `${op} ${kernel}×${kernel} /${stride}, 64×32×28²`,
    dims: [[64, 32, 28, 28]],
    build: (e, x) =>
      e.op(op, [x as Value], {
        kernel_shape: [kernel, kernel],
        strides: [stride, stride],
        pads: [pad, pad, pad, pad],
        ...(op === 'AveragePool' ? { count_include_pad: 1 } : {}),
      }),
    torch: `${call}(x0, ${kernel}, stride=${stride}, padding=${pad})`,
  };
}

/** One layer of 128 units over 128 steps of 32 sequences. */
function recurrent(op: 'LSTM' | 'GRU' | 'RNN'): Workload {
  const [steps, batch, hidden] = [128, 32, 128];
  const rows = { LSTM: 4, GRU: 3, RNN: 1 }[op] * hidden;
  const zeros = `torch.zeros(1, ${batch}, ${hidden})`;
  const call = { LSTM: 'torch.lstm', GRU: 'torch.gru', RNN: 'torch.rnn_tanh' }[op];
  return {
    name: `${op} ${hidden} units, ${batch}×${steps} steps`,
    dims: [
      [steps, batch, hidden],
      [1, rows, hidden],
      [1, rows, hidden],
      [1, 2 * rows],
    ],
    build: (e, x, w, r, b) =>
      e.op(op, [x as Value, w as Value, r as Value, b as Value], {
        hidden_size: hidden,
        ...(op === 'GRU' ? { linear_before_reset: 1 } : {}),
      }),
    torch:
      `${call}(x0, ${op === 'LSTM' ? `(${zeros}, ${zeros})` : zeros}, ` +
      `[x1[0], x2[0], x3[0][:${rows}], x3[0][${rows}:]], True, 1, 0.0, True, False, False)[0]`,
  };
}

const workloads: readonly Workload[] = [
  convolution('CNN', 64, [1, 32], 28, { first: true }),
  convolution('CNN', 64, [32, 64], 28),
  convolution('CNN', 64, [64, 64], 14),
  convolution('ResNet-20', 128, [3, 16], 32, { first: true }),
  convolution('ResNet-20', 128, [16, 16], 32),
  convolution('ResNet-20', 128, [16, 32], 32, { stride: 2 }),
  convolution('ResNet-20', 128, [32, 32], 16),
  convolution('ResNet-20', 128, [32, 64], 16, { stride: 2 }),
  convolution('ResNet-20', 128, [64, 64], 8),
  convolution('ResNet-20', 128, [16, 32], 32, { kernel: 1, stride: 2 }),
  convolution('MobileNetV2 depthwise', 16, [96, 96], 28, { group: 96 }),
  convolution('MobileNetV2 depthwise', 16, [96, 96], 28, { group: 96, stride: 2 }),
  convolution('MobileNetV2 depthwise', 16, [192, 192], 14, { group: 192 }),
  convolution('MobileNetV2', 16, [32, 192], 28, { kernel: 1 }),
  convolution('MobileNetV2', 16, [192, 64], 14, { kernel: 1 }),
  pooling('MaxPool', 2, 2),
  pooling('MaxPool', 3, 2),
  pooling('AveragePool', 2, 2),
  pooling('AveragePool', 3, 2),
  {
    name: 'GlobalAveragePool, 64×64×14²',
    dims: [[64, 64, 14, 14]],
    build: (e, x) => e.op('GlobalAveragePool', [x as Value]),
    torch: 'F.adaptive_avg_pool2d(x0, 1)',
  },
  recurrent('LSTM'),
  recurrent('GRU'),
  recurrent('RNN'),
];

interface Times {
  readonly forward: number;
  readonly both: number;
}

const repetitions = 15;
const indices = (w: Workload) => w.wrt ?? w.dims.map((_, i) => i);

/** Milliseconds of the loss alone or with its derivatives; of each only an element is fetched. */
async function timeOurs(w: Workload, threads: number, withGradients: boolean): Promise<number> {
  const random = createRandom(1);
  const model = createModel({ opsets: new Map([['', 20]]), irVersion: 9 });
  const { graph } = model;
  const input = (name: string, dims: readonly number[]) =>
    addInput(graph, createValue(graph.names, name, tensorType('float32', dims), true));
  const xs = w.dims.map((dims, i) => input(`x${i}`, dims));
  const e = createEmitter(model);
  const y = w.build(e, ...xs);
  const weights = input('weights', e.dims(y));
  const loss = e.op('ReduceSum', [e.op('Mul', [y, weights])], { keepdims: 0 });
  addOutput(graph, loss);
  if (withGradients) {
    lower(model, 'train');
    const end = createEmitter(model);
    const asked = indices(w).map((i) => xs[i] as Value);
    for (const d of differentiate(end, graph.outputs[0] as Value, asked).values()) {
      const corner = end.dims(d).map(() => 1);
      addOutput(graph, end.op('Slice', [d, end.ints(corner.map(() => 0)), end.ints(corner)]));
    }
  }
  const session = await openKernel(await openEngine('node'), model, { threads });
  const feeds = Object.fromEntries(
    graph.inputs.map((v) => {
      const dims = e.dims(v);
      const values = Float32Array.from({ length: elementCount(dims) }, () => 0.1 * random.normal());
      return [v.name, tensorOf('float32', dims, values)];
    }),
  );
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < repetitions; i++) {
    const started = performance.now();
    await session.run(feeds);
    best = Math.min(best, performance.now() - started);
  }
  await session.close();
  return best;
}

const python = `
import json, sys, time, torch
import torch.nn.functional as F
question = json.load(sys.stdin)
torch.set_num_threads(question['threads'])
def best(f):
    times = []
    for _ in range(question['repetitions']):
        started = time.perf_counter(); f(); times.append(time.perf_counter() - started)
    return min(times) * 1e3
answer = []
for w in question['workloads']:
    env = {'torch': torch, 'F': F}
    for i, dims in enumerate(w['dims']):
        env['x%d' % i] = (torch.randn(dims) * 0.1).requires_grad_(i in w['wrt'])
    compute = eval('lambda: ' + w['torch'], env)
    weights = torch.randn(compute().shape)
    def forward():
        with torch.no_grad(): (compute() * weights).sum()
    leaves = [env['x%d' % i] for i in w['wrt']]
    answer.append({'forward': best(forward), 'both': best(lambda: torch.autograd.grad((compute() * weights).sum(), leaves))})
json.dump({'version': torch.__version__, 'times': answer}, sys.stdout)
`;

/** null where python3 or torch is missing. */
function timeTorch(chosen: readonly Workload[], threads: number): { version: string; times: Times[] } | null {
  const asked = chosen.map((w) => ({ dims: w.dims, torch: w.torch, wrt: indices(w) }));
  try {
    const answer = execFileSync('python3', ['-c', python], {
      input: JSON.stringify({ threads, repetitions, workloads: asked }),
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    return JSON.parse(answer.toString());
  } catch {
    return null;
  }
}

async function main(threads: number, part: string): Promise<void> {
  const chosen = workloads.filter((w) => w.name.includes(part));
  const engine = await openEngine('node');
  const theirs = timeTorch(chosen, threads);
  console.log(JSON.stringify(describeMachine()));
  console.log(
    `onnxruntime-node ${engine.version}, PyTorch ${theirs?.version ?? 'not here'}, threads ${threads}, ms, smallest of ${repetitions}`,
  );
  console.log(`${'forward'.padStart(61)}${'forward and backward'.padStart(29)}`);
  const column = (t: number | undefined) => (t === undefined ? '–' : t.toFixed(2)).padStart(9);
  console.log(`${''.padEnd(44)}${'     ours  PyTorch  ratio'.repeat(2)}`);
  for (const [i, w] of chosen.entries()) {
    const torch = theirs?.times[i];
    const ours = [await timeOurs(w, threads, false), await timeOurs(w, threads, true)];
    const cells = [torch?.forward, torch?.both].map((t, k) => {
      const own = ours[k] as number;
      return `${column(own)}${column(t)}${(t ? (own / t).toFixed(2) : '–').padStart(7)}`;
    });
    console.log(`${w.name.padEnd(44)}${cells.join('')}`);
  }
}

const [threads = '2', part = ''] = process.argv.slice(2);
await main(Number(threads), part);
