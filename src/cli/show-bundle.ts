/** A bundle that was made, in a terminal and as a report. */
import path from 'node:path';
import pc from 'picocolors';
import type { BundleResult } from '../jobs/bundle.ts';
import { widestParity } from '../jobs/bundle-variant.ts';
import type { BundleRequest } from '../jobs/requests/bundle.ts';
import { bundleReport } from '../judge/report/build-bundle-report.ts';
import { agreementText } from '../judge/report/bundle-summary.ts';
import { strippedText } from '../judge/report/stripped-text.ts';
import { plain } from '../judge/report/terminal.ts';
import { wrapText } from '../judge/report/text-table.ts';
import { formatBytes, formatDb, formatPercent } from '../support/units.ts';
import { commandLine } from './run-job.ts';
import { table } from './table.ts';

type Flags = Pick<BundleRequest, 'url' | 'data'> & { readonly report?: readonly string[] | undefined };

export function reportOf({ manifest, refused, notes, guessed, large, stripped, task }: BundleResult) {
  const told = [
    ...notes.map(({ name, note }) => `${name} ${note}.`),
    ...(guessed.length > 0 ? [`Guessed: ${guessed.join('; ')}.`] : []),
    ...large.map((file) => `${tooLarge(file)}.`),
  ];
  return bundleReport({
    command: commandLine(),
    manifest,
    refused: [...refused],
    notes: told,
    stripped,
    task,
  });
}

export function describeBundle(result: BundleResult, flags: Flags): string {
  const colour = Boolean(process.stdout.isTTY) && !process.env['NO_COLOR'];
  const { yellow, red, dim, bold } = pc.createColors(colour);
  const { verdict } = reportOf(result);
  const news = verdict.warnings.map(({ level, text }) => (level === 'bad' ? red : yellow)(paragraph(text)));
  return [
    bold(paragraph(verdict.headline)),
    ...(news.length > 0 ? [news.join('\n')] : []),
    variantTable(result),
    [
      ...(result.stripped ? [`  taken out: ${strippedText(result.stripped)}`] : []),
      `  → ${bold(result.folder)}  ${dim(`${result.files.length} files`)}`,
      ...(flags.report ?? []).map((file) => `  → ${file}`),
    ].join('\n'),
    nextLines(result, flags),
  ].join('\n\n');
}

/** Indented, in lines that fit the terminal. */
const paragraph = (text: string) =>
  wrapText(plain(text), (process.stdout.columns ?? 80) - 2)
    .map((line) => `  ${line}`)
    .join('\n');

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

/** What stands for the task; SQNR where nothing does. */
function nearness(parity: ReturnType<typeof widestParity>, synthetic: boolean): string {
  if (!parity) return '–';
  const { top1Agreement, sqnrDb, measure } = parity;
  if ((measure || top1Agreement !== null) && !synthetic) return agreementText(parity);
  return sqnrDb !== null ? formatDb(sqnrDb) : 'equal';
}

function nextLines(result: BundleResult, flags: Flags): string {
  const folder = shellWord(result.folder);
  const url = flags.url ?? `/${path.basename(path.resolve(result.folder))}/`;
  const base = url.endsWith('/') ? url : `${url}/`;
  const others = (['litert', 'tfjs'] as const).filter((format) =>
    result.manifest.variants.some((v) => v.format === format),
  );
  const [here, absent] = [true, false].map((wanted) =>
    others.filter((name) => wanted === result.files.some((f) => f.path.startsWith(`demo/${name}/`))),
  );
  const options = here!.map((name) => `${name}: '${base}demo/${name}/'`).join(', ');
  const lines = [
    `  Next: import { loadModel } from 'edgepress-runtime'`,
    `        const model = await loadModel('${url}'${options && `, { ${options} }`})`,
    ...absent!.map((name) => `        ${setUp[name]}`),
    `        compress profile ${folder}   (latency in real browsers)`,
  ];
  if (!flags.data)
    lines.push('        --data <folder or .npz> for calibrated int8 and agreement on real inputs');
  return lines.join('\n');
}

/** What an app has to do where the bundle brings no files of the runtime. */
const setUp = {
  litert: 'npm install @litertjs/core, and loadModel(…, { litertWasmPaths }): where its wasm/ is served',
  tfjs: 'npm install @tensorflow/tfjs-core @tensorflow/tfjs-converter @tensorflow/tfjs-backend-wasm',
};

/** Models are cut into pieces; what is left is onnxruntime's own build for WebGPU, in the demo. */
const tooLarge = ({ path: file, bytes }: BundleResult['large'][number]) =>
  `${file} is ${formatBytes(bytes)}: hosts with a limit of 25 MiB a file (Cloudflare Pages) refuse it${
    file.startsWith('demo/') ? '; publish without demo/, or use --no-demo' : '; --shard 20 cuts it'
  }`;

const shellWord = (text: string) =>
  /^[\w./@:+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
