/** The page of a bundle: what it holds, size against quality, and a section for each device that measured it. */
import { wilsonInterval } from '../../../support/statistics.ts';
import { formatBytes, formatDb, formatDecimal, formatMs, formatPercent } from '../../../support/units.ts';
import {
  type BundleReport,
  fastestOf,
  leadDevice,
  loadMs,
  type MeasuredDevice,
  onSoftware,
  type PlacedRun,
  placeOf,
  qualityOf,
  type ReportedVariant,
  widestParity,
} from '../bundle-report.ts';
import {
  againstText,
  agreementText,
  baseOf,
  batchesOf,
  deviceFacts,
  deviceTitle,
  floatOf,
  formatQuality,
  missingOf,
  orNone,
  smallest,
  wireBytes,
} from '../bundle-summary.ts';
import { dataText } from '../data-text.ts';
import { taskText, titleOfMeasure } from '../measure-words.ts';
import { strippedText } from '../stripped-text.ts';
import { speedNote, timesSmaller } from '../summary.ts';
import { type Draw, figure } from './chart.ts';
import { variantsChart } from './chart-variants.ts';
import { html, type Markup, unbroken } from './markup.ts';
import { copyable, downloadButton, section } from './sections.ts';
import { type Column, table } from './table.ts';
import { type BigNumber, card, levels } from './top.ts';

export function bundleTop(report: BundleReport): Markup {
  const { level, headline, warnings } = report.verdict;
  const items = warnings.map(
    ({
      level,
      text,
    }) => html`<li class="${level}"><strong>${level === 'bad' ? 'Problem' : 'Note'}:</strong> ${unbroken(text)}</li>
`,
  );
  return html`<header>
<p class="where"><span class="brand">edgepress</span> <span class="name">${report.name}</span>${report.source ? html` <span>from</span> <span class="name">${report.source.file}</span>` : null}</p>
<p class="badge ${level}">${levels[level]}</p>
<h1>${unbroken(headline)}</h1>
${items.length > 0 ? html`<ul class="news">${items}</ul>` : null}
</header>
<section aria-label="Five numbers"><dl class="numbers">${bigNumbers(report).map(card)}</dl></section>`;
}

function bigNumbers(report: BundleReport): BigNumber[] {
  const best = smallest(report);
  const device = leadDevice(report.devices);
  const fast = device && fastestOf(device)[0]!;
  return [smallestDownload(report, best), quality(report, best), ...timing(device, fast), memory(fast)];
}

const unmeasured = (label: string): BigNumber => ({
  label,
  after: 'not measured',
  before: null,
  note: '',
  tone: 'plain',
  share: null,
});

function smallestDownload(report: BundleReport, best: ReportedVariant | null): BigNumber {
  const label = 'Smallest download';
  if (!best) return unmeasured(label);
  const float = floatOf(report);
  const before = float && float !== best ? wireBytes(float) : null;
  const runtime = best.runtime?.brotliBytes;
  return {
    label,
    after: formatBytes(wireBytes(best)),
    before: before === null ? null : `${formatBytes(before)} in float`,
    note: before === null ? '' : timesSmaller(before, wireBytes(best)),
    detail: `${best.name}${runtime ? `, plus ${formatBytes(runtime)} of runtime` : ''}`,
    tone: before !== null && before > wireBytes(best) ? 'good' : 'plain',
    share: before === null ? null : wireBytes(best) / before,
  };
}

function quality(report: BundleReport, best: ReportedVariant | null): BigNumber {
  const known = best && qualityOf(best, report.data);
  if (!known) return unmeasured('Quality');
  const { metric, original, samples, unit } = known;
  return {
    label: titleOfMeasure(metric),
    after: formatQuality(known),
    before: original === null ? null : formatQuality({ value: original, unit }),
    note: `${best.name}, ${samples} samples`,
    tone: 'plain',
    share: null,
  };
}

