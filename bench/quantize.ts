/** Time and peak memory of `compress --int8 --data`: the quantising part alone (read, clean up, calibrate, quantise, write; no
 *  report), in a process of its own, and where its time goes; then the whole command.
 *
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/quantize.ts [part of a model's name …] [--rounds 3] [--whole]
 *
 *  bench/peers.ts compares it with other tools. */
import { mkdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { median } from '../src/support/statistics.ts';
import { casesIn } from './peers/cases.ts';
import { contestants } from './peers/contestants.ts';
import { buildOurs, root } from './peers/our-process.ts';
import { openSamples } from './peers/samples.ts';

const usual = ['MobileNetV2', 'ResNet-56', 'MiniLM-L6'];

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { rounds: { type: 'string', default: '3' }, whole: { type: 'boolean', default: false } },
  });
  if (!process.env['EDGEPRESS_ZOO']) {
    console.log('EDGEPRESS_ZOO is not set: it names the folder with real models and data.');
    return;
  }
  const quantise = await buildOurs();
  const folder = path.join(root, '.cache/quantize');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  console.log(
    '| model | seconds | processor seconds | peak, MB | size | processor seconds of each step | whole command, s |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
  for (const c of await casesIn(folder, positionals.length > 0 ? positionals : usual)) {
    const turns: ReturnType<typeof quantise>[] = [];
    const recorded = (job: Parameters<typeof quantise>[0]) => {
      const turn = quantise(job);
      turns.push(turn);
      return turn;
    };
    const { peer } = await openSamples(c);
    const [ours] = contestants(c, peer, { quantise: recorded, tools: new Map(), folder });
    for (let round = 0; round < Number(values.rounds); round++) ours!.make();
    const of = (value: (turn: (typeof turns)[number]) => number) => median(turns.map(value));
    const steps = turns[0]!.steps.map(
      ({ step }, i) => `${step} ${of((turn) => turn.steps[i]!.processorSeconds).toFixed(2)}`,
    );
    const written = path.join(folder, 'quantised-wasm.onnx');
    const whole = values.whole ? ours!.deliver().wholeSeconds! : null;
    console.log(
      `| ${[
        c.name,
        of((turn) => turn.seconds).toFixed(2),
        of((turn) => turn.processorSeconds).toFixed(2),
        (of((turn) => turn.peakBytes) / 1e6).toFixed(0),
        (statSync(written).size / statSync(c.model).size).toFixed(3),
        steps.join(', '),
        whole?.toFixed(1) ?? '–',
      ].join(' | ')} |`,
    );
  }
}

await main();
