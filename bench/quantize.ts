/** Time and peak memory of `compress --int8 --data`: the quantising part alone (read, clean up, calibrate, quantise,
 *  write; no report), in a process of its own, then the whole command.
 *
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/quantize.ts [repetitions]
 *
 *  Compare with bench/peers/onnxruntime_quantization.py on the same machine. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { compressModel, preset } from '../src/compress/compress.ts';
import { observe } from '../src/compute/calibrate/observe.ts';
import { openEngine } from '../src/compute/engine/open.ts';
import { openData } from '../src/data/open.ts';
import { splitData } from '../src/data/split.ts';
import { writeModelFile } from '../src/model/formats/file.ts';
import { openModel } from '../src/model/formats/open-file.ts';
import { portsOf } from '../src/model/ir/port.ts';
import { describeMachine } from '../src/ship/profile/machine.ts';
import { peakMemoryBytes } from '../src/ship/profile/peak-memory.ts';
import { median } from '../src/support/statistics.ts';

const zoo = process.env['EDGEPRESS_ZOO'];
const here = fileURLToPath(import.meta.url);

async function quantizeOnly(model: string, data: string, output: string): Promise<void> {
  const started = performance.now();
  const opened = openModel(model);
  const source = await openData(data, portsOf(opened.model), { seed: 0 });
  const { calibration } = await splitData(source, { calibration: 100, seed: 0 });
  const engine = await openEngine();
  const samples = { count: calibration.length, read: (i: number) => source.read(calibration[i]!) };
  const result = await compressModel(opened.model, {
    recipe: preset('int8-static'),
    engine,
    calibrate: (m, requests) => observe(engine, m, requests, samples, { mseSamples: 16 }),
  });
  writeModelFile(result.model, output);
  console.log(JSON.stringify({ ms: performance.now() - started, peakBytes: peakMemoryBytes() }));
}

function main(repetitions: number): void {
  if (!zoo) {
    console.log(
      'EDGEPRESS_ZOO is not set: this bench needs MobileNetV2 and the ImageNet samples of the zoo.',
    );
    return;
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-bench-'));
  const model = path.join(zoo, 'models/imagenet-mobilenetv2-f32/mobilenetv2.onnx');
  const data = path.join(zoo, 'data/imagenet');
  const output = path.join(folder, 'm.onnx');
  const tsx = (...args: string[]) =>
    execFileSync(process.execPath, ['--import', 'tsx', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  console.log(JSON.stringify(describeMachine()));
  const runs = Array.from({ length: repetitions }, () => JSON.parse(tsx(here, 'child', model, data, output)));
  const ms = median(runs.map((r) => r.ms));
  const peak = Math.max(...runs.map((r) => r.peakBytes));
  const ratio = statSync(output).size / statSync(model).size;
  console.log(
    `quantise only, ${repetitions} runs: median ${(ms / 1000).toFixed(2)} s, peak ${(peak / 1e6).toFixed(0)} MB, ${ratio.toFixed(4)} of the size`,
  );
  const started = performance.now();
  const cli = path.join(path.dirname(here), '../src/cli/main.ts');
  tsx(cli, model, '--int8', '--data', data, '-o', path.join(folder, 'whole.onnx'), '--no-cache', '--quiet');
  console.log(`whole command, 200 samples compared: ${((performance.now() - started) / 1000).toFixed(1)} s`);
  rmSync(folder, { recursive: true });
}

const [mode, ...rest] = process.argv.slice(2);
if (mode === 'child') await quantizeOnly(rest[0]!, rest[1]!, rest[2]!);
else main(Number(mode ?? 3));
