/** The page of a sweep: what came of it in a sentence, the front of each model, every job, and what failed. */
import { formatBytes, formatInteger } from '../../../support/units.ts';
import type { SweepReport, SweepRow } from '../sweep-report.ts';
import {
  bestOf,
  durationText,
  groupsOf,
  latencyText,
  lostText,
  onText,
  qualityText,
  rowText,
  sizeText,
  sweepHeadline,
  sweepNews,
  timeText,
  valueText,
} from '../sweep-words.ts';
import { type Draw, figure } from './chart.ts';
import { type ChartedVariant, variantsChart } from './chart-variants.ts';
import { html, type Markup, unbroken } from './markup.ts';
import { copyable, downloadButton, section } from './sections.ts';
import { type Column, table } from './table.ts';
import { type BigNumber, card } from './top.ts';

export function sweepTop(report: SweepReport): Markup {
  const { complete, counts } = report;
  const badge = !complete
    ? html`<p class="badge warn">Running</p>`
    : html`<p class="badge ${counts.failed > 0 ? 'bad' : 'good'}">${counts.failed > 0 ? 'Some jobs failed' : 'Done'}</p>`;
  const news = sweepNews(report).map(
    ({
      level,
      text,
    }) => html`<li class="${level}"><strong>${level === 'bad' ? 'Problem' : 'Note'}:</strong> ${unbroken(text)}</li>
`,
  );
  return html`<header>
<p class="where"><span class="brand">edgepress</span> <span class="name">${report.sweep}</span> <span>${report.where}</span></p>
${badge}
<h1>${unbroken(sweepHeadline(report))}</h1>
${news.length > 0 ? html`<ul class="news">${news}</ul>` : null}
</header>
<section aria-label="What came of it"><dl class="numbers">${bigNumbers(report).map(card)}</dl></section>`;
}

function bigNumbers(report: SweepReport): BigNumber[] {
  const { counts, time, jobs, complete } = report;
  const plain = { before: null, tone: 'plain' as const, share: null, note: '' };
  const [best = null] = groupsOf(report).map(({ rows }) => bestOf(rows));
  const left = counts.jobs - counts.done - counts.failed;
  return [
    { ...plain, label: 'Jobs done', after: formatInteger(counts.done), note: `of ${counts.jobs}` },
    { ...plain, label: 'Found from before', after: formatInteger(counts.found) },
    {
      ...plain,
      label: 'Failed',
      after: formatInteger(counts.failed),
      tone: counts.failed > 0 ? 'bad' : 'plain',
    },
    {
      ...plain,
      label: complete ? 'Took' : 'Since the start',
      after: durationText(time.tookMs),
      note: time.estimatedMs === null ? '' : `${durationText(time.estimatedMs)} estimated`,
      detail: complete ? '' : `${left} jobs to go`,
    },
    best === null
      ? { ...plain, label: 'On the front', after: formatInteger(jobs.filter((row) => row.front).length) }
      : {
          ...plain,
          label: `Smallest sound ${best.model}`,
          after: sizeText(best.metrics!),
          before: formatBytes(best.metrics!.originalBytes),
          note: rowText(best, report),
          detail: qualityText(best.metrics!),
          share: best.metrics!.sizeBytes / best.metrics!.originalBytes,
        },
  ];
}

export function sweepSections(report: SweepReport, draw: Draw): Markup {
  const failed = report.jobs.filter(
    ({ status, latency }) => status === 'failed' || latency.some((l) => l.error),
  );
  return html`${groupsOf(report).map((group, i) => groupSection(group, report, { draw, index: i }))}
${failed.length > 0 ? failures(failed, report) : null}
${section('How it was made', 'environment', copyable('Environment', facts(report)))}
${section('Raw numbers', 'raw', downloadButton)}`;
}

interface Drawn {
  readonly draw: Draw;
  readonly index: number;
}

function groupSection(
  { title, rows }: { readonly title: string; readonly rows: readonly SweepRow[] },
  report: SweepReport,
  { draw, index }: Drawn,
): Markup {
  const variants = rows.flatMap((row) => chartedVariant(row, report));
  const words = { current: 'on the front', others: 'another is smaller or better', mark: ' (front)' };
  const chart = variantsChart({ variants, evaluation: null }, words);
  const id = `model-${index + 1}`;
  const drawn = chart && figure({ ...chart, id: `${id}-chart` }, draw);
  return section(
    title,
    id,
    html`${drawn}${table(`All jobs of ${title}`, sorted(rows), columns(report, rows), 'fold')}`,
  );
}

