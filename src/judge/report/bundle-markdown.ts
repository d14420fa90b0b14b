/** A bundle's report as Markdown for a pull request. */
import { formatBytes, formatDecimal, formatMs } from '../../support/units.ts';
import {
  type BundleReport,
  fastestOf,
  loadMs,
  type MeasuredDevice,
  type PlacedRun,
  placeOf,
} from './bundle-report.ts';
import {
  againstText,
  baseOf,
  batchesOf,
  deviceFacts,
  deviceTitle,
  missingOf,
  orNone,
  qualityText,
} from './bundle-summary.ts';
import { dataText } from './data-text.ts';
import { fence, folded, ownMark, table, text } from './markdown-text.ts';
import { taskText } from './measure-words.ts';
import { strippedText } from './stripped-text.ts';

/** GitHub's flavour; names are escaped as in `renderMarkdown`. */
export function renderBundleMarkdown(report: BundleReport): string {
  const { level, headline, warnings } = report.verdict;
  const marks = { good: '✅', warn: '⚠️', bad: '❌' } as const;
  const blocks = [
    `### ${marks[level]} ${text(headline)}`,
    warnings.map((n) => `- ${marks[n.level]} ${text(n.text)}`).join('\n'),
    variants(report),
    ...report.devices.map(device),
    folded('Environment', fence(environment(report).join('\n'), 'text')),
    ownMark,
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function variants({ variants, data }: BundleReport): string {
  const rows = variants.map((v) => [
    text(v.name),
    formatBytes(v.bytes),
    orNone(v.brotliBytes, formatBytes),
    orNone(v.runtime?.brotliBytes, formatBytes),
    text(qualityText(v, data)),
    text([...v.providers, ...v.requires.filter((r) => !v.providers.includes(r as 'webgpu'))].join(', ')),
  ]);
  const head = ['variant', 'file', 'brotli', 'runtime', 'quality', 'for'];
  return table(head, ['left', 'right', 'right', 'right', 'left', 'left'], rows);
}

function device(measured: MeasuredDevice): string {
  const batches = batchesOf(measured);
  const head = ['variant', 'on', 'load', 'first run', 'median', 'p90', 'memory', 'runs'];
  const timed = measured.runs.filter((r) => r.measured?.medianMs != null);
  const fastest = timed.length > 1 ? fastestOf(measured) : [];
  const base = baseOf(measured);
  const rows = measured.runs
    .filter((run) => run.measured)
    .map((run) => [
      ...cells(run, fastest.includes(run)),
      ...(base === null ? [] : [text(againstText(run))]),
      ...batches.map((b) => orNone(run.measured?.throughput[b], (n) => `${formatDecimal(n, 1)}/s`)),
    ]);
  const heads = [
    ...head,
    ...(base === null ? [] : [`than ${text(base)}`]),
    ...batches.map((b) => `batch ${b}`),
  ];
  const align = heads.map((_, i) => (i < 2 ? ('left' as const) : ('right' as const)));
  const facts = [...(measured.emulated ? ['emulated'] : []), ...deviceFacts(measured)].join(' · ');
  const missing = missingOf(measured).map(({ who, why }) => `- ${text(who)}: not measured, ${text(why)}`);
  return [
    `**${text(deviceTitle(measured))}**  \n${text(facts)}`,
    ...(rows.length > 0 ? [table(heads, align, rows)] : []),
    ...(missing.length > 0 ? [missing.join('\n')] : []),
  ].join('\n\n');
}

function cells(run: PlacedRun, isFastest: boolean): string[] {
  const { measured: m, variant } = run;
  const place = text(placeOf(run));
  if (!m) return [];
  const median = m.medianMs === null ? 'not measured' : formatMs(m.medianMs);
  return [
    text(variant),
    place,
    orNone(loadMs(run), formatMs),
    orNone(m.firstRunMs, formatMs),
    isFastest ? `**${median}**` : median,
    orNone(m.p90Ms, formatMs),
    orNone(m.peakBytes, formatBytes),
    `${m.repetitions} after ${m.warmup}`,
  ];
}

export function environment({
  command,
  createdAt,
  tool,
  source,
  task,
  data,
  stripped,
}: BundleReport): string[] {
  return [
    `command: ${command}`,
    `made: ${createdAt} by ${tool.name} ${tool.version}`,
    ...(source ? [`source: ${source.file}, ${formatBytes(source.bytes)}, sha256 ${source.sha256}`] : []),
    ...(task ? [`task: ${taskText(task)}`] : []),
    data === null ? 'data: not known' : `data: ${dataText(data)}`,
    ...(stripped ? [`taken out: ${strippedText(stripped)}`] : []),
  ];
}
