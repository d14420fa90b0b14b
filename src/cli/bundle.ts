/** compress bundle <model> -o <folder> */
import path from 'node:path';
import pc from 'picocolors';
import { defaultCacheFolder, openCalibrationCache } from '../compute/calibrate/calibration-cache.ts';
import { type BundleResult, bundleFile } from '../jobs/bundle.ts';
import type { BundleTarget } from '../jobs/bundle-plan.ts';
import { widestParity } from '../jobs/bundle-variant.ts';
import { bundleReport } from '../judge/report/build-bundle-report.ts';
import {
  checkReportKinds,
  checkReportPaths,
  writeBundleReport,
} from '../judge/report/bundle-report-files.ts';
import { plain } from '../judge/report/terminal.ts';
import { optionWithoutEffect } from '../support/diagnostics/command-line.ts';
import { formatBytes, formatDb, formatPercent } from '../support/units.ts';
import { commandLine } from './arguments.ts';
import { type DataFlags, dataOf } from './data-flags.ts';
import { interruptSignal } from './interrupt.ts';
import { printJson } from './print-json.ts';
import { createProgress } from './progress.ts';
import { table } from './table.ts';

interface Flags extends DataFlags {
  output?: string;
  targets: BundleTarget[];
  labelNames?: string;
  seed: number;
  calibrate: number;
  minAgreement: number;
  minSqnr: number;
  shard: number;
  name?: string;
  licence?: string;
  url?: string;
  precompress?: boolean;
  demo: boolean;
  transformersJs?: string;
  force?: boolean;
  cache: boolean;
  report?: string[];
  quiet?: boolean;
  json?: boolean;
}

export async function run(model: string, flags: Flags): Promise<void> {
  refuseIdle(flags);
  const { data, evaluationSamples } = dataOf(flags);
  const { report = [] } = flags;
  checkReports(report, flags);
  const { signal, dispose } = interruptSignal();
  const progress = createProgress({ quiet: flags.quiet ?? false });
  const output = flags.output ?? model.replace(/(\.onnx)?$/i, '.bundle');
  try {
    const result = await bundleFile({
      input: model,
      output,
      targets: flags.targets,
      data,
      seed: flags.seed,
      calibrationSamples: flags.calibrate,
      evaluationSamples: evaluationSamples ?? (data?.test ? Number.POSITIVE_INFINITY : 100),
      budget: { minAgreement: flags.minAgreement / 100, minSqnrDb: flags.minSqnr },
      shardBytes: flags.shard === 0 ? Number.POSITIVE_INFINITY : flags.shard * 1e6,
      precompress: flags.precompress ?? false,
      demo: flags.demo,
      url: flags.url ?? `/${path.basename(path.resolve(output))}/`,
      transformersJs: flags.transformersJs,
      force: flags.force ?? false,
      cache: flags.cache ? openCalibrationCache(defaultCacheFolder()) : null,
      name: flags.name,
      labelNames: flags.labelNames,
      preprocess: flags.preprocess,
      licence: flags.licence,
      events: progress,
      signal,
    });
    if (report.length > 0) await writeBundleReport(reportOf(result), report);
    if (flags.json) printJson(result);
    else if (flags.quiet) console.log(path.join(output, 'edgepress.json'));
    else console.log(`\n${describe(result, flags)}`);
  } finally {
    progress.stop();
    dispose();
  }
}

/** @throws OPTION_WITHOUT_EFFECT */
function refuseIdle(flags: Flags): void {
  if (flags.data) return;
  if (flags.labels !== undefined) throw optionWithoutEffect('--labels', '--data');
  if (flags.skipBad) throw optionWithoutEffect('--skip-bad', '--data');
  if (flags.testData !== undefined) throw optionWithoutEffect('--test-data', '--data');
}