/** By what is lost, where that is known: rows may have been compared on other samples. */
function chartedVariant(row: SweepRow, report: SweepReport): ChartedVariant[] {
  const { metrics, front } = row;
  if (!metrics?.quality) return [];
  const { name, unit, value, interval } = metrics.quality;
  const { sizeBytes, brotliBytes, pointsLost } = metrics;
  const base = { name: rowText(row, report), sizeBytes, brotliBytes, current: front };
  if (pointsLost !== null) return [{ ...base, metric: `points lost of ${name}`, value: pointsLost }];
  const metric = unit === 'dB' ? `${name} (dB)` : name;
  return [{ ...base, metric, value, ...(interval ? { interval } : {}) }];
}

/** The front first, then by size. */
const sorted = (rows: readonly SweepRow[]): SweepRow[] =>
  [...rows].sort(
    (a, b) =>
      Number(b.front) - Number(a.front) ||
      (a.metrics?.sizeBytes ?? Number.POSITIVE_INFINITY) - (b.metrics?.sizeBytes ?? Number.POSITIVE_INFINITY),
  );

function columns(report: SweepReport, rows: readonly SweepRow[]): Column<SweepRow>[] {
  const isTimed = rows.some(({ latency }) => latency.length > 0);
  return [
    {
      title: 'Job',
      cell: (row) => {
        const page = row.files.find((file) => file.endsWith('.html'));
        const name = rowText(row, report);
        return html`${row.front ? html`<span class="badge good">front</span> ` : null}${page ? html`<a href="${encodeURI(page)}">${name}</a>` : name}`;
      },
    },
    { title: 'Size', cell: ({ metrics }) => (metrics ? sizeText(metrics) : '–'), numeric: true },
    {
      title: 'Quality',
      cell: (row) =>
        row.metrics
          ? html`<span class="${row.metrics.verdict.level}">${qualityText(row.metrics)}</span>`
          : stateText(row),
    },
    {
      title: 'Original',
      cell: ({ metrics }) =>
        metrics?.quality?.original == null ? '–' : valueText(metrics.quality.unit, metrics.quality.original),
      numeric: true,
    },
    { title: 'Points lost', cell: ({ metrics }) => (metrics ? lostText(metrics) : '–'), numeric: true },
    { title: 'Compared on', cell: ({ metrics }) => (metrics ? onText(metrics) : '–') },
    ...(isTimed ? [{ title: 'Latency', cell: latencyCell }] : []),
    { title: 'Key', cell: ({ key }) => html`<span class="name">${key.slice(0, 12)}</span>` },
  ];
}

const latencyCell = ({ latency }: SweepRow): string =>
  latency
    .map(({ device, measured, error, status }) =>
      measured
        ? `${device} ${latencyText(measured)}`
        : error
          ? `${device}: ${error.code}`
          : `${device}: ${status}`,
    )
    .join('; ') || '–';

const stateText = ({ status, error }: SweepRow): string => error?.code ?? status;

const failures = (rows: readonly SweepRow[], report: SweepReport): Markup =>
  section(
    'What failed',
    'failed',
    table(
      'Jobs that failed, with the reason',
      rows.flatMap((row) =>
        [row.error, ...row.latency.map((one) => one.error)].flatMap((error) =>
          error ? [{ row, error }] : [],
        ),
      ),
      [
        { title: 'Job', cell: ({ row }) => `${row.model}, ${row.target}: ${rowText(row, report)}` },
        { title: 'Code', cell: ({ error }) => html`<span class="name">${error.code}</span>` },
        { title: 'Why', cell: ({ error }) => [error.message, error.hint ?? ''].join(' ') },
      ],
      'fold',
    ),
  );

const facts = (report: SweepReport): string =>
  [
    `Sweep: ${report.sweep}`,
    `Where: ${report.where}`,
    `Made: ${report.createdAt} by ${report.tool.name} ${report.tool.version}`,
    `Time: ${timeText(report)}`,
    'A job on the front is beaten by no other job of the same model and target in size, quality and, where all were timed, latency at once.',
  ].join('\n');
