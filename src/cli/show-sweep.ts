/** What a sweep found, in a terminal: bad news, the front of each model, what failed. */
import type { SweepReport, SweepRow } from '../judge/report/sweep-report.ts';
import {
  groupsOf,
  latencyText,
  lostText,
  qualityText,
  rowText,
  sizeText,
  sweepHeadline,
  sweepNews,
  timeText,
} from '../judge/report/sweep-words.ts';
import { type Cell, renderBadNews, renderTable, type TerminalOptions } from '../judge/report/terminal.ts';

/** @param folder  that everything was written to */
export function describeSweep(report: SweepReport, folder: string): string {
  const options = {
    colour: Boolean(process.stdout.isTTY) && !process.env['NO_COLOR'],
    width: Math.min(process.stdout.columns || 80, 100),
  };
  const verdict = { level: 'good' as const, headline: sweepHeadline(report), warnings: sweepNews(report) };
  return [
    renderBadNews(verdict, options),
    `  ${verdict.headline}\n  ${timeText(report)}\n`,
    ...groupsOf(report).map(({ title, rows }) => `\n${groupTable(title, rows, report, options)}`),
    ...failedLines(report, options),
    `\n  → ${folder}/sweep.html\n  → ${folder}/sweep.json\n`,
  ]
    .join('')
    .trimEnd();
}

/** Rows without a quality that a terminal shows: nothing says which of them is better. */
const mostUnjudged = 8;

/** Of a model only the front, and what nothing was compared of: everything else stands on the page. */
function groupTable(
  title: string,
  rows: readonly SweepRow[],
  report: SweepReport,
  options: TerminalOptions,
): string {
  const bySize = (some: readonly SweepRow[]) =>
    [...some].sort((a, b) => a.metrics!.sizeBytes - b.metrics!.sizeBytes);
  const done = rows.filter(({ status, metrics }) => status === 'done' && metrics !== null);
  const front = bySize(done.filter((row) => row.front));
  const unjudged = bySize(done.filter(({ metrics }) => metrics!.quality === null));
  const isTimed = front.some(({ latency }) => latency.some(({ measured }) => measured));
  const beaten = done.length - front.length - unjudged.length;
  const head: Cell[] = [title, 'size', 'quality', 'lost', ...(isTimed ? ['latency'] : [])].map((text, i) => ({
    text,
    tone: i === 0 ? 'bold' : 'dim',
  }));
  const body = [...front, ...unjudged.slice(0, mostUnjudged)].map((row): Cell[] => [
    { text: rowText(row, report) },
    { text: sizeText(row.metrics!) },
    { text: qualityText(row.metrics!), ...toneOf(row) },
    { text: lostText(row.metrics!), ...toneOf(row) },
    ...(isTimed
      ? [{ text: row.latency.map(({ measured }) => (measured ? latencyText(measured) : '–')).join('; ') }]
      : []),
  ]);
  const rest = unjudged.length - mostUnjudged;
  const more = [
    ...(beaten > 0 ? [`and ${beaten} that these beat`] : []),
    ...(rest > 0 ? [`and ${rest} that nothing was compared of`] : []),
  ].map((text): Cell[] => [{ text, tone: 'dim' }]);
  return renderTable([head, ...body, ...more], options);
}

const toneOf = ({ metrics }: SweepRow): Pick<Cell, 'tone'> =>
  metrics!.verdict.level === 'good' ? {} : { tone: metrics!.verdict.level };

const mostFailures = 8;

function failedLines(report: SweepReport, options: TerminalOptions): string[] {
  const failed = report.jobs.filter(({ error }) => error);
  if (failed.length === 0) return [];
  const rows = failed
    .slice(0, mostFailures)
    .map((row): Cell[] => [
      { text: row.error!.code, tone: 'bad' },
      { text: `${row.model} for ${row.target}: ${rowText(row, report)}. ${row.error!.message}` },
    ]);
  const more = failed.length - rows.length;
  return ['\n', renderTable(rows, options), ...(more > 0 ? [`  and ${more} more, in sweep.json\n`] : [])];
}

/** @param counts  null where nothing had begun */
export function describeStopped(counts: SweepReport['counts'] | null): string {
  if (counts === null) return 'Stopped. Nothing was done.';
  return `Stopped. ${counts.done} of ${counts.jobs} jobs are done and kept: the same command goes on from there.`;
}
