/** Native against wasm on two small networks: latency, session creation, peak memory. One thread each.
 *    npx tsx bench/engines.ts */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildKernel, type KernelBuilder } from '../src/compute/engine/kernel.ts';
import { writeModelFile } from '../src/model/formats/file.ts';
import { openModel } from '../src/model/formats/open-file.ts';
import type { Value } from '../src/model/ir/model.ts';
import { elementCount, type Tensor, tensorOf } from '../src/model/ir/tensor.ts';
import { type IsolatedMeasurement, measureIsolated, memoryMethod } from '../src/ship/profile/isolated.ts';
import { describeMachine } from '../src/ship/profile/machine.ts';
import { createRandom } from '../src/support/random.ts';
import { formatBytes, formatMs } from '../src/support/units.ts';

const random = createRandom(1);
const normal = (dims: readonly number[], scale = 1): Tensor =>
  tensorOf(
    'float32',
    dims,
    Float32Array.from({ length: elementCount(dims) }, () => random.normal() * scale),
  );

function convNet(b: KernelBuilder): void {
  let x: Value = b.input('x', 'float32', [1, 3, 64, 64]);
  let from = 3;
  for (const [to, stride] of [
    [16, 1],
    [32, 2],
    [32, 1],
    [64, 2],
    [64, 1],
  ] as const) {
    const w = b.constant(normal([to, from, 3, 3], 1 / Math.sqrt(9 * from)));
    x = b.op('Relu', [b.op('Conv', [x, w], { pads: [1, 1, 1, 1], strides: [stride, stride] })]);
    from = to;
  }
  b.output('y', b.op('GlobalAveragePool', [x]), 'float32');
}

function perceptron(b: KernelBuilder): void {
  let x: Value = b.input('x', 'float32', [16, 512]);
  for (let i = 0; i < 4; i++)
    x = b.op('Relu', [b.op('MatMul', [x, b.constant(normal([512, 512], 1 / Math.sqrt(512)))])]);
  b.output('y', x, 'float32');
}

const networks = [
  { name: '5 convolutions 3×3, 64²', build: convNet, x: normal([1, 3, 64, 64]) },
  { name: '4 products 512×512, batch 16', build: perceptron, x: normal([16, 512]) },
];

const machine = describeMachine();
const runtimes = Object.entries(machine.runtimes).map(([name, version]) => `${name} ${version}`);
console.log(`${machine.cpu}, ${machine.cores} cores, ${formatBytes(machine.memoryBytes)}, ${machine.os}`);
console.log(`node ${machine.node}, ${runtimes.join(', ')}; 1 thread`);
console.log(`Memory: ${memoryMethod}.\n`);
console.log('| network | engine | median | p90 | least | create | first run | peak memory | without model |');
console.log('| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |');

const folder = mkdtempSync(join(tmpdir(), 'edgepress-bench-'));
try {
  for (const { name, build, x } of networks) {
    const path = join(folder, 'model.onnx');
    writeModelFile(buildKernel(build, 17), path);
    const results: IsolatedMeasurement[] = [];
    for (const engine of ['node', 'wasm'] as const) {
      const m = await measureIsolated(
        openModel(path),
        { x },
        { engine, session: { threads: 1 }, maxRepetitions: 500 },
      );
      const times = [m.medianMs, m.p90Ms, m.minMs, m.createMs, m.firstRunMs].map(formatMs);
      const sizes = [m.memory.peakBytes, m.memory.baselineBytes].map(formatBytes);
      console.log(`| ${[name, engine, ...times, ...sizes].join(' | ')} |`);
      results.push(m);
    }
    const [native, wasm] = results as [IsolatedMeasurement, IsolatedMeasurement];
    const median = (wasm.medianMs / native.medianMs).toFixed(1);
    console.log(
      `| | native is faster by | ${median}× | | ${(wasm.minMs / native.minMs).toFixed(1)}× | | | | |`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