function timing(device: MeasuredDevice | null, fast: PlacedRun | null): BigNumber[] {
  if (!device || !fast?.measured) return [unmeasured('Latency'), unmeasured('Load and first run')];
  const where = `${fast.variant} on ${placeOf(fast)}, ${device.host}${device.emulated ? ', emulated' : ''}`;
  const load = loadMs(fast);
  const first = load === null || fast.measured.firstRunMs === null ? null : load + fast.measured.firstRunMs;
  const { medianMs, against } = fast.measured;
  const base = device.runs.find((r) => r.variant === against?.variant && placeOf(r) === placeOf(fast));
  const before = against ? (base?.measured?.medianMs ?? null) : null;
  return [
    {
      ...unmeasured('Latency, fastest'),
      after: formatMs(medianMs!),
      before: before === null ? null : `${formatMs(before)} in ${against!.variant}`,
      note: before === null ? '' : speedNote(against!, { before, after: medianMs! }),
      detail: where,
    },
    first === null
      ? unmeasured('Load and first run')
      : { ...unmeasured('Load and first run'), after: formatMs(first), note: where },
  ];
}

function memory(fast: PlacedRun | null): BigNumber {
  const peak = fast?.measured?.peakBytes ?? null;
  return peak === null
    ? unmeasured('Memory peak')
    : {
        ...unmeasured('Memory peak'),
        after: formatBytes(peak),
        note: `${fast!.variant} on ${placeOf(fast!)}`,
      };
}

const download = html`<p>All of this is in the page as JSON.</p>
${downloadButton}`;

export function bundleSections(report: BundleReport, draw: Draw): Markup {
  return html`${[
    section('Variants', 'variants-table', variantTable(report)),
    sizeAgainstQuality(report, draw),
    ...report.devices.map(deviceSection),
    environment(report),
    section('Raw numbers', 'raw', download),
  ]}`;
}

function variantTable({ variants, data }: BundleReport): Markup {
  const accuracy = variants.find((v) => v.accuracy)?.accuracy?.metric;
  const named = variants.map((v) => widestParity(v)?.measure?.name).find((name) => name !== undefined);
  return table<ReportedVariant>(
    'What the bundle holds',
    variants,
    [
      { title: 'Variant', cell: (v) => html`<span class="name">${v.name}</span>` },
      { title: 'File', cell: (v) => formatBytes(v.bytes), numeric: true },
      { title: 'Brotli', cell: (v) => orNone(v.brotliBytes, formatBytes), numeric: true },
      { title: 'Runtime', cell: (v) => orNone(v.runtime?.brotliBytes, formatBytes), numeric: true },
      ...(accuracy
        ? [
            {
              title: titleOfMeasure(accuracy),
              cell: (v: ReportedVariant) => orNone(v.accuracy?.value, formatPercent),
              numeric: true,
            },
          ]
        : []),
      ...(data?.synthetic
        ? []
        : [
            {
              title: named ? titleOfMeasure(named) : 'Same top-1',
              cell: (v: ReportedVariant) => agreementText(widestParity(v)),
              numeric: true,
            },
          ]),
      { title: 'SQNR', cell: distance, numeric: true },
      { title: 'Needs', cell: (v) => v.requires.join(', ') },
      { title: 'Runs on', cell: (v) => v.providers.join(', ') },
    ],
    'fold',
  );
}

function distance(variant: ReportedVariant): string {
  const widest = widestParity(variant);
  if (!widest) return 'not measured';
  return widest.sqnrDb === null ? 'equal' : formatDb(widest.sqnrDb);
}

function sizeAgainstQuality(report: BundleReport, draw: Draw): Markup | null {
  const rows = report.variants.map((v) => {
    const known = qualityOf(v, report.data);
    return {
      name: v.name,
      sizeBytes: v.bytes,
      brotliBytes: v.brotliBytes,
      metric: known && (known.unit === 'dB' ? `${known.metric} (dB)` : known.metric),
      value: known?.value ?? null,
      current: v.precision !== 'float32',
      ...(known?.isShare
        ? { interval: wilsonInterval(Math.round(known.value * known.samples), known.samples) }
        : {}),
    };
  });
  const words = { current: 'made smaller', others: 'float', mark: '' };
  const chart = variantsChart({ variants: rows, evaluation: null }, words);
  return chart && section('Size against quality', chart.id, figure(chart, draw));
}

