/** The top of the page: verdict in one sentence, bad news, five big numbers. */

import { compareLatency } from '../../../ship/profile/compare-runs.ts';
import { formatBytes, formatDb, formatMs, formatTimes } from '../../../support/units.ts';
import type { Measure } from '../../task/measure.ts';
import { latencyPairs } from '../latency.ts';
import { formatMeasure, isShareOfAnswers, mainMeasure, titleOfMeasure, worstSqnr } from '../measure-words.ts';
import { formatMetric } from '../metrics.ts';
import type { Report } from '../report.ts';
import { noun } from '../sample-words.ts';
import { bigPair, brotliNote, metricNote, speedNote, type Tone, timesSmaller } from '../summary.ts';
import { agreementLevel, isLoss, isSlower, mainMetric } from '../verdict.ts';
import { html, type Markup, unbroken } from './markup.ts';

export interface BigNumber {
  readonly label: string;
  readonly after: string;
  /** null where there is nothing to compare with. */
  readonly before: string | null;
  /** What it means, in the tone. */
  readonly note: string;
  /** How it was measured, or what comes with it. */
  readonly detail?: string;
  readonly tone: Tone;
  /** After as a share of before, for the bar; null without a bar. */
  readonly share: number | null;
}

export const levels = { good: 'No bad news', warn: 'Read the notes', bad: 'Bad news' } as const;

export function top(report: Report): Markup {
  const { verdict } = report;
  const news = verdict.warnings.map(
    ({
      level,
      text,
    }) => html`<li class="${level}"><strong>${level === 'bad' ? 'Problem' : 'Note'}:</strong> ${unbroken(text)}</li>
`,
  );
  const numbers = [fileSize(report), transfer(report), quality(report), speed(report), memory(report)];
  return html`<header>
<p class="where"><span class="brand">edgepress</span> <span class="name">${report.source.file}</span> <span aria-hidden="true">→</span> <span class="name">${report.result.file}</span></p>
<p class="badge ${verdict.level}">${levels[verdict.level]}</p>
<h1>${unbroken(verdict.headline)}</h1>
${news.length > 0 ? html`<ul class="news">${news}</ul>` : null}
</header>
<section aria-label="Five numbers, before and after"><dl class="numbers">${numbers.map(card)}</dl></section>`;
}

export function card({ label, after, before, note, detail, tone, share }: BigNumber): Markup {
  const filled = share === null ? 0 : 100 * (share > 1 ? 1 / share : share);
  const bar =
    share === null
      ? null
      : html`<dd class="bar${share > 1 ? ' over' : ''}" aria-hidden="true"><span style="width:${filled.toFixed(1)}%"></span></dd>`;
  return html`<div class="card"><dt>${label}</dt>
<dd class="big${after === 'not measured' ? ' none' : ''}">${after}</dd>
${bar}
<dd class="was">${before === null ? '' : `before ${before}`}</dd>
<dd class="note ${tone}">${unbroken(note)}</dd>
<dd class="was">${unbroken(detail ?? '')}</dd></div>
`;
}

function fileSize({ source, result }: Report): BigNumber {
  return sized('File', source.sizeBytes, result.sizeBytes, '');
}

function transfer({ source, result, target }: Report): BigNumber {
  const runtime = target.runtimeBrotliBytes;
  if (result.brotliBytes !== null)
    return sized('Download (brotli)', source.brotliBytes, result.brotliBytes, brotliNote(result, runtime));
  const note = runtime === null ? '' : `+ runtime ${formatBytes(runtime)}`;
  return sized('Download (gzip)', source.gzipBytes, result.gzipBytes, note);
}

function memory({ memory }: Report): BigNumber {
  return sized(
    'Memory peak',
    memory?.beforePeakBytes ?? null,
    memory?.afterPeakBytes ?? null,
    memory?.how ?? '',
  );
}

function sized(label: string, before: number | null, after: number | null, detail: string): BigNumber {
  const both = before !== null && after !== null;
  const change = both ? timesSmaller(before, after) : '';
  return {
    label,
    after: after === null ? 'not measured' : formatBytes(after),
    before: before === null ? null : formatBytes(before),
    note: change,
    detail,
    tone: both && after > before * 1.005 ? 'bad' : both && after < before * 0.99 ? 'good' : 'plain',
    share: both ? after / before : null,
  };
}

function quality(report: Report): BigNumber {
  const metric = mainMetric(report);
  const measure = mainMeasure(report);
  if (metric !== null) {
    const sqnr = worstSqnr(report);
    const same =
      measure && measure.id !== 'sqnr'
        ? `${titleOf(measure)} ${formatMeasure(measure)}${sqnr === null ? '' : `, SQNR ${formatDb(sqnr)}`}`
        : '';
    return {
      label: titleOfMeasure(metric.name),
      after: formatMetric(metric, metric.after),
      before: formatMetric(metric, metric.before),
      note: metricNote(metric),
      detail: same,
      tone: isLoss(metric) ? 'bad' : 'plain',
      share: null,
    };
  }
  const base = { before: null, share: null };
  if (measure === null)
    return { ...base, label: 'Quality', after: 'not measured', note: 'no samples', tone: 'warn' };
  const label = titleOf(measure);
  const samples = `${isShareOfAnswers(measure) ? 'of' : 'on'} ${report.compare!.samples} ${report.probe ? noun(report) : 'samples'}`;
  const sqnr = measure.id === 'sqnr' ? null : worstSqnr(report);
  const note = sqnr === null ? samples : `${samples}, SQNR ${formatDb(sqnr)}`;
  return { ...base, label, after: formatMeasure(measure), note, tone: agreementLevel(report) };
}

function titleOf({ id, name }: Measure): string {
  if (id === 'same-top-1') return 'Same answer';
  return id === 'sqnr' ? 'Output SQNR' : titleOfMeasure(name);
}

function speed(report: Report): BigNumber {
  const pair = bigPair(latencyPairs(report));
  const label = pair ? `Latency on ${pair.provider}` : 'Latency';
  if (!pair?.after)
    return { label, after: 'not measured', before: null, note: '', tone: 'plain', share: null };
  const { before, after } = pair;
  const change = before ? compareLatency(before, after) : null;
  return {
    label,
    after: formatMs(after.medianMs),
    before: before ? formatMs(before.medianMs) : null,
    note: change ? speedNote(change, { before: before!.medianMs, after: after.medianMs }) : '',
    tone: isSlower(pair) ? 'bad' : change?.change === 'faster' ? 'good' : 'plain',
    // What isn't clearly slower isn't drawn as if it were.
    share: before
      ? Math.min(after.medianMs / before.medianMs, change?.change === 'slower' ? Infinity : 1)
      : null,
  };
}

/** Title of the browser's tab. */
export const pageTitle = ({ source, result }: Report) => {
  const ratio = source.sizeBytes / result.sizeBytes;
  return `${result.file}: ${ratio > 1.01 ? `${formatTimes(ratio)} times smaller` : 'edgepress report'}`;
};
