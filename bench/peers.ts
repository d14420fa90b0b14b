/** int8 by us and by the tools of the field: the same models, samples and machine, in one run.
 *
 *    EDGEPRESS_ZOO=<folder> npx tsx bench/peers.ts [part of a model's name …] [--rounds 3] [--write]
 *
 *  onnxruntime.quantization, NNCF and neural-compressor run in the python3 on the path (PEERS_PYTHON names another) or, where it lacks
 *  them, in environments that are made in .cache/peers. What can't be had is said, and why. Tools take turns, each in processes of its
 *  own; given are medians. Everybody calibrates on the same 100 samples and is judged on 200 others (PEERS_HELD: on so
 *  many), which chose nothing. Goes to bench/results/peers.md as well,
 *  model by model, for some models only with --write. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openModel } from '../src/model/formats/open-file.ts';
import { median } from '../src/support/statistics.ts';
import { type Case, casesIn } from './peers/cases.ts';
import { type Contestant, contestants } from './peers/contestants.ts';
import { judge, type Verdict } from './peers/judge.ts';
import { buildOurs, root } from './peers/our-process.ts';
import type { Timing } from './peers/ours.ts';
import { openSamples, samplesDiffer } from './peers/samples.ts';
import { findTool, type Tool, type ToolName } from './peers/tools.ts';
import { writeResult } from './result-file.ts';

const names: readonly ToolName[] = ['onnxruntime', 'nncf', 'neural-compressor'];
/** What others are measured by. */
const reference = 'onnxruntime.quantization, static';

interface Result {
  readonly title: string;
  readonly timing: Timing;
  readonly sizeShare: number;
  readonly wholeSeconds: number | null;
  readonly verdicts: { readonly wasm?: Verdict; readonly node?: Verdict };
}

interface Outcome {
  readonly about: string;
  readonly results: readonly Result[];
  readonly notes: readonly string[];
}

async function compete(c: Case, rounds: number, table: Omit<Parameters<typeof contestants>[2], 'folder'>) {
  const folder = mkdtempSync(path.join(tmpdir(), 'edgepress-peers-'));
  const { peer, held, sums } = await openSamples(c);
  const notes: string[] = [];
  const [anyTool] = table.tools.values();
  if (anyTool) {
    const share = samplesDiffer(await sums(), anyTool.sums({ ...peer, output: '' }));
    notes.push(`samples as both sides read them differ by ${(100 * share).toFixed(3)} % at most`);
  }
  const taken = new Map<Contestant, Timing[]>();
  let playing = contestants(c, peer, { ...table, folder });
  for (let round = 0; round < rounds; round++)
    for (const one of playing) {
      try {
        taken.set(one, [...(taken.get(one) ?? []), one.make()]);
      } catch (error) {
        notes.push(`${one.title}: ${String(error).split('\n')[0]}`);
        playing = playing.filter((other) => other !== one);
      }
    }
  const results: Result[] = [];
  for (const one of playing) {
    let delivered: ReturnType<typeof one.deliver>;
    try {
      delivered = one.deliver();
    } catch (error) {
      notes.push(`${one.title}: ${String(error).split('\n')[0]}`);
      continue;
    }
    const { model, wholeSeconds } = delivered;
    const verdicts: { wasm?: Verdict; node?: Verdict } = {};
    for (const engine of one.engines) verdicts[engine] = await judge(engine, c.model, model, held);
    // Some write weights beside the model.
    const sizeShare = openModel(model).sizeBytes / openModel(c.model).sizeBytes;
    results.push({ title: one.title, timing: medians(taken.get(one)!), sizeShare, wholeSeconds, verdicts });
  }
  rmSync(folder, { recursive: true });
  return { about: c.about, results, notes };
}

const medians = (turns: readonly Timing[]): Timing => {
  const of = (key: keyof Timing) => median(turns.map((t) => t[key]));
  return {
    seconds: of('seconds'),
    processorSeconds: of('processorSeconds'),
    beforeBytes: of('beforeBytes'),
    peakBytes: of('peakBytes'),
  };
};

function table({ results, notes, about }: Outcome): string {
  const base = results.find(({ title }) => title === reference)?.timing;
  const share = (value: number, key: keyof Timing) => (base ? ` (${(value / base[key]).toFixed(2)})` : '');
  const latency = (v: Verdict | undefined) => (v?.latency ? v.latency.toFixed(2) : '–');
  const rows = results.map(({ title, timing, sizeShare, wholeSeconds, verdicts: { wasm, node } }) =>
    [
      title,
      timing.seconds.toFixed(2) + share(timing.seconds, 'seconds'),
      timing.processorSeconds.toFixed(2) + share(timing.processorSeconds, 'processorSeconds'),
      (timing.peakBytes / 1e6).toFixed(0) + share(timing.peakBytes, 'peakBytes'),
      wholeSeconds?.toFixed(1) ?? '–',
      sizeShare.toFixed(3),
      ...[wasm?.quality ?? '–', node?.quality ?? '–', latency(wasm), latency(node)],
    ].join(' | '),
  );
  return [
    `${about}; ${notes.join('; ')}\n`,
    '| by | seconds | processor seconds | peak, MB | whole command, s | size | on wasm | natively | latency on wasm | natively |',
    `|${' --- |'.repeat(10)}`,
    ...rows.map((row) => `| ${row} |`),
  ].join('\n');
}

function findTools(): { tools: Map<ToolName, Tool>; missing: string[] } {
  const found = names.map((name) => [name, findTool(name)] as const);
  const isTool = (pair: readonly [ToolName, Tool | string]): pair is readonly [ToolName, Tool] =>
    typeof pair[1] !== 'string';
  return {
    tools: new Map(found.filter(isTool)),
    missing: found.flatMap((pair) => (isTool(pair) ? [] : [`- ${pair[0]} is not in the tables: ${pair[1]}`])),
  };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { rounds: { type: 'string', default: '3' }, write: { type: 'boolean', default: false } },
  });
  if (!process.env['EDGEPRESS_ZOO']) {
    console.log('EDGEPRESS_ZOO is not set: it names the folder with real models and data.');
    return;
  }
  execFileSync(process.execPath, ['--import', 'tsx', path.join(root, 'scripts/build.ts')], { cwd: root });
  const parts: string[] = [];
  const say = (text: string) => {
    console.log(`${text}\n`);
    parts.push(text);
    if (values.write || positionals.length === 0)
      writeResult('peers', 'EDGEPRESS_ZOO=<folder> npx tsx bench/peers.ts', parts.join('\n\n'));
  };
  const { tools, missing } = findTools();
  const quantise = await buildOurs();
  const folder = path.join(root, '.cache/peers/data');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  say([...tools.values()].map(({ version }) => version).join(', '));
  if (missing.length > 0) say(missing.join('\n'));
  for (const c of await casesIn(folder, positionals)) {
    if (!existsSync(c.model)) say(`**${c.name}**: not measured, its file is not there`);
    else say(`**${c.name}**: ${table(await compete(c, Number(values.rounds), { tools, quantise }))}`);
  }
}

await main();