function deviceSection(device: MeasuredDevice, index: number): Markup {
  const id = `device-${index + 1}`;
  const fastest = fastestOf(device);
  const base = baseOf(device);
  // Beside what the CPU takes in a GPU's place nothing else could be seen.
  const drawn = device.runs.filter((run) => !onSoftware(run));
  const slowest = Math.max(...drawn.map((run) => run.measured?.medianMs ?? 0));
  const bar = (run: PlacedRun, ms: number) =>
    html`<span class="speed${fastest.includes(run) ? ' fastest' : ''}" style="width:${((100 * ms) / slowest).toFixed(1)}%" aria-hidden="true"></span>`;
  const time = (pick: (run: PlacedRun) => number | null | undefined) => (run: PlacedRun) =>
    orNone(pick(run), formatMs);
  const columns: Column<PlacedRun>[] = [
    { title: 'Variant', cell: (run) => html`<span class="name">${run.variant}</span>` },
    { title: 'On', cell: placeOf },
    {
      title: 'Median',
      cell: (run) => {
        const ms = run.measured?.medianMs ?? null;
        return ms === null
          ? 'not measured'
          : html`${formatMs(ms)}${drawn.includes(run) ? bar(run, ms) : null}`;
      },
    },
    ...(base === null ? [] : [{ title: `Than ${base}`, cell: againstText }]),
    { title: 'p90', cell: time((run) => run.measured?.p90Ms), numeric: true },
    { title: 'Load', cell: time(loadMs), numeric: true },
    { title: 'First run', cell: time((run) => run.measured?.firstRunMs), numeric: true },
    {
      title: 'Memory',
      cell: (run) => orNone(run.measured?.peakBytes, formatBytes),
      numeric: true,
    },
    ...batchesOf(device).map((batch) => ({
      title: `Batch ${batch}`,
      cell: (run: PlacedRun) => orNone(run.measured?.throughput[batch], (n) => `${formatDecimal(n, 1)}/s`),
      numeric: true,
    })),
    {
      title: 'Runs',
      cell: (run) => (run.measured ? `${run.measured.repetitions} after ${run.measured.warmup}` : ''),
      numeric: true,
    },
  ];
  const measured = device.runs.filter((run) => run.measured);
  const missing = missingOf(device).map(
    ({ who, why }) => html`<li><span class="name">${who}</span>: not measured, ${why}</li>
`,
  );
  const badge = device.emulated ? html`<span class="badge warn">emulated</span>` : null;
  const facts = deviceFacts(device).join(' · ');
  return html`<section aria-labelledby="${id}-title"><div class="device-head"><h2 id="${id}-title">${deviceTitle(device)}</h2>${badge}<p class="facts">${unbroken(facts)}</p></div>
${measured.length > 0 ? table(`Speed on ${deviceTitle(device)}`, measured, columns, 'fold') : null}
${missing.length > 0 ? html`<ul class="missing">${missing}</ul>` : null}</section>
`;
}

function environment({ command, createdAt, tool, source, task, data, stripped }: BundleReport): Markup {
  const facts = [
    `Command: ${command}`,
    `Made: ${createdAt} by ${tool.name} ${tool.version}`,
    ...(source ? [`Source: ${source.file}, ${formatBytes(source.bytes)}, sha256 ${source.sha256}`] : []),
    ...(task ? [`Task: ${taskText(task)}`] : []),
    data === null ? 'Data: not known' : `Data: ${dataText(data)}`,
    ...(stripped ? [`Taken out: ${strippedText(stripped)}`] : []),
    'Load is download, compile and create; first run comes after it. Batch columns are samples a second. Inputs are made up.',
  ];
  return section('How it was made', 'environment', copyable('Environment', facts.join('\n')));
}
