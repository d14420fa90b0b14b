/** Budgets and what was measured, in a terminal. */
import type { CheckReport } from '../judge/report/check-report.ts';
import {
  allowedText,
  headlineOf,
  measuredText,
  nameOf,
  placesOf,
  sentenceOf,
  statusText,
} from '../judge/report/check-words.ts';
import { type Cell, labelled, renderBadNews, renderTable } from '../judge/report/terminal.ts';

/** What is not kept first, in red; then all budgets, and what they were measured on. */
export function describeCheck(report: CheckReport, written: readonly string[] = []): string {
  const options = {
    colour: Boolean(process.stdout.isTTY) && !process.env['NO_COLOR'],
    width: Math.min(process.stdout.columns || 80, 100),
  };
  const { rows, against, guessed, kept } = report;
  const bad = rows.filter(({ status }) => status !== 'kept');
  const warnings = [
    ...bad.map((row) => ({ level: 'bad' as const, text: sentenceOf(row, against) })),
    ...rows.flatMap(({ doubt }) => (doubt === undefined ? [] : [{ level: 'warn' as const, text: doubt }])),
    ...(guessed.length > 0 ? [{ level: 'warn' as const, text: `Guessed: ${guessed.join('; ')}.` }] : []),
  ];
  const news = { level: kept ? ('good' as const) : ('bad' as const), headline: headlineOf(report), warnings };
  const head: Cell[] = ['', '', 'allowed', 'measured'].map((text) => ({ text, tone: 'dim' }));
  const body = rows.map((row): Cell[] => [
    { text: statusText(row), tone: row.status !== 'kept' ? 'bad' : row.doubt ? 'warn' : 'good' },
    { text: nameOf(row) },
    { text: allowedText(row), tone: 'dim' },
    { text: measuredText(row) },
  ]);
  const places = placesOf(report).map(({ on, names }) => labelled(names, on, options));
  return [
    renderBadNews(news, options),
    `  ${news.headline}\n\n`,
    renderTable([head, ...body], options),
    ...(places.length > 0 ? ['\n', ...places] : []),
    ...(written.length > 0 ? ['\n', ...written.map((file) => `  → ${file}\n`)] : []),
  ]
    .join('')
    .trimEnd();
}