/** One that goes into the bundle's own folder is written when that is there. */
function checkReports(files: readonly string[], { output, force }: Flags): void {
  const inside = (file: string) =>
    output !== undefined && path.dirname(path.resolve(file)) === path.resolve(output);
  checkReportPaths(
    files.filter((file) => !inside(file)),
    force,
  );
  checkReportKinds(files);
}

function reportOf({ manifest, refused, notes, guessed, large }: BundleResult) {
  const told = [
    ...notes.map(({ name, note }) => `${name} ${note}.`),
    ...guessed.map((g) => `Guessed: ${g}.`),
    ...large.map((file) => `${tooLarge(file)}.`),
  ];
  return bundleReport({ command: commandLine(), manifest, refused: [...refused], notes: told });
}

function describe(result: BundleResult, flags: Flags): string {
  const colour = Boolean(process.stdout.isTTY) && !process.env['NO_COLOR'];
  const { yellow, dim, bold } = pc.createColors(colour);
  const bad = [
    ...result.refused.map(({ name, reason }) => `not in the bundle: ${name}, ${reason}`),
    ...result.notes.map(({ name, note }) => `${name} ${note}`),
    ...(result.synthetic ? ['compared on made-up inputs: pass --data for agreement on real ones'] : []),
    ...result.guessed.map((g) => `guessed: ${g}`),
    ...result.large.map(tooLarge),
  ];
  return [
    ...(bad.length > 0 ? [bad.map((line) => `  ${yellow(plain(line))}`).join('\n')] : []),
    variantTable(result),
    [
      `  → ${bold(result.folder)}  ${dim(`${result.files.length} files`)}`,
      ...(flags.report ?? []).map((file) => `  → ${file}`),
    ].join('\n'),
    nextLines(result, flags),
  ].join('\n\n');
}

function variantTable({ manifest, synthetic }: BundleResult): string {
  const rows = manifest.variants.map((v) => [
    v.name,
    formatBytes(v.bytes),
    v.brotliBytes === null ? '–' : formatBytes(v.brotliBytes),
    v.runtime?.brotliBytes ? formatBytes(v.runtime.brotliBytes) : '–',
    nearness(widestParity(v.parity), synthetic),
    v.accuracy ? formatPercent(v.accuracy.value) : '–',
    v.providers.join(', '),
  ]);
  const head = ['variant', 'size', 'wire (br)', 'runtime', 'agreement', 'accuracy', 'for'];
  const known = rows.some((r) => r[5] !== '–');
  const kept = (row: readonly string[]) => (known ? row : row.filter((_, i) => i !== 5));
  return table(kept(head), rows.map(kept));
}

/** Same top-1, in percent; SQNR where there are no classes. */
function nearness(parity: ReturnType<typeof widestParity>, synthetic: boolean): string {
  if (!parity) return '–';
  const { top1Agreement, sqnrDb } = parity;
  if (top1Agreement !== null && !synthetic) return formatPercent(top1Agreement);
  return sqnrDb !== null ? formatDb(sqnrDb) : 'equal';
}

function nextLines(result: BundleResult, flags: Flags): string {
  const folder = shellWord(result.folder);
  const lines = [
    `  Next: import { loadModel } from 'edgepress-runtime'`,
    `        const model = await loadModel('${flags.url ?? `/${path.basename(path.resolve(result.folder))}/`}')`,
    `        compress profile ${folder}   (latency in real browsers)`,
  ];
  if (!flags.data)
    lines.push('        --data <folder or .npz> for calibrated int8 and agreement on real inputs');
  return lines.join('\n');
}

/** Models are cut into pieces; what is left is onnxruntime's own build for WebGPU, in the demo. */
const tooLarge = ({ path: file, bytes }: BundleResult['large'][number]) =>
  `${file} is ${formatBytes(bytes)}: hosts with a limit of 25 MiB a file (Cloudflare Pages) refuse it${
    file.startsWith('demo/') ? '; publish without demo/, or use --no-demo' : '; --shard 20 cuts it'
  }`;

const shellWord = (text: string) =>
  /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
